"""One booking as rows: in, who rents what, when and how it stands; out, its row, its transports and its payment.

All values are text, as COPY writes it: at tens of thousands a second, dates and decimals would be the whole cost.
"""

from collections.abc import Sequence
from typing import NamedTuple

from rentals.querysets.bookings import DEPOSIT_DAYS
from rentals.sample.days import Days
from rentals.sample.payouts import Till
from rentals.sample.plan import Plan
from rentals.sample.rows import NULL, Row, cents
from rentals.sample.words import CITIES, MACHINES, STREETS

COLUMNS = (
    "id", "created_at", "updated_at", "booking_number", "customer_id", "equipment_id", "start_date", "end_date", "status",
    "type", "delivery_address", "currency", "total_amount", "deposit_amount", "balance_amount", "balance_due_at",
    "billing_status", "source",
)  # fmt: skip
TASK_COLUMNS = (
    "id", "created_at", "updated_at", "booking_id", "task_type", "scheduled_at", "status", "address", "completed_at",
)  # fmt: skip
PAYMENT_COLUMNS = (
    "id", "created_at", "updated_at", "booking_id", "amount", "currency", "status", "payment_method",
    "stripe_payment_intent_id", "stripe_charge_id", "payout_id",
)  # fmt: skip


class Sale(NamedTuple):
    """What a generator decides about one booking; all else follows. Days count from `Plan.today()`."""

    number: int
    customer: int
    unit: int
    start: int
    end: int
    status: str
    billing: str = "deposit_paid"
    # When the machine is delivered, if it is: a moment as text, and the state of that transport.
    delivery_at: str = ""
    delivery_status: str = "scheduled"
    # Where in 0..1 the free choices fall: street, hour, payment method, how it was booked.
    chance: float = 0.5
    # How it is paid by instalments, if it is: a word of `instalments.py`.
    terms: str = ""

    @property
    def is_far_off(self) -> bool:
        """Confirmed, and begins on none of the days that a booking reminder speaks of, in any time zone."""
        return self.status == "confirmed" and self.start > DEPOSIT_DAYS + 1


class Rows(NamedTuple):
    booking: Row
    tasks: tuple[Row, ...] = ()
    payments: tuple[Row, ...] = ()


class Price(NamedTuple):
    """Of one machine for some days, in cents, and as text."""

    total_cents: int
    deposit_cents: int
    total: str
    deposit: str
    balance: str


class Writer:
    """Turns Sales into rows, and remembers what each customer has spent and which machines are out."""

    def __init__(
        self, plan: Plan, *, days: Days, till: Till, homes: Sequence[int], kinds: Sequence[int]
    ) -> None:
        self.spent = [0] * plan.customers
        self.is_out = bytearray(plan.units)
        self._homes = homes
        self._kinds = kinds
        self._calendar, self._till = days, till
        self._now, self._days, self._clocks = days.now, days.texts, days.clocks
        self._bookings, self._tasks = plan.ids("bookings"), plan.ids("logistics_tasks")
        self._customers, self._units = plan.ids("customers"), plan.ids("equipment")
        self._payments = plan.ids("payments")
        self._prices: dict[tuple[int, int], Price] = {}

    def write(self, sale: Sale) -> Rows:
        number, customer, unit, start, end, status, billing, delivery_at, _, chance, _ = sale
        booking_id = f"{self._bookings}{number:012x}"
        price = self.price(sale)
        created_at = self._days[min(start - 3 - int(chance * 28), -1)] + self._clocks[int(chance * 540)]
        updated_at = self._now if end >= 0 else self._days[end] + " 20:00+00"
        address = self._address(customer, chance) if delivery_at else ""
        if status == "completed":
            self.spent[customer] += price.total_cents
        elif status == "active":
            self.is_out[unit] = 1
        booking = (
            booking_id,
            created_at,
            updated_at,
            f"FR-{number + 1:07d}",
            f"{self._customers}{customer:012x}",
            f"{self._units}{unit:012x}",
            self._days[start],
            self._days[end],
            status,
            "delivery" if address else "pickup",
            address,
            "CAD",
            price.total,
            price.deposit,
            "0.00" if billing == "balance_paid" else price.balance,
            self._days[start] + " 12:00+00",
            billing,
            "web" if chance < 0.7 else "admin",
        )
        facts = created_at, updated_at, booking_id
        return Rows(
            booking,
            self._transports(sale, address, facts) if address else (),
            self._payments_of(sale, price, facts) if billing in ("deposit_paid", "balance_paid") else (),
        )

    def price(self, sale: Sale) -> Price:
        kind, days = self._kinds[sale.unit], sale.end - sale.start + 1
        price = self._prices.get((kind, days))
        if price is None:
            total = MACHINES[kind].rate * days * 115  # cents, with 15 % HST
            deposit = total // 500 * 100
            price = Price(total, deposit, cents(total), cents(deposit), cents(total - deposit))
            self._prices[kind, days] = price
        return price

    def _address(self, customer: int, chance: float) -> str:
        home = CITIES[self._homes[customer]]
        street = STREETS[int(chance * 1e6) % len(STREETS)]
        return f"{int(chance * 9000) + 10} {street}, {home.name} {home.province}"

    def _transports(self, sale: Sale, address: str, facts: tuple[str, str, str]) -> tuple[Row, Row]:
        """The way there and the way back."""
        back_at = self._calendar.local(sale.end, "16:00", CITIES[self._homes[sale.customer]].zone)
        there = "completed" if sale.status in ("active", "completed") else sale.delivery_status
        back = sale.status if sale.status in ("completed", "cancelled") else "pending"
        there_at = sale.delivery_at if there == "completed" else NULL
        brought_at = facts[1] if back == "completed" else NULL
        ids = f"{self._tasks}{sale.number * 2:012x}", f"{self._tasks}{sale.number * 2 + 1:012x}"
        return (
            (ids[0], *facts, "delivery", sale.delivery_at, there, address, there_at),
            (ids[1], *facts, "pickup", back_at, back, address, brought_at),
        )

    def _payments_of(self, sale: Sale, price: Price, facts: tuple[str, str, str]) -> tuple[Row]:
        """One payment of all that is paid, but for instalments; three quarters go through Stripe."""
        created_at, updated_at, booking_id = facts
        chance, is_whole = sale.chance, sale.billing == "balance_paid" and not sale.terms
        method = "card" if chance < 0.75 else "etransfer" if chance < 0.95 else "cash"
        trace = f"_sample{sale.number:012x}" if method == "card" else ""
        paid_at = updated_at if is_whole else created_at
        amount = price.total_cents if is_whole else price.deposit_cents
        is_refunded = sale.status == "cancelled"
        row = (
            f"{self._payments}{sale.number:012x}",
            paid_at,
            paid_at,
            booking_id,
            price.total if is_whole else price.deposit,
            "CAD",
            "refunded" if is_refunded else "completed",
            method,
            trace and f"pi{trace}",
            trace and f"ch{trace}",
            self._till.take(paid_at[:10], amount, is_refunded=is_refunded) if trace else "",
        )
        return (row,)
