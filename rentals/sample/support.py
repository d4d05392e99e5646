"""Support: in, Sales and a Plan; out, tickets with their promises: a history of solved ones, and the open ones of now.

The open ones come in each state that sla_monitor looks at, for each priority: at 85 % of a target, past it, and near misses.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rentals.sample.booking_rows import Sale
from rentals.sample.days import Days
from rentals.sample.plan import Plan
from rentals.sample.rows import NULL, Row
from rentals.sample.words import SUBJECTS

TABLE = "support_tickets"
TABLES = {
    TABLE: (
        "id", "created_at", "updated_at", "ticket_number", "customer_id", "booking_id", "subject", "priority", "status",
        "assigned_to_id", "first_response_at", "resolved_at",
    ),
    "support_sla": (
        "id", "created_at", "updated_at", "ticket_id", "priority", "target_response_minutes", "target_resolution_minutes",
        "first_response_at", "resolved_at", "breached_response", "breached_resolution",
    ),
}  # fmt: skip
# Minutes to the first answer and to the solution.
TARGETS = {"critical": (60, 240), "high": (240, 1440), "normal": (480, 4320), "low": (1440, 7200)}
PRIORITIES = ("normal", "low", "normal", "high", "normal", "low", "normal", "high", "normal", "critical")
HISTORY_EVERY = 20
# A business of this many bookings has one ticket for each case and priority, a bigger one more.
BOOKINGS_A_ROUND = 20_000


class Case(NamedTuple):
    """How far the clocks are, as shares of the targets: `of` says of which target `age` is one."""

    of: str
    age: float
    status: str = "open"
    # After which share of the response target somebody answered; None: nobody did.
    answered: float | None = None
    has_promise: bool = True


CASES = {
    "response_soon": Case("response", 0.85),
    "response_late": Case("response", 1.2),
    "resolution_soon": Case("resolution", 0.85, "pending", 0.5),
    "resolution_late": Case("resolution", 1.1, "open", 0.5),
    "no_promise_yet": Case("response", 0.9, has_promise=False),
    # Near misses.
    "fresh": Case("response", 0.3),
    "answered": Case("response", 0.85, "pending", 0.4),
    "solved": Case("resolution", 0.9, "resolved", 0.3),
}


class Support:
    """The history, a ticket for every twentieth booking."""

    def __init__(self, plan: Plan, *, days: Days, staff: Sequence[int]) -> None:
        self._plan, self._days, self._staff = plan, days, staff
        self._ids, self._promises = plan.ids(TABLE), plan.ids("support_sla")
        self._bookings, self._customers = plan.ids("bookings"), plan.ids("customers")

    def rows(self, sale: Sale) -> Iterator[tuple[str, Row]]:
        """By table. One in twenty was answered too late, one in ten solved too late."""
        if sale.status != "completed" or sale.number % HISTORY_EVERY != 7 or sale.end > -5:
            return
        turn = sale.number // HISTORY_EVERY
        priority = PRIORITIES[turn % len(PRIORITIES)]
        late_answer, late_solution = turn % 20 == 3, turn % 10 == 5
        day = self._days.texts
        # Within the hour, the working day, or some days: inside or outside of what was promised.
        asked_at = f"{day[sale.start]} 12:00+00"
        answered_at = f"{day[sale.start + 1]} 13:00+00" if late_answer else f"{day[sale.start]} 12:40+00"
        solved_at = f"{day[sale.start + 6]} 15:00+00" if late_solution else f"{day[sale.start]} 15:30+00"
        if late_answer and not late_solution:
            solved_at = f"{day[sale.start + 1]} 15:30+00"
        breached = late_answer, late_solution or (late_answer and priority in ("critical", "high"))
        yield from self._ticket(
            sale.number,
            f"{self._customers}{sale.customer:012x}",
            f"{self._bookings}{sale.number:012x}",
            priority,
            "closed",
            (asked_at, answered_at, solved_at),
            breached,
        )

    def open_now(self) -> Iterator[tuple[str, Row]]:
        """The cases of the moment, by table; a business without bookings has none."""
        if not self._plan.due:
            return
        number = self._plan.bookings
        for turn in range(1 + self._plan.bookings // BOOKINGS_A_ROUND):
            for priority, (response, resolution) in TARGETS.items():
                for case in CASES.values():
                    # A minute apart, so that no two have the same clocks.
                    age = case.age * (response if case.of == "response" else resolution) + turn / 60
                    answered_at = solved_at = NULL
                    if case.answered is not None:
                        answered_at = self._days.ago(age - case.answered * response)
                    if case.status == "resolved":
                        solved_at = self._days.ago(1)
                    yield from self._ticket(
                        number,
                        f"{self._customers}{number * 7 % self._plan.customers:012x}",
                        NULL,
                        priority,
                        case.status,
                        (self._days.ago(age), answered_at, solved_at),
                        (False, False),
                        has_promise=case.has_promise,
                    )
                    number += 1

    def _ticket(
        self,
        number: int,
        customer: str,
        booking: str,
        priority: str,
        status: str,
        clocks: tuple[str, str, str],
        breached: tuple[bool, bool],
        *,
        has_promise: bool = True,
    ) -> Iterator[tuple[str, Row]]:
        asked_at, answered_at, solved_at = clocks
        updated_at = next(at for at in (solved_at, answered_at, asked_at) if at != NULL)
        id_ = f"{self._ids}{number:012x}"
        # Every sixth waits for somebody to take it.
        is_assigned = self._staff and number % 6
        yield (
            TABLE,
            (
                id_,
                asked_at,
                updated_at,
                f"T-{number + 1:07d}",
                customer,
                booking,
                SUBJECTS[number * 11 % len(SUBJECTS)],
                priority,
                status,
                str(self._staff[number % len(self._staff)]) if is_assigned else NULL,
                answered_at,
                solved_at,
            ),
        )
        if has_promise:
            targets = tuple(map(str, TARGETS[priority]))
            flags = tuple("t" if was else "f" for was in breached)
            key = f"{self._promises}{number:012x}"
            yield (
                "support_sla",
                (key, asked_at, updated_at, id_, priority, *targets, answered_at, solved_at, *flags),
            )
