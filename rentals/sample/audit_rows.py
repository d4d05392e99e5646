"""One audit event as a row: in, who did what and when; out, its text for COPY.

Addresses are of networks that nobody has: TEST-NET (RFC 5737) for the office and strangers, shared address space
(RFC 6598) for customers.
"""

import datetime as dt
from typing import NamedTuple
from zoneinfo import ZoneInfo

from rentals.sample.plan import Plan
from rentals.sample.rows import Row
from rentals.sample.words import ZONES

COLUMNS = (
    "id", "created_at", "updated_at", "event_type", "actor_id", "actor_role", "resource_type", "resource_id", "action",
    "severity", "metadata", "ip_address", "user_agent", "session_id", "occurred_at",
)  # fmt: skip
BROWSERS = ("Mozilla/5.0 (Windows NT 10.0)", "Mozilla/5.0 (Macintosh)", "Mozilla/5.0 (iPhone)")


class Staff:
    """People of the office, by their number in the systems that write audit events."""

    ALL = 24
    ADMINS = (0, 1)
    SECRET_READERS = (0, 1, 2)
    EXPORTERS = (3, 4, 5, 6, 7, 8)


class Act(NamedTuple):
    event: str
    action: str
    resource: str = ""
    severity: str = "low"


class Event(NamedTuple):
    """An act at a moment, with all that a rule looks at. `actor` is staff:<n> or customer:<id>."""

    at: dt.datetime
    actor: str
    act: Act
    ip: str
    session: str = ""
    metadata: str = "{}"


class AuditWriter:
    def __init__(self, plan: Plan, *, first_day: int) -> None:
        self._ids, self._customers = plan.ids("audit_events"), plan.ids("customers")
        self._number = 0
        self._clocks = [f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}" for s in range(86_400)]
        zone = ZoneInfo(ZONES[0])
        dates = {day: plan.today() + dt.timedelta(days=day) for day in range(first_day, 1)}
        self._dates = {day: date.isoformat() for day, date in dates.items()}
        self._offsets = {
            day: f"{dt.datetime.combine(date, dt.time(12), zone):%z}" for day, date in dates.items()
        }
        self._addresses = [f"198.51.100.{number + 1}" for number in range(Staff.ALL)]

    def of_customer(self, customer: int, act: Act, day: int, second: int) -> Row:
        at = f"{self._dates[day]} {self._clocks[second]}{self._offsets[day]}"
        actor = f"customer:{self._customers}{customer:012x}"
        # A day is a session, and everybody has an address of their own.
        session = f"c{customer}.{-day}"
        return self._row(at, actor, "customer", act, address(customer), session, "{}", customer)

    def of_staff(self, number: int, act: Act, day: int, second: int, metadata: str) -> Row:
        at = f"{self._dates[day]} {self._clocks[second]}{self._offsets[day]}"
        return self._row(
            at, staff(number), "staff", act, self._addresses[number], f"s{number}.{-day}", metadata, second
        )

    def row_at(self, event: Event) -> Row:
        role = event.actor.partition(":")[0]
        at = event.at.astimezone(dt.UTC).isoformat(sep=" ")
        return self._row(at, event.actor, role, event.act, event.ip, event.session, event.metadata, 0)

    def _row(
        self, at: str, actor: str, role: str, act: Act, ip: str, session: str, metadata: str, turn: int
    ) -> Row:
        event, action, resource, severity = act
        self._number = number = self._number + 1
        return (
            f"{self._ids}{number:012x}",
            at,
            at,
            event,
            actor,
            role,
            resource,
            f"{resource}-{turn}" if resource else "",
            action,
            severity,
            metadata,
            ip,
            BROWSERS[turn % 3],
            session,
            at,
        )


def staff(number: int) -> str:
    return f"staff:{901 + number}"


def address(number: int) -> str:
    """Of customers, spread over sixteen thousand networks."""
    bits = number * 7919 & 0x3FFFFF
    return f"100.{64 + (bits >> 16)}.{bits >> 8 & 255}.{bits & 255}"
