"""`manage.py consent_receipt CUSTOMER`: what stands for a customer, by which event, and the hash that proves it later."""

import dataclasses
import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from consent.receipt import NothingOnRecordError, as_text, receipt


class Command(BaseCommand):
    help = (
        "Print what stands for one customer by kind of message and channel, every event behind it with the wording that they read, "
        "and the hash that their chain ends with: whoever keeps it can tell later whether the ledger was rewritten."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("customer", help="the customer's id")
        languages = [code for code, _name in settings.LANGUAGES]
        parser.add_argument("--locale", choices=languages, default=settings.LANGUAGE_CODE.split("-")[0])
        parser.add_argument("--json", action="store_true", help="print it as JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            found = receipt(options["customer"], at=timezone.now(), locale=options["locale"])
        except NothingOnRecordError:
            raise CommandError(
                f"Nothing is on record for customer {options['customer']!r}: check the id."
            ) from None
        if options["json"]:
            self.stdout.write(
                json.dumps(dataclasses.asdict(found), indent=2, cls=DjangoJSONEncoder, ensure_ascii=False)
            )
        else:
            self.stdout.write(as_text(found))
        if found.fault:
            raise CommandError("The chain is broken: see docs/runbooks/broken-consent-chain.md.")
