"""The bookings around the plan's moment: in, a Plan; out, Sales that a run of booking_reminders finds, and near misses.

The four kinds come in turn. Pick-up and return fall on the customer's local day of the moment, a deposit three days
ahead; a delivery within 24 hours, at a working hour. Whether a reminder is due *now* still depends on the local hour.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

from rentals.querysets.bookings import DELIVERY_NOTICE, DEPOSIT_DAYS
from rentals.sample.booking_rows import Sale
from rentals.sample.plan import Plan
from rentals.sample.words import CITIES, ZONES

KINDS = ("deposit", "delivery", "pickup", "return")
WORKING_HOURS = range(7, 17)
QUARTER = dt.timedelta(minutes=15)


def due_sales(plan: Plan, *, homes: Sequence[int]) -> Iterator[Sale]:
    """First the due ones, then the near misses; a customer has one at most, while there are customers enough."""
    draw = plan.draws("due").random
    today = [(plan.today(zone) - plan.today()).days for zone in ZONES]
    slots = [_delivery_slots(plan.at, zone) for zone in ZONES]
    for turn in range(plan.due + plan.near_misses):
        customer = turn % plan.customers
        zone = CITIES[homes[customer]].zone
        chance = draw()
        sale = Sale(
            number=plan.ordinary + turn,
            customer=customer,
            unit=plan.ordinary_units + turn,
            start=today[zone],
            end=today[zone] + 1 + int(draw() * 10),
            status="confirmed",
            chance=chance,
        )
        is_missed = turn >= plan.due
        match KINDS[turn % len(KINDS)]:
            case "deposit":
                yield _deposit(sale, is_missed)
            case "delivery":
                yield _delivery(sale, slots[zone][int(chance * len(slots[zone]))], plan.today(), is_missed)
            case "pickup":
                yield sale._replace(status="cancelled") if is_missed else sale
            case _:
                back = sale._replace(start=2 * sale.start - sale.end, end=sale.start)
                yield back._replace(status="completed" if is_missed else "active")


def _deposit(sale: Sale, is_missed: bool) -> Sale:
    ahead = sale._replace(start=sale.start + DEPOSIT_DAYS, end=sale.end + DEPOSIT_DAYS)
    if is_missed:
        return ahead
    return ahead._replace(billing="pending", status="pending" if sale.chance < 0.5 else "confirmed")


def _delivery(sale: Sale, at: dt.datetime, today: dt.date, is_missed: bool) -> Sale:
    start = (at.date() - today).days
    return sale._replace(
        start=start,
        end=start + sale.end - sale.start,
        delivery_at=at.isoformat(sep=" "),
        delivery_status="cancelled" if is_missed else "scheduled",
    )


def _delivery_slots(at: dt.datetime, zone: str) -> list[dt.datetime]:
    """The quarters of an hour at which a truck may come: working hours, from an hour after `at` to the last due by then."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    slots = ((hour + turn * QUARTER).astimezone(ZoneInfo(zone)) for turn in range(4 * 26))
    return [
        slot
        for slot in slots
        if at + dt.timedelta(hours=1) <= slot <= at + DELIVERY_NOTICE and slot.hour in WORKING_HOURS
    ]
