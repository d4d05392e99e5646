"""`manage.py replay_notifications`: queue failed notifications again, with a reason, in steps of some hundred."""

from django.core.management.base import CommandParser

from notifications.management.acting import ActingCommand


class Command(ActingCommand):
    help = "Queue failed notifications again. Filters narrow the selection; --dry-run only counts."
    act, key, needs_all = "replay", "replayed", False
    done, would = "queued again", "would be queued again"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--status", default="failed", choices=["failed"], help="which to replay (default: failed)"
        )
