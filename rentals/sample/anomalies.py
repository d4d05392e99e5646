"""What audit_anomaly_detector should find: in, a Plan; out, events of each of its five rules, and near misses.

All within the hour before the moment, but for what happens at night: the last one before it.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from zoneinfo import ZoneInfo

from rentals.sample.audit_rows import Act, Event, Staff, address, staff
from rentals.sample.plan import Plan
from rentals.sample.words import ZONES

FAILED = Act("login_failed", "sign_in", severity="medium")
VIEWED = Act("record_viewed", "view", "booking")
EXPORTED = Act("export", "export", "customers", "medium")
READ = Act("secret_read", "read", "secret", "high")
GRANTED = Act("privilege_changed", "grant", "role", "high")
# Nobody's: RFC 5737.
STRANGER, ELSEWHERE, CLUMSY = "203.0.113.50", "203.0.113.200", "192.0.2.9"
# More than a person mistypes, from one address at many accounts and at one account from many addresses.
BURST, SIEGE = 30, 14
EXPORTER, WANDERER, NEWCOMER = Staff.EXPORTERS[0], 10, 16


def anomalies(plan: Plan) -> Iterator[Event]:
    """The suspicious ones first, so that a small plan has them."""
    yield from _suspicious(plan)
    yield from _near_misses(plan)


def _suspicious(plan: Plan) -> Iterator[Event]:
    night = _local(plan, dt.time(2, 10), lambda _: True)
    yield Event(night, staff(Staff.ADMINS[0]), GRANTED, "198.51.100.1", "s-night")
    yield Event(_ago(plan, 30), staff(EXPORTER), EXPORTED, "198.51.100.4", "s-bulk", '{"rows": 25000}')
    yield Event(_ago(plan, 20), staff(WANDERER), VIEWED, "198.51.100.11", "s-moves")
    yield Event(_ago(plan, 17), staff(WANDERER), VIEWED, ELSEWHERE, "s-moves")
    yield Event(_ago(plan, 12), staff(NEWCOMER), READ, "198.51.100.17", "s-first")
    for turn in range(BURST):
        yield Event(_ago(plan, 50 - turn / 4), _customer(plan, turn), FAILED, STRANGER)
    for turn in range(SIEGE):
        yield Event(
            _ago(plan, 40 - turn / 3), _customer(plan, plan.customers - 1), FAILED, address(turn * 911)
        )


def _near_misses(plan: Plan) -> Iterator[Event]:
    """As much as on any day: some typing errors, a change by day, an export like the others, the office's other address."""
    for turn in range(3):
        yield Event(_ago(plan, 48 - turn), _customer(plan, plan.customers // 2), FAILED, CLUMSY)
    by_day = _local(plan, dt.time(10, 30), lambda date: date.weekday() < 5)
    yield Event(by_day, staff(Staff.ADMINS[1]), GRANTED, "198.51.100.2", "s-day")
    usual = Staff.EXPORTERS[1]
    for days in range(1, 15):
        at = _ago(plan, days * 24 * 60)
        yield Event(at, staff(usual), EXPORTED, "198.51.100.5", f"s-usual{days}", '{"rows": 60}')
        yield Event(at, staff(EXPORTER), EXPORTED, "198.51.100.4", f"s-before{days}", '{"rows": 50}')
    yield Event(_ago(plan, 25), staff(usual), EXPORTED, "198.51.100.5", "s-usual", '{"rows": 75}')
    yield Event(_ago(plan, 19), staff(11), VIEWED, "198.51.100.12", "s-stays")
    yield Event(_ago(plan, 16), staff(11), VIEWED, "198.51.100.212", "s-stays")
    for minutes in (20 * 24 * 60, 10):
        at = _ago(plan, minutes)
        yield Event(at, staff(Staff.SECRET_READERS[1]), READ, "198.51.100.2", f"s-reader{minutes}")


def _ago(plan: Plan, minutes: float) -> dt.datetime:
    return plan.at - dt.timedelta(minutes=minutes)


def _local(plan: Plan, clock: dt.time, is_right: Callable[[dt.date], bool]) -> dt.datetime:
    """The last such moment by the local clock before the plan's, on a day that is right."""
    date = plan.today()
    while True:
        at = dt.datetime.combine(date, clock, ZoneInfo(ZONES[0]))
        if at < plan.at and is_right(date):
            return at
        date -= dt.timedelta(days=1)


def _customer(plan: Plan, number: int) -> str:
    return f"customer:{plan.ids('customers')}{number % plan.customers:012x}"
