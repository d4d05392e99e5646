"""`manage.py process_notifications`: send what is due, once, and say what was done."""

import datetime as dt
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from consent.models import Channel
from notifications.drain_report import DrainReport
from notifications.polite import leaving_politely
from notifications.worker import drain


class Command(BaseCommand):
    help = (
        "Send the notifications that are due, until none is or the budget is spent. Safe to run several at once. "
        "The first SIGTERM or Ctrl-C finishes what is in flight and leaves; the second stops at once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--budget", type=float, metavar="S", help="seconds to work at most (default: 25)")
        parser.add_argument(
            "--limit", type=int, metavar="N", help="notifications to take at most (default: no limit)"
        )
        parser.add_argument("--channel", choices=Channel.values, help="only this channel (default: all)")
        parser.add_argument(
            "--stay", action="store_true", help="stay for the whole budget, and sleep until something is due"
        )
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        for name in ("budget", "limit"):
            if options[name] is not None and options[name] <= 0:
                raise CommandError(f"--{name} must be more than 0.")
        with leaving_politely() as told:
            report = drain(
                budget=dt.timedelta(seconds=options["budget"]) if options["budget"] else None,
                limit=options["limit"],
                channels=[options["channel"]] if options["channel"] else None,
                stop=told,
                resident=options["stay"],
            )
        self.stdout.write(json.dumps(report.as_dict()) if options["json"] else _sentence(report))


def _sentence(report: DrainReport) -> str:
    if not report.claimed and not report.released:
        return "Nothing is due."
    lines = [
        f"Took {report.claimed} notifications in {report.seconds:.1f} s; {report.released} came back from dead workers."
    ]
    lines += [
        f"  {channel:<6} {what:<10} {count}" for (channel, what), count in sorted(report.counts.items())
    ]
    return "\n".join(lines)
