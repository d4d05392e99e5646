"""`manage.py row_security`: in, a database; out, the gaps of its row level security, the SQL that closes them, or closed gaps."""

import json
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, connections

from notifications.row_security.apply import apply, found
from notifications.row_security.catalogue import Facts, read
from notifications.row_security.gaps import Gap
from notifications.row_security.rights import all_tables
from notifications.row_security.script import whole_script
from notifications.row_security.tell import standing


class Command(BaseCommand):
    help = (
        "Check that only postroom_service and postroom_admin see the rows of Postroom's tables. Exit code 1 if there is a gap. "
        "`migrate` closes what its role may close; docs/row-level-security.md tells how roles and logins fit together."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        act = parser.add_mutually_exclusive_group()
        act.add_argument("--check", action="store_true", help="list the gaps (the default)")
        act.add_argument(
            "--sql",
            action="store_true",
            help="print the whole script for a database administrator; changes nothing",
        )
        act.add_argument(
            "--apply",
            action="store_true",
            help="close what this role may close, and switch it on even if a role without membership sees nothing then",
        )
        parser.add_argument("--json", action="store_true", help="print the gaps as JSON")
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS, help="(default: default)")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["database"] not in connections:
            raise CommandError(f"There is no database “{options['database']}” in DATABASES.")
        connection = connections[options["database"]]
        if connection.vendor != "postgresql":
            raise CommandError("Row level security is PostgreSQL's; this database is another.")
        if options["sql"] and options["json"]:
            raise CommandError("--sql prints SQL: leave out --json.")
        if options["sql"]:
            tables = all_tables()
            self.stdout.write(
                "\n".join(whole_script(tables, read(connection, [table.name for table in tables])))
            )
            self._by_hand(found(connection)[1])
            return
        done = apply(connection, cut_off_too=True).done if options["apply"] else ()
        facts, missing = found(connection)
        if options["json"]:
            self.stdout.write(json.dumps(_as_dict(facts, missing, done), indent=2))
        else:
            self._tell(facts, missing, done)
        if missing:
            raise SystemExit(1)

    def _by_hand(self, missing: Sequence[Gap]) -> None:
        if beyond := [gap for gap in missing if gap.by_hand]:
            self.stdout.write("-- Made or granted by somebody else. Decide, and take away the dashes:")
        for gap in beyond:
            self.stdout.write(f"-- {gap.subject}: {gap.text}")
            for statement in gap.sql:
                self.stdout.write(f"-- {statement};")

    def _tell(self, facts: Facts, missing: Sequence[Gap], done: Sequence[Gap]) -> None:
        self.stdout.write(standing(facts))
        for gap in done:
            self.stdout.write(f"closed  {gap.subject}: {gap.text}")
        for gap in missing:
            self.stdout.write(f"GAP     {gap.subject}: {gap.text}")
        if missing:
            self.stdout.write(
                "`manage.py row_security --sql` prints the SQL; --apply runs what this role may run."
            )
        elif facts.complete:
            self.stdout.write(f"No gap: {len(facts.relations)} tables and views are as they should be.")
        else:
            self.stdout.write("There is no table of Postroom yet: migrate first.")


def _as_dict(facts: Facts, missing: Sequence[Gap], done: Sequence[Gap]) -> dict[str, Any]:
    return {
        "role": facts.me.name,
        "exempt": facts.me.exempt,
        "closed": [{"subject": gap.subject, "text": gap.text} for gap in done],
        "gaps": [
            {"subject": gap.subject, "text": gap.text, "by_hand": gap.by_hand, "sql": list(gap.sql)}
            for gap in missing
        ],
    }
