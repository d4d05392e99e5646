"""What Stripe paid out: in, card payments as they are written; out, the payout each went out with, and a row a payout.

A day's card payments, less fees and refunds, arrive two days later. The payouts of the last days are not in the table:
payout_reconciliation fetches them.
"""

import json
from collections.abc import Iterator

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
LAST_DAY = -4
# Announced and never seen, by the day it should have arrived: late, very late, and one that may still come (no matter).
DELAYED = (-4, -9, -1)
# Of the payouts, every so-manieth differed, and was explained by a person; the newest of these was not.
DIFFERED_EVERY = 90


class Till:
    """Adds up what is paid by card, day by day."""

    def __init__(self, plan: Plan, days: Days) -> None:
        self._plan, self._days = plan, days
        self._last = days.texts[LAST_DAY]
        # By day: payments, their amounts, fees and refunds in cents.
        self._sums: dict[str, list[int]] = {}

    def take(self, day: str, amount: int, *, is_refunded: bool) -> str:
        """The payout that this payment of the day (ISO) went out with, or will: then it has no id yet."""
        if day > self._last:
            return ""
        sums = self._sums.get(day)
        if sums is None:
            sums = self._sums[day] = [0, 0, 0, 0]
        sums[0] += 1
        sums[1] += amount
        # Stripe's price for cards: 2.9 % and 30 cents; it keeps them when money is returned.
        sums[2] += (amount * 29 + 500) // 1000 + 30
        sums[3] += amount if is_refunded else 0
        return _payout(day)

    def payout_rows(self) -> Iterator[Row]:
        """Those reconciled, oldest first, and those that are late."""
        prefix, days = self._plan.ids(TABLE), self._days
        newest = 0
        for number, day in enumerate(range(FIRST_DAY, LAST_DAY + 1)):
            if not (sums := self._sums.get(days.texts[day])):
                continue
            matched, charged, fees, refunds = sums
            expected = charged - fees - refunds
            differs = 1500 if number % DIFFERED_EVERY == DIFFERED_EVERY - 1 else 0
            is_open = differs > 0 and day > LAST_DAY - DIFFERED_EVERY
            seen_at = f"{days.texts[day + ARRIVAL + 1]} 07:30+00"
            newest = number
            yield (
                f"{prefix}{number:012x}",
                seen_at,
                seen_at,
                _payout(days.texts[day]),
                days.texts[day + ARRIVAL],
                cents(expected - differs),
                cents(expected),
                "CAD",
                "discrepancy" if is_open else "reconciled",
                _details(matched, fees, refunds, differs),
                "" if is_open else "job:payout_reconciliation",
                NULL if is_open else seen_at,
            )
        if not newest:
            return
        for turn, arrival in enumerate(DELAYED, start=newest + 1):
            seen_at = f"{days.texts[arrival - 1]} 07:30+00"
            identity = f"{prefix}{turn:012x}", seen_at, seen_at, f"po_sample_late{-arrival:02d}"
            amount = cents(180_000 + 1_000 * turn)
            yield *identity, days.texts[arrival], amount, NULL, "CAD", "pending", "{}", "", NULL


def _payout(day: str) -> str:
    return f"po_sample{day.replace('-', '')}"


def _details(matched: int, fees: int, refunds: int, differs: int) -> str:
    return json.dumps(
        {
            "matched": matched,
            "missing_here": [],
            "missing_at_stripe": [],
            "fees": cents(fees),
            "refunds": cents(refunds),
            "difference": cents(-differs),
        }
    )
