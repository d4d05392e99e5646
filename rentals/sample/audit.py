"""Audit events: in, a Plan; out, three months of an office at work and of customers at all hours, written by COPY.

Nothing in them is suspicious; `anomalies.py` adds what is. A row is text from the start, and none is kept.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import NamedTuple
from zoneinfo import ZoneInfo

from rentals.sample.anomalies import anomalies
from rentals.sample.audit_rows import COLUMNS, Act, AuditWriter, Staff
from rentals.sample.bulk import copy_text
from rentals.sample.plan import Plan
from rentals.sample.rows import Row
from rentals.sample.words import ZONES

PAGE = 100_000
DAYS = 90
# The office, in seconds of the local day.
OPENS, CLOSES = 8 * 3600, 17 * 3600


class Day(NamedTuple):
    """A local day. Up to `last` second its events are over; the office is open from `opens` to `closes`, or not at all."""

    number: int
    last: int
    opens: int
    closes: int


def load_audit_events(plan: Plan, *, advance: Callable[[int], object]) -> int:
    """As many as the plan says, the suspicious among them; `advance` is told the size of every page."""
    writer = AuditWriter(plan, first_day=-DAYS)
    suspicious = list(islice(anomalies(plan), plan.audit_events))
    rows = chain(
        _background(plan, writer, plan.audit_events - len(suspicious)), map(writer.row_at, suspicious)
    )
    total = 0
    while written := copy_text("audit_events", COLUMNS, islice(rows, PAGE)):
        total += written
        advance(written)
    return total


def _background(plan: Plan, writer: AuditWriter, wanted: int) -> Iterator[Row]:
    """Day by day, in no order within one."""
    draw = plan.draws("audit").random
    days = _days(plan)
    for number in range(wanted):
        day = days[number * len(days) // wanted]
        kind, place, who = draw(), draw(), draw()
        if kind < 0.47 or day.opens >= day.closes:
            customer = int(who * plan.customers)
            act = Act("login_failed" if kind < 0.02 else "login_succeeded", "sign_in")
            yield writer.of_customer(customer, act, day.number, int(place * day.last))
        else:
            second = day.opens + int(place * (day.closes - day.opens))
            staff, act, metadata = _office(kind, who)
            yield writer.of_staff(staff, act, day.number, second, metadata)


def _office(kind: float, who: float) -> tuple[int, Act, str]:
    """What somebody of the staff did; few read secrets or change privileges, and always the same."""
    if kind < 0.87:
        action = "change" if kind > 0.75 else "view"
        act = Act("record_changed" if action == "change" else "record_viewed", action, "booking")
        return int(who * Staff.ALL), act, "{}"
    if kind < 0.97:
        exporter = Staff.EXPORTERS[int(who * len(Staff.EXPORTERS))]
        rows = 20 + exporter * 3 + int(who * 1e6) % 40
        return exporter, Act("export", "export", "customers"), f'{{"rows": {rows}}}'
    if kind < 0.995:
        reader = Staff.SECRET_READERS[int(who * len(Staff.SECRET_READERS))]
        return reader, Act("secret_read", "read", "secret", "medium"), "{}"
    admin = Staff.ADMINS[int(who * len(Staff.ADMINS))]
    return admin, Act("privilege_changed", "grant", "role", "medium"), "{}"


def _days(plan: Plan) -> list[Day]:
    """The days before the plan's, and what there is of today."""
    zone = ZoneInfo(ZONES[0])
    days = []
    for number in range(-DAYS, 1):
        date = plan.today() + dt.timedelta(days=number)
        noon = dt.datetime.combine(date, dt.time(12), zone)
        # Counted back from noon, as the writer's offset is, also where the clocks change at night.
        begun_at = noon.astimezone(dt.UTC) - dt.timedelta(hours=12)
        last = min(86_399, int((plan.at - begun_at).total_seconds()))
        is_working = date.weekday() < 5
        if last > 0:
            days.append(Day(number, last, OPENS, min(CLOSES, last) if is_working else 0))
    return days
