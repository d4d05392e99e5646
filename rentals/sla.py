"""The promises of support tickets: in, `now`; out, `support_sla` as the tickets say, and the clocks that run out.

Each function is one statement, however many rows it changes; what it answers, it answers once.
"""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from django.db import connection

from rentals.models.support import Priority

Target = Literal["response", "resolution"]
TARGETS: tuple[Target, ...] = ("response", "resolution")
# Minutes from the ticket's creation: to answer, to solve.
PROMISES: Mapping[str, tuple[int, int]] = {
    Priority.CRITICAL: (60, 240),
    Priority.HIGH: (240, 1440),
    Priority.NORMAL: (480, 4320),
    Priority.LOW: (1440, 7200),
}

# A target that somebody set by hand stays, as long as the priority does. Another priority is another promise, so what was
# said of the old one is forgotten; so is what was said of the solution of a ticket that is open again.
_KEEP = """
INSERT INTO support_sla AS sla (ticket_id, priority, target_response_minutes, target_resolution_minutes, first_response_at,
    breached_response, breached_resolution)
SELECT ticket.id, ticket.priority, promise.response, promise.resolution, ticket.first_response_at, false, false
FROM support_tickets AS ticket
JOIN unnest(%(priorities)s::text[], %(response)s::int[], %(resolution)s::int[])
    AS promise (priority, response, resolution) ON promise.priority = ticket.priority
LEFT JOIN support_sla AS kept ON kept.ticket_id = ticket.id
WHERE ticket.status IN ('open', 'pending') AND ticket.created_at <= %(now)s
    AND (kept.id IS NULL OR kept.priority <> ticket.priority OR kept.resolved_at IS NOT NULL
        OR kept.first_response_at IS DISTINCT FROM ticket.first_response_at)
ON CONFLICT (ticket_id) DO UPDATE SET
    priority = EXCLUDED.priority, first_response_at = EXCLUDED.first_response_at, resolved_at = NULL, updated_at = now(),
    (target_response_minutes, target_resolution_minutes, breached_response, breached_resolution,
        response_warned_at, resolution_warned_at)
    = (SELECT old.* FROM (VALUES (sla.target_response_minutes, sla.target_resolution_minutes, sla.breached_response,
            sla.breached_resolution AND sla.resolved_at IS NULL, sla.response_warned_at,
            CASE WHEN sla.resolved_at IS NULL THEN sla.resolution_warned_at END)) AS old
        WHERE sla.priority = EXCLUDED.priority
        UNION ALL SELECT EXCLUDED.target_response_minutes, EXCLUDED.target_resolution_minutes, false, false, NULL, NULL
        WHERE sla.priority <> EXCLUDED.priority)
"""
_SETTLE = """
UPDATE support_sla AS sla
SET first_response_at = ticket.first_response_at, resolved_at = ticket.resolved_at, updated_at = now()
FROM support_tickets AS ticket
WHERE ticket.id = sla.ticket_id AND sla.resolved_at IS NULL AND ticket.resolved_at IS NOT NULL
"""

# By target: when it was kept, if ever, and until when it was to be. A solution is an answer, too.
_DONE = {
    "response": "COALESCE(ticket.first_response_at, ticket.resolved_at)",
    "resolution": "ticket.resolved_at",
}
_CLOCK = "ticket.id, ticket.ticket_number, ticket.priority, {due}, ticket.assigned_to_id"
_DUE = "(ticket.created_at + sla.target_{target}_minutes * interval '1 minute')"
_WARN = """
UPDATE support_sla AS sla SET {target}_warned_at = %(now)s, updated_at = now()
FROM support_tickets AS ticket
WHERE ticket.id = sla.ticket_id AND ticket.status IN ('open', 'pending') AND sla.resolved_at IS NULL AND {done} IS NULL
    AND sla.{target}_warned_at IS NULL AND NOT sla.breached_{target} AND {due} > %(now)s
    AND ticket.created_at + sla.target_{target}_minutes * interval '48 seconds' <= %(now)s
RETURNING {clock}
"""
# Also what was done too late since the last run; only of what is still to be done is there anything to tell.
_BREACH = """
WITH broken AS (
    UPDATE support_sla AS sla SET breached_{target} = true, updated_at = now()
    FROM support_tickets AS ticket
    WHERE ticket.id = sla.ticket_id AND sla.resolved_at IS NULL AND NOT sla.breached_{target}
        AND ({done} > {due} OR {done} IS NULL AND {due} <= %(now)s)
    RETURNING {clock}, {done} IS NULL AS is_waiting
)
SELECT id, ticket_number, priority, due_at, assigned_to_id FROM broken WHERE is_waiting
"""


@dataclass(frozen=True, slots=True)
class Clock:
    """One target of one ticket. `assignee` is a user's id, who may have left."""

    target: Target
    ticket_id: uuid.UUID
    ticket_number: str
    priority: str
    due_at: dt.datetime
    assignee: int | None

    @property
    def is_urgent(self) -> bool:
        return self.priority in (Priority.HIGH, Priority.CRITICAL)


def keep_promises(*, now: dt.datetime) -> int:
    """A row for each open ticket, with the targets of its priority and the ticket's answer; answers how many changed."""
    with connection.cursor() as cursor:
        cursor.execute(
            _KEEP,
            {
                "now": now,
                "priorities": [str(priority) for priority in PROMISES],
                "response": [response for response, _ in PROMISES.values()],
                "resolution": [resolution for _, resolution in PROMISES.values()],
            },
        )
        return int(cursor.rowcount)


def settle() -> int:
    """Stop the clocks of tickets that were resolved, after `break_promises` has looked at them."""
    with connection.cursor() as cursor:
        cursor.execute(_SETTLE)
        return int(cursor.rowcount)


def warn(target: Target, *, now: dt.datetime) -> list[Clock]:
    """Clocks of which 80 % has passed, unanswered (or unsolved), that nobody was warned of. They count as warned."""
    return _clocks(_WARN, target, now)


def break_promises(target: Target, *, now: dt.datetime) -> list[Clock]:
    """Set breached_<target> where it passed; answers those that still wait."""
    return _clocks(_BREACH, target, now)


def _clocks(sql: str, target: Target, now: dt.datetime) -> list[Clock]:
    due = _DUE.format(target=target)
    clock = _CLOCK.format(due=f"{due} AS due_at")
    with connection.cursor() as cursor:
        cursor.execute(sql.format(target=target, done=_DONE[target], due=due, clock=clock), {"now": now})
        rows: list[Any] = cursor.fetchall()
    return [Clock(target, *row) for row in rows]
