"""`manage.py export_consent`: the ledger as a CSV, which `import_consent` reads again."""

import datetime as dt
import os
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from tqdm import tqdm

from consent.export_csv import export_csv
from consent.models import ConsentChain, ConsentEvent


class Command(BaseCommand):
    help = (
        "Write the consent ledger as CSV: every event with its wording, evidence and hashes, in the order of each customer's chain. "
        "Customers are ids; no address is in it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--customer", metavar="ID", help="only this customer")
        parser.add_argument(
            "--since", metavar="ISO", help="only what was recorded since then: 2026-03-01, or with a time"
        )
        parser.add_argument(
            "--out", type=Path, metavar="FILE", help="a new file, for its owner only; else the terminal"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        customer, since, out = options["customer"], _moment(options["since"]), options["out"]
        if customer is not None and not ConsentChain.objects.filter(pk=customer).exists():
            raise CommandError(f"Nothing is on record for customer {customer!r}: check the id.")
        events = ConsentEvent.objects.all()
        events = events.filter(customer_id=customer) if customer is not None else events
        events = events.filter(recorded_at__gte=since) if since else events
        is_silent = options["verbosity"] == 0 or not sys.stderr.isatty()
        with tqdm(
            total=events.count(), unit=" events", unit_scale=True, disable=is_silent, file=sys.stderr
        ) as bar:
            if out is None:
                export_csv(self.stdout, customer_id=customer, since=since, advance=bar.update)
                return
            # Beside it first: a file of that name is whole, or it is not there.
            draft = out.with_name(f".{out.name}.{os.getpid()}")
            try:
                draft.touch(mode=0o600, exist_ok=False)
                with draft.open("w", encoding="utf-8", newline="") as file:
                    count = export_csv(file, customer_id=customer, since=since, advance=bar.update)
                draft.replace(out)
            except OSError as error:
                raise CommandError(f"{out} can't be written: {error.strerror}.") from None
            finally:
                draft.unlink(missing_ok=True)
        if options["verbosity"] > 0:
            self.stderr.write(f"{count:,} events in {out}.")


def _moment(text: str | None) -> dt.datetime | None:
    if not text:
        return None
    try:
        day = parse_date(text) if len(text) == len("2026-03-01") else None
        moment = dt.datetime.combine(day, dt.time()) if day else parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None:
        raise CommandError(f"--since “{text}” is no moment: write 2026-03-01 or 2026-03-01T09:30:00-04:00.")
    return timezone.make_aware(moment) if timezone.is_naive(moment) else moment
