"""What happened on the Stripe account. Charges and refunds, or raw objects, come in; payouts and balance
transactions go out. Amounts are in the currency's smallest unit, times in epoch seconds, and the same input
makes the same ids."""

from dataclasses import dataclass, field
from itertools import count
from random import Random

from sandbox.stripe.objects import (
    DAY,
    Object,
    charged,
    payout_object,
    refunded,
    seeded_id,
    transaction_object,
)


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
    for item in [charged(raw) for raw in charges] + [refunded(raw) for raw in refunds]:
        arrival = (item["created"] // DAY + delay_days) * DAY
        batches.setdefault((item["currency"], arrival), []).append(item)
    payouts: list[Object] = []
    transactions: list[tuple[Object, str]] = []
    for (currency, arrival), items in sorted(batches.items()):
        identifier = seeded_id("po", currency, arrival, *(item["source"]["id"] for item in items))
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
                    "id": seeded_id("ch", seed, number),
                    "amount": amount,
                    "currency": currency,
                    "created": created,
                }
                made.append(charge)
                if random.random() < 0.05:
                    refunds.append(
                        {
                            "id": seeded_id("re", seed, number),
                            "charge": charge["id"],
                            "currency": currency,
                            "created": created + 1,
                            "amount": amount if random.random() < 0.5 else amount // 2,
                        }
                    )
    return made, refunds


def _newest_first(items: list[Object]) -> list[Object]:
    """The last object of each id, in Stripe's order."""
    latest = {item["id"]: item for item in items}
    return sorted(latest.values(), key=lambda item: (-item["created"], item["id"]))
