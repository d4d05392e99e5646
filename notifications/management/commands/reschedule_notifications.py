"""`manage.py reschedule_notifications --to ISO`: let queued notifications wait for another moment, with a reason."""

from typing import Any

from django.core.management.base import CommandParser

from notifications.management.acting import ActingCommand, moment


class Command(ActingCommand):
    help = "Send queued notifications at another moment; one in the past means now. --dry-run only counts."
    act, key = "reschedule", "rescheduled"
    done, would = "rescheduled", "would be rescheduled"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--to",
            required=True,
            metavar="ISO",
            help="when, e.g. 2026-11-22T08:00-04:00; without an offset in TIME_ZONE",
        )

    def given(self, options: dict[str, Any]) -> dict[str, Any]:
        return {"to": moment("--to", options["to"]).isoformat()}
