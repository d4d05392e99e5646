"""Stripe's objects in full. What a caller cares about comes in, an object with every field of the API reference goes
out, or a message that names what is wrong."""

import hashlib
from typing import Any

Object = dict[str, Any]

DAY = 86_400
FEE_PERCENT, FEE_FIXED = 2.9, 30  # Stripe's standard price for cards
# Reporting categories that differ from the type (docs.stripe.com/reports/reporting-categories).
CATEGORIES = {
    "payment": "charge",
    "payment_refund": "refund",
    "stripe_fee": "fee",
    "adjustment": "other_adjustment",
    "payout_failure": "payout_reversal",
    "payout_cancel": "payout_reversal",
}


class BadDataError(ValueError):
    """The data cannot make a ledger; the message names the object and the field."""


def payout_object(raw: Object) -> Object:
    """A payout in full from what a caller cares about: id, amount, currency, arrival_date."""
    _need(raw, "payout", "amount", "currency", "arrival_date")
    identifier = raw.get("id") or seeded_id("po", *sorted(map(str, raw.items())))
    defaults: Object = {
        "id": identifier, "object": "payout", "application_fee": None, "application_fee_amount": None, "automatic": True,
        "balance_transaction": seeded_id("txn", identifier), "created": raw["arrival_date"] - DAY, "description": "STRIPE PAYOUT",
        "destination": "ba_sandbox", "failure_balance_transaction": None, "failure_code": None, "failure_message": None,
        "livemode": False, "metadata": {}, "method": "standard", "original_payout": None,
        "reconciliation_status": "completed", "reversed_by": None, "source_type": "card", "statement_descriptor": None,
        "status": "paid", "type": "bank_account",
    }  # fmt: skip
    return defaults | raw


def transaction_object(raw: Object) -> Object:
    """A balance transaction in full from type, amount, currency, created and source."""
    _need(raw, "balance transaction", "type", "amount", "currency", "created")
    fee = raw.get("fee", 0)
    source = raw.get("source")
    details = [
        {
            "amount": fee,
            "application": None,
            "currency": raw["currency"],
            "description": "Stripe processing fees",
            "type": "stripe_fee",
        }
    ]
    came_from = source["id"] if isinstance(source, dict) else source
    category = CATEGORIES.get(raw["type"], raw["type"])
    defaults: Object = {
        "id": seeded_id("txn", came_from or raw["created"]), "object": "balance_transaction",
        "available_on": (raw["created"] // DAY + 2) * DAY, "balance_type": "payments", "description": None,
        "exchange_rate": None, "fee": fee, "fee_details": details if fee else [], "net": raw["amount"] - fee,
        "reporting_category": category, "source": source, "status": "available",
    }  # fmt: skip
    return defaults | raw


def charged(raw: Object) -> Object:
    """The balance transaction of a charge, less Stripe's fee."""
    _need(raw, "charge", "id", "amount", "currency", "created")
    fee = raw.get("fee", round(raw["amount"] * FEE_PERCENT / 100) + FEE_FIXED)
    return transaction_object(
        {
            "type": "charge",
            "amount": raw["amount"],
            "fee": fee,
            "currency": raw["currency"],
            "created": raw["created"],
            "source": {"object": "charge"} | raw,
        }
    )


def refunded(raw: Object) -> Object:
    """The balance transaction of a refund; its fee is not given back."""
    _need(raw, "refund", "id", "amount", "currency", "created")
    return transaction_object(
        {
            "type": "refund",
            "amount": -raw["amount"],
            "currency": raw["currency"],
            "created": raw["created"],
            "source": {"object": "refund"} | raw,
        }
    )


def _need(raw: Object, what: str, *names: str) -> None:
    for name in names:
        wanted = str if name in {"id", "currency", "type"} else int
        if not isinstance(raw.get(name), wanted):
            raise BadDataError(f"a {what} needs {name} as {wanted.__name__}, and has {raw.get(name)!r}")


def seeded_id(prefix: str, *parts: object) -> str:
    """An id that is the same for the same parts."""
    digest = hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()
    return f"{prefix}_sandbox{digest[:20]}"
