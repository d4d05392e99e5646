"""`manage.py erase_customer ID --reason TEXT`: forget a customer, and keep the proof that it was done."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from consent.out_of_reach import HINT, out_of_reach
from notifications.privacy.erase import Erased, NobodyError, erase
from notifications.privacy.person import TABLES
from notifications.privacy.receipts import ReasonError


class Command(BaseCommand):
    help = (
        "Forget a customer: their messages lose recipient, payload and text, what waits is stopped, inbox, browsers and links go, "
        "the host anonymises its record, and their addresses are suppressed by keyed hash. A receipt stays. Done twice, the second finds "
        "nothing. docs/runbooks/erasure-request.md"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", help="the customer's id, as the host knows it")
        parser.add_argument(
            "--reason", required=True, help="why; kept for ever, so no names and no addresses"
        )
        parser.add_argument("--dry-run", action="store_true", help="count what would go, change nothing")
        parser.add_argument("--json", action="store_true", help="print the answer as JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        if hidden := out_of_reach(TABLES, writing=False):
            raise CommandError(f"This login cannot get at {', '.join(hidden)}: {HINT}.")
        try:
            done = erase(
                options["id"].strip(),
                by="command",
                reason=options["reason"],
                now=timezone.now(),
                dry_run=options["dry_run"],
            )
        except (ReasonError, NobodyError) as error:
            raise CommandError(str(error)) from None
        if options["json"]:
            self.stdout.write(json.dumps(_answer(done, dry_run=options["dry_run"]), indent=2))
            return
        for what, count in done.counts.items():
            self.stdout.write(f"{what:26}{count:8,}")
        if done.in_flight:
            self.stdout.write(
                f"{done.in_flight} messages are with a provider at this moment, and may arrive."
            )
        if options["dry_run"]:
            self.stdout.write("Nothing was changed.")
        elif done.receipt:
            told = (
                "Receipt" if done.did_something else "There was nothing left to erase. The earlier receipt:"
            )
            self.stdout.write(f"{told} {done.receipt.pk} of {done.receipt.made_at:%Y-%m-%d %H:%M} UTC")
            self.stdout.write(f"SHA-256 {done.receipt.sha256}")


def _answer(done: Erased, *, dry_run: bool) -> dict[str, Any]:
    receipt = done.receipt
    return {
        "counts": dict(done.counts),
        "in_flight": done.in_flight,
        "dry_run": dry_run,
        "receipt": None
        if receipt is None
        else {"id": str(receipt.pk), "made_at": receipt.made_at.isoformat(), "sha256": receipt.sha256},
    }
