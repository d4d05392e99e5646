"""Both sides of a payout for tests: in, payments; out, what the sandbox's Stripe holds of them."""

import datetime as dt
from decimal import Decimal
from itertools import count
from typing import Any

from rentals.models import Payment
from tests.factories import BookingFactory, PaymentFactory

NOW = dt.datetime(2026, 11, 20, 15, tzinfo=dt.UTC)
ARRIVAL = dt.date(2026, 11, 18)
_numbers = count(1)


def at(date: dt.date) -> int:
    return int(dt.datetime.combine(date, dt.time(), dt.UTC).timestamp())


# Paid out two days later.
CHARGED = at(ARRIVAL) - 2 * 86_400 + 36_000


def paid(amount: str = "500.00", **fields: Any) -> Payment:
    """A payment of ours that came by card."""
    charge = f"ch_{next(_numbers):04d}"
    booking = fields.pop("booking", None) or BookingFactory.create()
    return PaymentFactory.create(
        **{"booking": booking, "amount": Decimal(amount), "stripe_charge_id": charge, **fields}
    )


def charge(
    payment: Payment, *, units: int | None = None, created: int = CHARGED, **fields: Any
) -> dict[str, Any]:
    """The same at Stripe, in cents unless the currency has none."""
    cents = 1 if payment.currency == "JPY" else 100
    return {
        "id": payment.stripe_charge_id,
        "amount": int(payment.amount * cents) if units is None else units,
        "currency": payment.currency.lower(),
        "created": created,
        **fields,
    }


def refund(payment: Payment, units: int, *, created: int = CHARGED + 60) -> dict[str, Any]:
    return {
        "id": f"re_{payment.stripe_charge_id}",
        "charge": payment.stripe_charge_id,
        "amount": units,
        "currency": payment.currency.lower(),
        "created": created,
    }


def payout(id_: str = "po_1", amount: int = 0, **fields: Any) -> dict[str, Any]:
    """A raw one, whatever is in it."""
    return {"id": id_, "amount": amount, "currency": "cad", "arrival_date": at(ARRIVAL), **fields}


def movement(kind: str, amount: int, payout_id: str = "po_1", **fields: Any) -> dict[str, Any]:
    """A raw balance transaction of that payout."""
    return {
        "type": kind, "amount": amount, "currency": "cad", "created": CHARGED, "payout": payout_id,
        "source": f"src_{next(_numbers)}", **fields,
    }  # fmt: skip
