"""`manage.py smoke`: does every message that should be sent arrive exactly once? A table, and the exit code says it."""

import json
import logging
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.smoke import MOMENT, Line, smoke

HEADINGS = ("job", "channel", "queued", "withheld", "sent", "received", "duplicates")


class Command(BaseCommand):
    help = (
        "Load the sample business, run the jobs for a fixed moment, send everything to the sandbox providers, and "
        "compare. Uses a database of its own. Exit code 0 only if every message was received exactly once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the table as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        # The log of every message would bury what this command has to say; the workers keep theirs in files.
        logging.disable(logging.INFO)
        if not settings.SANDBOX:
            raise CommandError("The smoke test runs in sandbox mode only: unset POSTROOM_MODE.")
        lines, problems = smoke()
        if options["json"]:
            answer = {
                "moment": MOMENT.isoformat(),
                "lines": [asdict(line) for line in lines],
                "problems": problems,
            }
            self.stdout.write(json.dumps(answer, indent=2))
        else:
            self.stdout.write(f"The jobs ran for {MOMENT.isoformat()}.\n\n{_table(lines)}\n")
        if problems:
            raise CommandError("\n".join(problems))
        if not options["json"]:
            self.stdout.write("Every message was received exactly once.")


def _table(lines: list[Line]) -> str:
    rows = [HEADINGS, *(tuple(str(value) for value in asdict(line).values()) for line in lines)]
    total = [sum(int(row[i]) for row in rows[1:]) for i in range(2, len(HEADINGS))]
    rows.append(("total", "", *map(str, total)))
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i < 2 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
