"""`manage.py settle_notifications --was sent|not-sent`: say of messages whose answer was lost what you found out."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from notifications.management.acting import ActingCommand


class Command(ActingCommand):
    help = "Settle messages that failed with an unknown outcome: look them up at the provider first. --dry-run only counts."
    act, key = "settle", "settled"
    done, would = "settled", "would be settled"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--was", required=True, choices=["sent", "not-sent"], help="what you found out")
        parser.add_argument("--replay", action="store_true", help="replay what was not sent in the same step")

    def given(self, options: dict[str, Any]) -> dict[str, Any]:
        if options["replay"] and options["was"] == "sent":
            raise CommandError("--replay goes with --was not-sent: what was sent is not sent again.")
        return {"was_sent": options["was"] == "sent", "then_replay": options["replay"]}
