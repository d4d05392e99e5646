"""The bookings that call for nothing today: in, a Plan; out, Sales: two years of history, what is out, what is far off."""

from collections.abc import Iterator, Sequence

from rentals.querysets.bookings import DEPOSIT_DAYS
from rentals.sample.booking_rows import Sale
from rentals.sample.days import Days
from rentals.sample.plan import Plan
from rentals.sample.words import CITIES

FIRST_DAY, LAST_DAY = -730, 60
# Shorter than a machine's turn comes round again (see plan.BOOKINGS_A_UNIT), so that its bookings never overlap.
LONGEST = 14
# When a truck comes.
CLOCKS = [f"{hour:02d}:{minute:02d}" for hour in range(7, 16) for minute in (0, 15, 30, 45)]
# «Today» differs by a day between the customers' time zones.
MARGIN = 1


def ordinary_sales(plan: Plan, days: Days, *, homes: Sequence[int]) -> Iterator[Sale]:
    """In the order of their first day. None of them is due for a reminder on the plan's day, in any time zone."""
    draw = plan.draws("ordinary").random
    span = LAST_DAY - FIRST_DAY
    for number in range(plan.ordinary):
        start = FIRST_DAY + number * span // plan.ordinary
        end = start + int(draw() ** 2 * LONGEST)
        customer = int(draw() * plan.customers)
        status, billing = _standing(start, end, draw())
        chance = draw()
        delivery_at = ""
        if draw() < 0.35:
            delivery_at = days.local(start, CLOCKS[int(chance * len(CLOCKS))], CITIES[homes[customer]].zone)
        yield Sale(
            number,
            customer,
            number % plan.ordinary_units,
            start,
            end,
            status,
            billing,
            delivery_at,
            "cancelled" if status == "cancelled" else "scheduled",
            chance,
        )


def _standing(start: int, end: int, draw: float) -> tuple[str, str]:
    """Status and billing. Whatever begins or ends around today is cancelled or came back early."""
    if draw < 0.07:
        return "cancelled", "pending" if draw < 0.05 else "deposit_paid"
    if end < -MARGIN:
        return "completed", "balance_paid" if draw < 0.98 else "overdue"
    if start < -MARGIN:
        return ("active", "deposit_paid") if end > MARGIN else ("completed", "balance_paid")
    if start > DEPOSIT_DAYS + MARGIN:
        return (
            ("confirmed", "deposit_paid" if draw < 0.6 else "pending")
            if draw < 0.85
            else ("pending", "pending")
        )
    return "cancelled", "pending"
