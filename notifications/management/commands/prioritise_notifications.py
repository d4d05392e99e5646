"""`manage.py prioritise_notifications --priority N`: let queued notifications pass others, or wait for them, with a reason."""

from typing import Any

from django.core.management.base import CommandParser

from notifications.management.acting import ActingCommand
from notifications.models import Priority


class Command(ActingCommand):
    help = "Give queued notifications another priority. --dry-run only counts."
    act, key = "prioritise", "prioritised"
    done, would = "have it now", "would have it"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--priority",
            required=True,
            type=int,
            choices=Priority.values,
            help="0 urgent, 1 high, 2 normal, 3 low",
        )

    def given(self, options: dict[str, Any]) -> dict[str, Any]:
        return {"priority": options["priority"]}
