"""Proofs of insurance: in, Sales; out, documents, what was done with them, and reminders of the past.

A tenth of the history has one; of the bookings far off every third, and the first of them one in each state that
insurance_reminders looks at; some that begin or end today lack a valid one (mv_alert_candidates).
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rentals.sample.booking_rows import Sale
from rentals.sample.days import Days
from rentals.sample.plan import Plan
from rentals.sample.rows import NULL, Row
from rentals.sample.words import CITIES

TABLE = "insurance_documents"
TABLES = {
    TABLE: (
        "id", "created_at", "updated_at", "booking_id", "document_type", "status", "expires_at", "requested_info",
        "last_reminder_at",
    ),
    "insurance_activity": ("id", "created_at", "updated_at", "document_id", "action", "actor", "details"),
    "insurance_reminders": (
        "id", "created_at", "updated_at", "document_id", "reminder_type", "scheduled_at", "status", "sent_at",
    ),
}  # fmt: skip
HISTORY_EVERY, FAR_OFF_EVERY = 10, 3
# Bookings of today that lack a valid document; two of the four kinds have one.
LACKING = 24
MISSING = '["certificate naming us as loss payee"]'
ACTIONS = {"verified": "approved", "rejected": "rejected", "info_requested": "info_requested"}
# Ids: a booking has up to two documents, a document up to four acts.
DOCUMENTS, ACTS = 2, 4


class Paper(NamedTuple):
    """One document: its state, and on which day it runs out. `made` is the day it was handed in."""

    status: str
    expires: int
    made: int = -1
    clock: str = "19:00+00"
    reminded: bool = False


class Case(NamedTuple):
    papers: tuple[Paper, ...]
    # A reminder of missing information is planned for tomorrow.
    has_planned: bool = False


DUE = {
    "in_7_days": Case((Paper("verified", 7),)),
    "in_3_days": Case((Paper("verified", 3),)),
    "today": Case((Paper("verified", 0),)),
    "missing": Case((Paper("info_requested", 200),)),
}
MISSED = {
    "in_12_days": Case((Paper("verified", 12),)),
    "replaced": Case((Paper("info_requested", 200, clock="18:30+00"), Paper("verified", 300))),
    "rejected": Case((Paper("rejected", 3),)),
    "completed": Case((Paper("verified", 250),), has_planned=True),
    "pending": Case((Paper("pending", 300),)),
}
CASES = [*DUE.values(), *MISSED.values()]


class Insurance:
    def __init__(self, plan: Plan, *, days: Days, homes: Sequence[int]) -> None:
        self._plan, self._days, self._homes = plan, days, homes
        self._ids = {table: plan.ids(table) for table in TABLES}
        self._bookings, self._customers = plan.ids("bookings"), plan.ids("customers")
        self._far_off = 0

    def rows(self, sale: Sale) -> Iterator[tuple[str, Row]]:
        """By table; nothing for most sales."""
        turn = sale.number - self._plan.ordinary
        if turn >= 0:
            if turn < min(LACKING, self._plan.due) and turn % 4 >= 2:
                yield from self._paper(sale, 0, _lacking(sale))
        elif sale.is_far_off:
            yield from self._of_far_off(sale)
        elif sale.status == "completed" and sale.number % HISTORY_EVERY == 0:
            yield from self._of_history(sale)

    def _of_far_off(self, sale: Sale) -> Iterator[tuple[str, Row]]:
        turn, self._far_off = self._far_off, self._far_off + 1
        if turn >= self._plan.cases:
            if turn % FAR_OFF_EVERY == 0:
                yield from self._paper(sale, 0, Paper("verified", 90 + int(sale.chance * 300)))
            return
        case = CASES[turn % len(CASES)]
        for number, paper in enumerate(case.papers):
            yield from self._paper(sale, number, paper)
        if case.has_planned:
            made_at = f"{self._days.texts[-1]} 18:45+00"
            yield self._reminder(
                sale, "missing_info", made_at, f"{self._days.texts[1]} 13:00+00", is_sent=False
            )

    def _of_history(self, sale: Sale) -> Iterator[tuple[str, Row]]:
        expires = min(sale.end + 20 + int(sale.chance * 340), 400)
        was_reminded = sale.number % (5 * HISTORY_EVERY) == 0 and expires < 0
        paper = Paper("verified", expires, made=sale.start - 1, reminded=was_reminded)
        yield from self._paper(sale, 0, paper)
        if was_reminded:
            sent_at = f"{self._days.texts[expires - 7]} 13:00+00"
            yield self._reminder(sale, "expiry", sent_at, sent_at, is_sent=True)

    def _paper(self, sale: Sale, number: int, paper: Paper) -> Iterator[tuple[str, Row]]:
        days = self._days.texts
        document = sale.number * DOCUMENTS + number
        made_at = f"{days[paper.made]} {paper.clock}"
        zone = CITIES[self._homes[sale.customer]].zone
        expires_at = self._days.local(paper.expires + self._days.shifts[zone], "23:30", zone)
        seen_at = f"{days[paper.made]} 19:30+00"
        reminded_at = f"{days[paper.expires - 7]} 13:00+00" if paper.reminded else NULL
        yield (
            TABLE,
            (
                f"{self._ids[TABLE]}{document:012x}",
                made_at,
                made_at if paper.status == "pending" else reminded_at if paper.reminded else seen_at,
                f"{self._bookings}{sale.number:012x}",
                "liability",
                paper.status,
                expires_at,
                MISSING if paper.status == "info_requested" else "[]",
                reminded_at,
            ),
        )
        customer = f"customer:{self._customers}{sale.customer:012x}"
        yield self._act(document, 0, "submitted", customer, made_at)
        if action := ACTIONS.get(paper.status):
            yield self._act(document, 1, action, "staff:1", seen_at)
        if paper.reminded:
            yield self._act(document, 2, "reminder_sent", "job:insurance_reminders", reminded_at)

    def _act(self, document: int, number: int, action: str, actor: str, at: str) -> tuple[str, Row]:
        table = "insurance_activity"
        id_ = f"{self._ids[table]}{document * ACTS + number:012x}"
        return table, (id_, at, at, f"{self._ids[TABLE]}{document:012x}", action, actor, "{}")

    def _reminder(
        self, sale: Sale, kind: str, made_at: str, scheduled_at: str, *, is_sent: bool
    ) -> tuple[str, Row]:
        document = f"{self._ids[TABLE]}{sale.number * DOCUMENTS:012x}"
        identity = f"{self._ids['insurance_reminders']}{sale.number:012x}", made_at, made_at, document
        state = ("sent", scheduled_at) if is_sent else ("pending", NULL)
        return "insurance_reminders", (*identity, kind, scheduled_at, *state)


def _lacking(sale: Sale) -> Paper:
    """Of a pick-up today nobody has looked at it; of a machine that comes back today it ran out yesterday."""
    if sale.status == "active":
        return Paper("verified", -1, made=sale.start - 1)
    return Paper("pending", 200)
