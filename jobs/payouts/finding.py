"""The verdict on one payout: in, what Stripe says of it and the statement, if there is one; out, what its row shall say. Pure."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from jobs.gateways.stripe import Payout
from jobs.payouts.statement import Statement

RECONCILED, DISCREPANCY, PENDING = "reconciled", "discrepancy", "pending"
# Kinds of a statement that must be empty, in the order in which a person should look at them.
FAULTS = ("missing_here", "missing_at_stripe", "differing", "unrefunded", "others")
# What is wrong with the payout itself.
REASONS = ("failed", "canceled", "manual", "incomplete")
KINDS = ("matched", "refunds", *FAULTS, "returned")


@dataclass(frozen=True, slots=True)
class Finding:
    """`faults` are words out of REASONS and FAULTS."""

    status: str
    expected: Decimal | None
    faults: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    payments: Sequence[uuid.UUID] = ()


def judge(payout: Payout, statement: Statement | None) -> Finding:
    """Pending until the bank has the money and Stripe has said what is in it; then right or wrong.

    Wrong is also what happens to come out even: a charge too many and one too few of the same amount.
    """
    faults = tuple(_faults(payout, statement))
    status = DISCREPANCY if faults else RECONCILED
    if _is_under_way(payout):
        status, faults = PENDING, ()
    expected = statement.expected if statement else None if status == PENDING else Decimal(0)
    details = {
        "stripe_status": payout.status,
        "faults": list(faults),
        "difference": str(payout.amount - expected) if expected is not None else None,
    }
    if statement:
        details["fees"] = str(statement.fees)
        details |= {kind: getattr(statement, kind).as_json() for kind in KINDS}
    return Finding(status, expected, faults, details, tuple(statement.payments) if statement else ())


def _is_under_way(payout: Payout) -> bool:
    if payout.status in ("pending", "in_transit"):
        return True
    return payout.status == "paid" and payout.is_automatic and not payout.is_itemized


def _faults(payout: Payout, statement: Statement | None) -> Iterator[str]:
    if payout.status != "paid":
        yield payout.status
    if not payout.is_automatic:
        yield "manual"  # Stripe cannot say what is in it
    if statement:
        yield from (kind for kind in FAULTS if getattr(statement, kind).count)
        if statement.actual != payout.amount:
            yield "incomplete"
