"""Payment by instalments: in, Sales; out, their terms, the parts of the balance, and a payment for each that came.

Every fourth booking of the history is paid in two parts. Of some the second falls around the plan's moment: due in three
days, today, or overdue, so that installment_reminders finds as many as there are due bookings; and near misses.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rentals.sample.booking_rows import PAYMENT_COLUMNS, Sale, Writer
from rentals.sample.days import Days
from rentals.sample.payouts import Till
from rentals.sample.plan import Plan
from rentals.sample.rows import NULL, Row, cents
from rentals.sample.words import CITIES

TABLE = "installment_schedules"
COLUMNS = (
    "id", "created_at", "updated_at", "booking_id", "installment_number", "due_date", "amount", "status", "payment_id",
    "paid_at", "reminder_sent_at",
)  # fmt: skip
TABLES = {TABLE: COLUMNS, "payments": PAYMENT_COLUMNS}
EVERY = 4


class Case(NamedTuple):
    """How a second part stands: the day it is due, and what became of it. `reminded` is the day of the last reminder."""

    due: int
    status: str
    reminded: int | None = None


DUE = {
    "in_3_days": Case(3, "pending"),
    "today": Case(0, "pending", -3),
    "1_day_late": Case(-1, "pending", -1),
    "7_days_late": Case(-7, "overdue", -6),
    "14_days_late": Case(-14, "overdue", -7),
}
MISSED = {
    "paid": Case(0, "paid", -3),
    "called_off": Case(-1, "cancelled", -3),
    "later": Case(5, "pending"),
}
CASES = {**DUE, **MISSED}
# After this many days an instalment that is still open was reminded of for the last time.
LAST_REMINDER = 14


class Instalments:
    def __init__(self, plan: Plan, *, days: Days, till: Till, writer: Writer, homes: Sequence[int]) -> None:
        self._plan, self._days, self._till, self._homes = plan, days, till, homes
        self._price = writer.price
        self._ids, self._payments, self._bookings = (plan.ids(t) for t in (TABLE, "payments", "bookings"))
        wanted = plan.due + plan.near_misses
        # Spread over the history, whose cancelled bookings do not count.
        self._stride = max(1, plan.ordinary * 4 // 5 // EVERY // wanted) if wanted else 0
        self._seen = self._turn = 0

    def agree(self, sale: Sale) -> Sale:
        """The same sale with its terms; what is not all paid is not billed as paid."""
        if sale.number % EVERY or sale.number >= self._plan.ordinary:
            return sale
        if sale.status == "cancelled":
            return sale._replace(terms="cancelled")
        if sale.status != "completed":
            return sale._replace(terms="running")
        self._seen += 1
        if (
            self._stride
            and self._seen % self._stride == 0
            and self._turn < self._plan.due + self._plan.near_misses
        ):
            terms = self._next_case()
            return sale._replace(terms=terms, billing="balance_paid" if terms == "paid" else "deposit_paid")
        if sale.billing == "overdue" and sale.end + 30 < -2 * LAST_REMINDER:
            return sale._replace(terms="unpaid")
        return sale._replace(terms="settled", billing="balance_paid")

    def rows(self, sale: Sale) -> Iterator[tuple[str, Row]]:
        """By table; nothing for a sale without terms."""
        if not sale.terms:
            return
        price = self._price(sale)
        balance = price.total_cents - price.deposit_cents
        for part, (case, amount) in enumerate(
            zip(self._parts(sale), (balance // 2, balance - balance // 2), strict=True), start=1
        ):
            yield from self._part(sale, part, case, amount)

    def _next_case(self) -> str:
        """Every ninth is a near miss, as `Plan.near_misses` has it."""
        turn, self._turn = self._turn, self._turn + 1
        cases = list(MISSED) if turn % 9 == 8 else list(DUE)
        return cases[turn // 9 % len(cases)] if turn % 9 == 8 else cases[(turn - turn // 9) % len(cases)]

    def _parts(self, sale: Sale) -> tuple[Case, Case]:
        """The first is due when the rental begins, the second 30 days after it ended."""
        match sale.terms:
            case "cancelled":
                return Case(sale.start, "cancelled"), Case(sale.end + 30, "cancelled")
            case "running":
                first = "paid" if sale.status == "active" else "pending"
                return Case(sale.start, first), Case(sale.end + 30, "pending")
            case "settled":
                return Case(sale.start, "paid"), Case(sale.end + 30, "paid")
            case "unpaid":
                due = sale.end + 30
                return Case(sale.start, "paid"), Case(due, "overdue", due + LAST_REMINDER)
            case terms:
                # By the customer's own day.
                shift, case = self._days.shifts[CITIES[self._homes[sale.customer]].zone], CASES[terms]
                return Case(min(sale.start, -31), "paid"), case._replace(due=case.due + shift)

    def _part(self, sale: Sale, part: int, case: Case, amount: int) -> Iterator[tuple[str, Row]]:
        days = self._days.texts
        booking_id = f"{self._bookings}{sale.number:012x}"
        made_at = f"{days[min(sale.start - 2, -1)]} 18:15+00"
        paid_at, payment_id = NULL, NULL
        if case.status == "paid":
            # Nobody pays before the plan was made, and none after the moment.
            paid_at = max(made_at, f"{days[min(case.due, -1)]} 18:30+00")
            payment_id = f"{self._payments}{part:x}{sale.number:011x}"
            yield "payments", self._payment(sale, part, amount, (payment_id, paid_at, paid_at, booking_id))
        reminded_at = NULL if case.reminded is None else max(made_at, f"{days[case.reminded]} 13:05+00")
        stamps = [stamp for stamp in (made_at, paid_at, reminded_at) if stamp != NULL]
        yield (
            TABLE,
            (
                f"{self._ids}{sale.number * 2 + part - 1:012x}",
                made_at,
                max(stamps),
                booking_id,
                str(part),
                days[case.due],
                cents(amount),
                case.status,
                payment_id,
                paid_at,
                reminded_at,
            ),
        )

    def _payment(self, sale: Sale, part: int, amount: int, identity: tuple[str, str, str, str]) -> Row:
        is_card = sale.chance < 0.75
        trace = f"_sample{part:x}{sale.number:011x}" if is_card else ""
        payout = self._till.take(identity[1][:10], amount, is_refunded=False) if is_card else ""
        return (
            *identity,
            cents(amount),
            "CAD",
            "completed",
            "card" if is_card else "etransfer",
            trace and f"pi{trace}",
            trace and f"ch{trace}",
            payout,
        )
