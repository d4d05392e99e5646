"""Contracts: in, Sales; out, contracts with signers, planned reminders and their story.

A tenth of the history has a signed one; the first of the bookings far off have one in each state that contract_reminders
looks at.
"""

from collections.abc import Iterator
from typing import NamedTuple

from rentals.sample.booking_rows import Sale
from rentals.sample.customers import preferred
from rentals.sample.days import Days
from rentals.sample.people import People
from rentals.sample.plan import Plan
from rentals.sample.rows import NULL, Row

TABLE = "contracts"
TABLES = {
    TABLE: (
        "id", "created_at", "updated_at", "booking_id", "contract_number", "status", "sent_at", "expires_at", "signed_at",
    ),
    "contract_signers": (
        "id", "created_at", "updated_at", "contract_id", "signer_role", "signer_name", "signer_email", "status", "signed_at",
    ),
    "contract_events": ("id", "created_at", "updated_at", "contract_id", "event_type", "metadata", "occurred_at"),
    "contract_reminders": (
        "id", "created_at", "updated_at", "contract_id", "scheduled_at", "status", "sent_at",
    ),
}  # fmt: skip
HISTORY_EVERY = 10
HOUR, DAY = 60, 24 * 60


class Case(NamedTuple):
    """`ahead` is in minutes: when it expires; `reminder` when somebody planned a reminder, negative: due since then."""

    status: str
    ahead: int
    reminder: int | None = None
    # Who has signed: nobody, the customer, or all.
    signed: str = ""


DUE = {
    "in_3_days": Case("sent", 2 * DAY + 20 * HOUR),
    "in_1_day": Case("sent", 20 * HOUR),
    "planned": Case("sent", 10 * DAY, -20),
    "half_signed": Case("sent", 9 * DAY, -40, "customer"),
}
MISSED = {
    "signed": Case("signed", 8 * DAY, -10, "all"),
    "voided": Case("voided", 2 * DAY, -15),
    "draft": Case("draft", 2 * DAY),
    "later": Case("sent", 9 * DAY, DAY),
}
CASES = [*DUE.values(), *MISSED.values()]
ACTS = 4


class Contracts:
    def __init__(self, plan: Plan, *, days: Days) -> None:
        self._plan, self._days, self._people = plan, days, People(plan)
        self._ids = {table: plan.ids(table) for table in TABLES}
        self._bookings = plan.ids("bookings")
        self._far_off = 0

    def rows(self, sale: Sale) -> Iterator[tuple[str, Row]]:
        """By table; nothing for most sales."""
        if sale.number >= self._plan.ordinary:
            return
        if sale.is_far_off:
            turn, self._far_off = self._far_off, self._far_off + 1
            if turn < self._plan.cases:
                yield from self._contract(sale, CASES[turn % len(CASES)], day=-1)
        elif sale.status == "completed" and sale.number % HISTORY_EVERY == HISTORY_EVERY // 2:
            yield from self._contract(sale, Case("signed", 0, signed="all"), day=sale.start - 2)

    def _contract(self, sale: Sale, case: Case, *, day: int) -> Iterator[tuple[str, Row]]:
        """All that happened to it happened on one day, hour by hour."""
        made_at, sent_at, viewed_at, signed_at = (
            f"{self._days.texts[day]} {clock}+00" for clock in ("18:30", "19:00", "19:30", "20:00")
        )
        id_ = f"{self._ids[TABLE]}{sale.number:012x}"
        is_sent, is_signed = case.status != "draft", case.status == "signed"
        expires_at = self._days.ago(-case.ahead) if case.ahead else f"{self._days.texts[day + 14]} 19:00+00"
        yield (
            TABLE,
            (
                id_,
                made_at,
                signed_at,
                f"{self._bookings}{sale.number:012x}",
                f"CT-{sale.number + 1:07d}",
                case.status,
                sent_at if is_sent else NULL,
                expires_at,
                signed_at if is_signed else NULL,
            ),
        )
        yield from self._signers(sale, case, id_, made_at, signed_at)
        story = [("sent", sent_at), ("viewed", viewed_at)] if is_sent else []
        if case.signed:
            story.append(("signed", signed_at))
        if case.status in ("signed", "voided"):
            story.append(("completed" if is_signed else "voided", signed_at))
        for number, (event, at) in enumerate(story):
            key = f"{self._ids['contract_events']}{sale.number * ACTS + number:012x}"
            yield "contract_events", (key, at, at, id_, event, "{}", at)
        if case.reminder is not None:
            key = f"{self._ids['contract_reminders']}{sale.number:012x}"
            due_at = self._days.ago(-case.reminder)
            yield "contract_reminders", (key, sent_at, sent_at, id_, due_at, "pending", NULL)

    def _signers(
        self, sale: Sale, case: Case, contract: str, made_at: str, signed_at: str
    ) -> Iterator[tuple[str, Row]]:
        """The customer; for every third contract, and one that is half signed, somebody who vouches for them, too."""
        person = self._people.person(sale.customer, channel=preferred(sale.customer))
        who = [
            ("customer", f"{person.first} {person.last}", person.email or f"sign{sale.customer}@example.org")
        ]
        if case.signed == "customer" or sale.number % 3 == 0:
            other = self._people.person(self._plan.customers + sale.number, channel="email")
            who.append(("third_party", f"{other.first} {other.last}", other.email))
        for number, (role, name, email) in enumerate(who):
            has_signed = case.signed == "all" or case.signed == role
            state = ("signed", signed_at) if has_signed else ("pending", NULL)
            key = f"{self._ids['contract_signers']}{sale.number * 2 + number:012x}"
            updated_at = signed_at if has_signed else made_at
            yield "contract_signers", (key, made_at, updated_at, contract, role, name, email, *state)
