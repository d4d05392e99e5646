"""Our side of a payout: in, a page of charges, or the payout's id; out, what our payments say of them. One query each."""

import uuid
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from rentals.models import Payment


@dataclass(frozen=True, slots=True)
class Booked:
    """What we have booked for one charge. Several payments may share it (a deposit and a balance paid at once)."""

    ids: tuple[uuid.UUID, ...]
    # Of those that say the money came: a failed or pending one says it did not.
    amount: Decimal
    currency: str
    is_refunded: bool


def booked(charges: Collection[str]) -> Mapping[str, Booked]:
    """By charge; those we know nothing of are left out."""
    if not charges:
        return {}
    rows = Payment.objects.of_charges(charges).order_by("stripe_charge_id", "pk")
    found: dict[str, list[Payment]] = {}
    for row in rows.only("stripe_charge_id", "amount", "currency", "status"):
        found.setdefault(row.stripe_charge_id, []).append(row)
    return {charge: _together(payments) for charge, payments in found.items()}


def astray(payout_id: str, *, seen: Collection[uuid.UUID]) -> Iterator[Payment]:
    """Payments that went out with this payout, say our rows, though they are not among those that Stripe lists."""
    rows = Payment.objects.of_payout(payout_id).filter(status__in=Payment.RECEIVED).order_by("pk")
    known = frozenset(seen)
    for row in rows.only("stripe_charge_id", "amount").iterator():
        if row.pk not in known:
            yield row


def _together(payments: list[Payment]) -> Booked:
    received = [row for row in payments if row.status in Payment.RECEIVED]
    currencies = {row.currency for row in received or payments}
    return Booked(
        ids=tuple(row.pk for row in payments),
        amount=sum((row.amount for row in received), Decimal(0)),
        # Of two currencies no sum can be right: it differs from whatever Stripe says.
        currency=currencies.pop() if len(currencies) == 1 else "",
        is_refunded=bool(received) and all(row.status == Payment.Status.REFUNDED for row in received),
    )
