"""What Stripe paid out: in, card payments as they are written; out, the payout each went out with, and a row a payout.

A day's card payments, less fees and refunds, arrive two days later. The payouts of the last two weeks are not in the table:
payout_reconciliation fetches them. `details` are as that job writes them.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from rentals.sample.days import FIRST_DAY, Days
from rentals.sample.plan import Plan
from rentals.sample.rows import NULL, Row, cents

TABLE = "payout_reconciliations"
COLUMNS = (
    "id", "created_at", "updated_at", "stripe_payout_id", "arrival_date", "amount", "expected_amount", "currency", "status",
    "details", "reconciled_by", "reconciled_at",
)  # fmt: skip
ARRIVAL = 2
# The last day whose payments are reconciled.
LAST_DAY = -14
# Announced and never seen, by the day it should have arrived: late, very late, and one that may still come (no matter).
DELAYED = (-4, -9, -1)
# Every so-manieth payout differed, and a person explained it; one of the last ones did, and nobody has.
DIFFERED_EVERY = 90
OPEN = -3
# What is compared, beside what agrees.
FAULTS = ("missing_here", "missing_at_stripe", "differing", "unrefunded", "others", "returned")
# In cents: what Stripe paid less than our payments say.
DIFFERENCE = 1500


@dataclass(slots=True)
class _Day:
    """The card payments of one day, in cents: how many, how much, Stripe's fees, and what was paid back."""

    payments: int = 0
    charged: int = 0
    fees: int = 0
    refunds: int = 0
    refunded: int = 0


class Till:
    """Adds up what is paid by card, day by day."""

    def __init__(self, plan: Plan, days: Days) -> None:
        self._plan, self._days = plan, days
        self._last = days.texts[LAST_DAY]
        self._by_day: dict[str, _Day] = {}

    def take(self, day: str, amount: int, *, is_refunded: bool) -> str:
        """The payout that this payment of the day (ISO) went out with, or will: then it has no id yet."""
        if day > self._last:
            return ""
        paid = self._by_day.get(day)
        if paid is None:
            paid = self._by_day[day] = _Day()
        paid.payments += 1
        paid.charged += amount
        # Stripe's price for cards: 2.9 % and 30 cents; it keeps them when money is returned.
        paid.fees += (amount * 29 + 500) // 1000 + 30
        if is_refunded:
            paid.refunds += 1
            paid.refunded += amount
        return _payout(day)

    def payout_rows(self) -> Iterator[Row]:
        """Those reconciled, oldest first, and those that are late."""
        known = [day for day in range(FIRST_DAY, LAST_DAY + 1) if self._days.texts[day] in self._by_day]
        for number, day in enumerate(known):
            is_open = number == len(known) + OPEN
            was_explained = number % DIFFERED_EVERY == DIFFERED_EVERY - 1
            yield self._reconciled(
                number, day, DIFFERENCE if is_open or was_explained else 0, is_open=is_open
            )
        if known:
            for number, arrival in enumerate(DELAYED, start=len(known)):
                yield self._delayed(number, arrival)

    def _reconciled(self, number: int, day: int, difference: int, *, is_open: bool) -> Row:
        days = self._days.texts
        paid = self._by_day[days[day]]
        expected = paid.charged - paid.fees - paid.refunded
        seen_at = f"{days[day + ARRIVAL + 1]} 07:30+00"
        # What has no name at Stripe, an adjustment.
        other = _kind(1, -difference) if difference else _kind(0, 0)
        details = {
            "stripe_status": "paid",
            "faults": ["others"] if difference else [],
            "difference": cents(-difference),
            "fees": cents(paid.fees),
            "matched": _kind(paid.payments, paid.charged),
            "refunds": _kind(paid.refunds, -paid.refunded),
            **{fault: _kind(0, 0) for fault in FAULTS},
            "others": other,
        }
        return (
            f"{self._plan.ids(TABLE)}{number:012x}",
            seen_at,
            seen_at,
            _payout(days[day]),
            days[day + ARRIVAL],
            cents(expected - difference),
            cents(expected),
            "CAD",
            "discrepancy" if is_open else "reconciled",
            json.dumps(details),
            "" if is_open else "staff:1" if difference else "job:payout_reconciliation",
            NULL if is_open else seen_at,
        )

    def _delayed(self, number: int, arrival: int) -> Row:
        seen_at = f"{self._days.texts[arrival - 1]} 07:30+00"
        identity = f"{self._plan.ids(TABLE)}{number:012x}", seen_at, seen_at, f"po_sample_late{-arrival:02d}"
        amount = cents(180_000 + 1_000 * number)
        return *identity, self._days.texts[arrival], amount, NULL, "CAD", "pending", "{}", "", NULL


def _payout(day: str) -> str:
    return f"po_sample{day.replace('-', '')}"


def _kind(count: int, total: int) -> dict[str, object]:
    """Counted and added up, but not listed."""
    return {"count": count, "total": cents(total), "items": []}
