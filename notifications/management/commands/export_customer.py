"""`manage.py export_customer ID`: all that Postroom holds of a customer, as one JSON document."""

import json
import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from consent.out_of_reach import HINT, out_of_reach
from notifications.privacy.erase import NobodyError
from notifications.privacy.export import Export
from notifications.privacy.person import TABLES
from notifications.privacy.receipts import ReasonError


class Command(BaseCommand):
    help = (
        "Write all that Postroom holds of a customer as one JSON document, to standard output or a new file that only you can read. "
        "That it was made, by whom and why, is on record."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", help="the customer's id, as the host knows it")
        parser.add_argument("--out", type=Path, metavar="FILE", help="a file that does not exist yet")
        parser.add_argument("--reason", default="asked for by the customer", help="why; kept for ever")
        parser.add_argument("--json", action="store_true", help="with --out: print the receipt as JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        if hidden := out_of_reach(TABLES, writing=False):
            raise CommandError(f"This login cannot get at {', '.join(hidden)}: {HINT}.")
        try:
            with transaction.atomic():
                export = Export(
                    options["id"].strip(), by="command", reason=options["reason"], now=timezone.now()
                )
                self._write(export, options["out"])
        except (ReasonError, NobodyError) as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"The file cannot be written: {error.strerror}.") from None
        receipt = export.receipt
        if options["out"] is None or receipt is None:
            return
        if options["json"]:
            self.stdout.write(json.dumps({"counts": receipt.counts, "sha256": receipt.sha256}))
        else:
            counts = ", ".join(f"{count} {name}" for name, count in receipt.counts.items()) or "nothing"
            self.stdout.write(f"Exported {counts}. SHA-256 {receipt.sha256}")

    def _write(self, export: Export, out: Path | None) -> None:
        if out is None:
            for piece in export:
                self.stdout.write(piece, ending="")
            return
        # Never over a file that is there, and readable by nobody else.
        made = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(made, "w", encoding="utf-8") as file:
            file.writelines(export)
