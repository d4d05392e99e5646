"""What is in a payout, added up: in, pages of Stripe's movements with our payments; out, lists by kind, and two sums.

`actual` is what Stripe's movements come to, `expected` what they would come to if our payments were right. Pure. Of each
kind the first LISTED are kept by id and amount, the rest counted, so that a payout of any size makes a small row.
"""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from jobs.gateways.stripe import Movement
from jobs.payouts.match import Booked

LISTED = 100


@dataclass(slots=True)
class Kind:
    """One list of a statement."""

    count: int = 0
    total: Decimal = Decimal(0)
    items: list[dict[str, str]] = field(default_factory=list)

    def add(self, id_: str, amount: Decimal, **more: str) -> None:
        self.count += 1
        self.total += amount
        if len(self.items) < LISTED:
            self.items.append({"id": id_, "amount": str(amount), **more})

    def as_json(self) -> dict[str, Any]:
        return {"count": self.count, "total": str(self.total), "items": self.items}


@dataclass(slots=True)
class Statement:
    """Of one payout; grows page by page. `payments` are those whose charges are in it, right or not."""

    payout_id: str
    actual: Decimal = Decimal(0)
    expected: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    payments: list[uuid.UUID] = field(default_factory=list)
    matched: Kind = field(default_factory=Kind)
    refunds: Kind = field(default_factory=Kind)
    missing_here: Kind = field(default_factory=Kind)
    missing_at_stripe: Kind = field(default_factory=Kind)
    differing: Kind = field(default_factory=Kind)
    unrefunded: Kind = field(default_factory=Kind)
    returned: Kind = field(default_factory=Kind)
    others: Kind = field(default_factory=Kind)

    def add(self, movements: Iterable[Movement], ours: Mapping[str, Booked]) -> None:
        """One page. Fees are Stripe's to say: we expect what it took."""
        for movement in movements:
            if movement.source == self.payout_id:
                continue  # the transfer itself takes all of it out, and brings it back where it fails
            self.actual += movement.net
            self._take_fee(movement.fee)
            match movement.category:
                case "charge":
                    self._charge(movement, ours.get(movement.charge))
                case "refund" | "refund_failure":
                    self._refund(movement, ours.get(movement.charge))
                case "fee":
                    self._take_fee(-movement.amount)
                case "payout_reversal":
                    # A transfer that failed comes back and goes out with the next; its own row tells of it.
                    self.returned.add(movement.source, movement.amount)
                    self.expected += movement.amount
                case category:
                    # Disputes, adjustments, reserves: no payment of ours speaks of them, so a person must.
                    self.others.add(movement.source or movement.id, movement.amount, category=category)

    def miss(self, payment: uuid.UUID, charge: str, amount: Decimal) -> None:
        """A payment of ours that went out with this payout, says our row, and does not stand in Stripe's list."""
        self.missing_at_stripe.add(str(payment), amount, charge=charge)
        self.expected += amount

    def _charge(self, movement: Movement, ours: Booked | None) -> None:
        if ours is None:
            self.missing_here.add(movement.charge, movement.amount)
            return
        self.payments += ours.ids
        if (ours.amount, ours.currency) == (movement.asked, movement.asked_currency):
            self.matched.add(movement.charge, movement.amount)
            self.expected += movement.amount
            return
        booked = f"{ours.amount} {ours.currency}".strip()
        self.differing.add(movement.charge, movement.amount, booked=booked)
        # In the payout's currency, at the rate that Stripe used.
        rate = movement.amount / movement.asked if movement.asked else Decimal(1)
        if ours.currency == movement.asked_currency:
            self.expected += (ours.amount * rate).quantize(movement.amount)

    def _refund(self, movement: Movement, ours: Booked | None) -> None:
        if ours is None:
            self.missing_here.add(movement.source, movement.amount, charge=movement.charge)
            return
        is_whole = movement.category == "refund" and movement.asked == ours.amount
        if is_whole and not ours.is_refunded:
            # Part of a payment may go back without a trace here; all of it is a status.
            self.unrefunded.add(movement.source, movement.amount, charge=movement.charge)
            return
        self.refunds.add(movement.source, movement.amount, charge=movement.charge)
        self.expected += movement.amount

    def _take_fee(self, fee: Decimal) -> None:
        self.fees += fee
        self.expected -= fee
