"""Machines that are booked twice on one day: in, Sales; out, the same, a few of them with the machine of the one before.

Staff are to be told (mv_alert_candidates); the calendar's own check let them through.
"""

from collections.abc import Iterable, Iterator

from rentals.sample.booking_rows import Sale
from rentals.sample.plan import Plan

# The near misses of deposits begin in three days: so soon it is critical. They come in every fourth turn.
DEPOSIT_TURN = 4


def with_conflicts(plan: Plan, sales: Iterable[Sale]) -> Iterator[Sale]:
    left = plan.conflicts
    before: Sale | None = None
    first_soon = -(-plan.due // DEPOSIT_TURN) * DEPOSIT_TURN + plan.ordinary
    for sale in sales:
        met = sale
        if sale.number < plan.ordinary:
            if left and before and _can_meet(before, sale):
                left, met = left - 1, sale._replace(unit=before.unit)
        elif sale.number == first_soon + DEPOSIT_TURN:
            met = sale._replace(unit=sale.unit - DEPOSIT_TURN)
        # Never three on one machine.
        before = None if met is not sale else sale
        yield met


def _can_meet(before: Sale, sale: Sale) -> bool:
    return before.is_far_off and sale.is_far_off and before.end >= sale.start
