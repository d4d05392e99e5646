"""`manage.py rebuild_traffic`: make the counts of what was sent, failed and withheld anew."""

import datetime as dt
import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_date
from tqdm import tqdm

from notifications.traffic.rebuild import Busy, rebuild
from notifications.traffic.steps import DAYS_KEPT


class Command(BaseCommand):
    help = (
        "Count anew, from the queue and the history, what was sent, failed and withheld, for the back office's first page. "
        "Counting goes on by itself each minute; this is for messages that were written into the past (an import, a sample), "
        "or after a restore. One transaction: nobody sees half of it, and it may be repeated."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--since",
            metavar="DATE",
            help=f"from this day on, as 2026-11-28 (of UTC; default: all that is kept, {DAYS_KEPT.days} days)",
        )
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        since = _day(options["since"], now) if options["since"] else None
        is_silent = options["verbosity"] == 0 or not sys.stderr.isatty()
        with tqdm(unit=" parts", disable=is_silent, file=sys.stderr) as bar:

            def tell(done: int, of: int) -> None:
                bar.total = of
                bar.update(done - bar.n)

            try:
                counts = rebuild(since=since, now=now, tell=tell)
            except Busy as busy:
                raise CommandError(str(busy)) from None
        if options["json"]:
            self.stdout.write(json.dumps({"counts": counts, "since": options["since"]}))
        else:
            self.stdout.write(f"{counts:,} counts written.")


def _day(text: str, now: dt.datetime) -> dt.datetime:
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    if day is None:
        raise CommandError(f"--since takes a day, as 2026-11-28, not {text!r}.")
    moment = dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)
    if moment > now:
        raise CommandError(f"--since {text} lies ahead: there is nothing to count yet.")
    return moment
