"""`manage.py seed_rentals`: in, sizes, a seed and a moment; out, a sample rental business, the same every time."""

import datetime as dt
import json
import sys
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from tqdm import tqdm

from config.sample_business import RefusedError, make_sample_business
from jobs.moment import parse_moment
from notifications.push_hosts import EndpointError
from rentals.models import Booking, LogisticsTask
from rentals.sample.plan import Plan, PlanError


class Command(BaseCommand):
    help = (
        "Make a sample rental business: customers with consents and browsers, segments, machines with services and readings, "
        "bookings with transports, payments, instalments, insurance and contracts, payouts, promotions, support tickets, "
        "alerts, audit events, staff. Around the moment each job has something to do, beside near misses. The same "
        "numbers, seed and moment make the same business, ids included. Sandbox mode only."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--customers", type=int, default=300, metavar="N")
        parser.add_argument("--bookings", type=int, default=500, metavar="N")
        parser.add_argument(
            "--audit-events",
            type=int,
            default=2_000,
            metavar="N",
            help="over three months; up to some hundred of them suspicious",
        )
        parser.add_argument(
            "--seed", type=int, default=1, metavar="N", help="another number, another business"
        )
        parser.add_argument(
            "--at", metavar="ISO", help="the moment it lies around, local time without an offset; now"
        )
        parser.add_argument("--replace", action="store_true", help="delete the rental business that is there")
        parser.add_argument(
            "--push-url", default=settings.SANDBOX_URL, metavar="URL", help="the sandbox's address"
        )
        parser.add_argument("--json", action="store_true", help="print the counts as JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        began = time.perf_counter()
        try:
            plan = Plan(
                at=parse_moment(options["at"]) if options["at"] else timezone.now(),
                customers=options["customers"],
                bookings=options["bookings"],
                seed=options["seed"],
                audit_events=options["audit_events"],
            )
        except (PlanError, ValueError) as error:
            raise CommandError(str(error)) from None
        is_silent = options["verbosity"] == 0 or not sys.stderr.isatty()
        with tqdm(
            total=plan.bookings + plan.audit_events,
            unit=" bookings and events",
            unit_scale=True,
            disable=is_silent,
            file=sys.stderr,
        ) as bar:
            try:
                rows = make_sample_business(
                    plan, push_url=options["push_url"], replace=options["replace"], advance=bar.update
                )
            except (RefusedError, EndpointError) as error:
                raise CommandError(str(error)) from None
        seconds = time.perf_counter() - began
        if options["json"]:
            self.stdout.write(json.dumps(_answer(plan, rows, seconds), indent=2))
        elif options["verbosity"] > 0:
            self.stdout.write(_table(plan, rows, seconds))


def _answer(plan: Plan, rows: dict[str, int], seconds: float) -> dict[str, Any]:
    return {
        "at": plan.at.isoformat(),
        "seed": plan.seed,
        "rows": rows,
        "due": _due(plan.at),
        "seconds": round(seconds, 2),
        "bookings_per_second": round(plan.bookings / seconds),
    }


def _table(plan: Plan, rows: dict[str, int], seconds: float) -> str:
    lines = [f"{table:26}{count:12,}" for table, count in rows.items()]
    due = ", ".join(f"{count:,} {kind}" for kind, count in _due(plan.at).items())
    return "\n".join([*lines, f"Reminders due at {plan.at.isoformat()}: {due}.", f"{seconds:.1f} s"])


def _due(at: dt.datetime) -> dict[str, int]:
    return {
        "deposit": Booking.objects.deposit_due(now=at).count(),
        "delivery": LogisticsTask.objects.delivery_due(now=at).count(),
        "pickup": Booking.objects.pickup_today(now=at).count(),
        "return": Booking.objects.return_today(now=at).count(),
    }
