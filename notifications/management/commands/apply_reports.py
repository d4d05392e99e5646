"""`manage.py apply_reports`: draw the consequences of what providers reported, where no job cluster does."""

import datetime as dt
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from notifications.webhooks.apply import BUDGET, apply_waiting, try_again_stuck, unapplied


class Command(BaseCommand):
    help = (
        "Apply what providers reported by webhook and nobody has applied yet: onto the messages, as suppressions and in the "
        "consent ledger. Safe beside any number of others. With the jobs app a schedule does this each minute."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        usual = BUDGET.total_seconds()
        parser.add_argument(
            "--budget", type=float, default=usual, help=f"seconds to work at most (default {usual:g})"
        )
        parser.add_argument(
            "--stuck",
            action="store_true",
            help="first have those tried again that failed too often, after their cause is mended",
        )
        parser.add_argument("--json", action="store_true", help="print the counts as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 0 < options["budget"] <= 3600:
            raise CommandError("--budget takes seconds, more than 0 and at most 3600.")
        again = try_again_stuck() if options["stuck"] else 0
        found = apply_waiting(budget=dt.timedelta(seconds=options["budget"]))
        left = unapplied()
        if options["json"]:
            counts = {
                "applied": found.done,
                "failed": found.failed,
                "waiting": left.waiting,
                "stuck": left.stuck,
            }
            self.stdout.write(json.dumps({"tried_again": again, **counts}))
            return
        self.stdout.write(
            f"Applied {found.done}, failed {found.failed}; {left.waiting} wait to be tried, {left.stuck} wait for a person."
        )
