"""What happened on the Stripe account. Charges and refunds, or raw objects, come in; payouts and balance
transactions go out. Amounts are in the currency's smallest unit, times in epoch seconds, and the same input
makes the same ids."""

import hashlib
from dataclasses import dataclass, field
from itertools import count
from random import Random
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


@dataclass(slots=True)
class Ledger:
    """All payouts and balance transactions, newest first as Stripe lists them; `sources` are what they came from."""

    payouts: list[Object] = field(default_factory=list)
    transactions: list[Object] = field(default_factory=list)
    by_payout: dict[str, list[Object]] = field(default_factory=dict)
    sources: dict[str, Object] = field(default_factory=dict)

    def add(self, payouts: list[Object], transactions: list[tuple[Object, str | None]]) -> None:
        """Add objects, or replace those of the same id; a transaction comes with the id of its payout, if it
        has one."""
        self.payouts = _newest_first(self.payouts + payouts)
        for item, _ in transactions:
            if isinstance(item["source"], dict):
                self.sources[item["source"]["id"]] = item["source"]
                item["source"] = item["source"]["id"]
        self.transactions = _newest_first(self.transactions + [item for item, _ in transactions])
        grouped: dict[str, list[Object]] = {}
        for item, payout in transactions:
            if payout is not None:
                grouped.setdefault(payout, []).append(item)
        for payout, items in grouped.items():
            self.by_payout[payout] = _newest_first(self.by_payout.get(payout, []) + items)


def settle(
    charges: list[Object], refunds: list[Object], *, delay_days: int = 2
) -> tuple[list[Object], list[tuple[Object, str]]]:
    """Pay out charges less fees and refunds: one payout a currency and day, arriving `delay_days` later."""
    batches: dict[tuple[str, int], list[Object]] = {}
    for item in [_charge(raw) for raw in charges] + [_refund(raw) for raw in refunds]:
        arrival = (item["created"] // DAY + delay_days) * DAY
        batches.setdefault((item["currency"], arrival), []).append(item)
    payouts: list[Object] = []
    transactions: list[tuple[Object, str]] = []
    for (currency, arrival), items in sorted(batches.items()):
        identifier = _id("po", currency, arrival, *(item["source"]["id"] for item in items))
        amount = sum(item["net"] for item in items)
        payouts.append(
            payout_object({"id": identifier, "amount": amount, "currency": currency, "arrival_date": arrival})
        )
        items.append(
            transaction_object(
                {
                    "type": "payout",
                    "amount": -amount,
                    "currency": currency,
                    "created": arrival - DAY,
                    "source": identifier,
                }
            )
        )
        transactions += [(item, identifier) for item in items]
    return payouts, transactions


def generate(
    *, seed: int, payouts: int, charges: int, currencies: list[str], until: int
) -> tuple[list[Object], list[Object]]:
    """Charges and refunds for so many daily payouts a currency, ending at `until`; one charge in twenty is
    refunded."""
    random = Random(seed)  # noqa: S311 - the same seed must make the same data
    numbers = count(1)
    made: list[Object] = []
    refunds: list[Object] = []
    for currency in currencies:
        for day in range(payouts):
            start = (until // DAY - 2 - day) * DAY
            for _ in range(charges):
                number = next(numbers)
                created = start + random.randrange(DAY - 1)
                amount = random.randrange(5_000, 400_000)
                charge = {
                    "id": _id("ch", seed, number),
                    "amount": amount,
                    "currency": currency,
                    "created": created,
                }
                made.append(charge)
                if random.random() < 0.05:
                    refunds.append(
                        {
                            "id": _id("re", seed, number),
                            "charge": charge["id"],
                            "currency": currency,
                            "created": created + 1,
                            "amount": amount if random.random() < 0.5 else amount // 2,
                        }
                    )
    return made, refunds


def payout_object(raw: Object) -> Object:
    """A payout in full from what a caller cares about: id, amount, currency, arrival_date."""
    _need(raw, "payout", "amount", "currency", "arrival_date")
    identifier = raw.get("id") or _id("po", *sorted(map(str, raw.items())))
    defaults: Object = {
        "id": identifier, "object": "payout", "application_fee": None, "application_fee_amount": None, "automatic": True,
        "balance_transaction": _id("txn", identifier), "created": raw["arrival_date"] - DAY, "description": "STRIPE PAYOUT",
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
        "id": _id("txn", came_from or raw["created"]), "object": "balance_transaction",
        "available_on": (raw["created"] // DAY + 2) * DAY, "balance_type": "payments", "description": None,
        "exchange_rate": None, "fee": fee, "fee_details": details if fee else [], "net": raw["amount"] - fee,
        "reporting_category": category, "source": source, "status": "available",
    }  # fmt: skip
    return defaults | raw


def _charge(raw: Object) -> Object:
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


def _refund(raw: Object) -> Object:
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


def _newest_first(items: list[Object]) -> list[Object]:
    """The last object of each id, in Stripe's order."""
    latest = {item["id"]: item for item in items}
    return sorted(latest.values(), key=lambda item: (-item["created"], item["id"]))


def _id(prefix: str, *parts: object) -> str:
    digest = hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()
    return f"{prefix}_sandbox{digest[:20]}"
