"""Payments that failed in the last day: in, a Plan; out, a spike of one method, and of another too few to be one."""

from collections.abc import Iterator

from rentals.sample.days import Days
from rentals.sample.plan import Plan
from rentals.sample.rows import Row

# By method: how many failed, how many went through. mv_alert_candidates takes 5 and a fifth for a spike.
TRIES = {"debit": (8, 2), "wallet": (3, 5)}
# Ids of the payments of instalments begin with 1 or 2.
FIRST_ID = 0xF00000000000


def payment_rows(plan: Plan, days: Days) -> Iterator[Row]:
    """For bookings of now; a business without any has none."""
    payments, bookings = plan.ids("payments"), plan.ids("bookings")
    if not plan.due:
        return
    number = 0
    for method, (failed, completed) in TRIES.items():
        for turn in range(failed + completed):
            at = days.ago(25 + 60 * turn)
            booking = f"{bookings}{plan.ordinary + number % plan.due:012x}"
            status = "failed" if turn < failed else "completed"
            key = f"{payments}{FIRST_ID + number:012x}"
            yield key, at, at, booking, "120.00", "CAD", status, method, "", "", ""
            number += 1
