"""Alerts of broken promises: in, clocks that ran out; out, an alert each, which follows its ticket until it is resolved.

Their types are not those of mv_alert_candidates, whose job would resolve what it does not find there.
"""

import datetime as dt
import uuid
from collections.abc import Collection, Sequence

from django.db import connection
from django.db.models import F
from django.db.models.functions import Now

from rentals.alerts import Matter, open_alerts
from rentals.models import Alert
from rentals.sla import Clock

ENTITY = "support_ticket"
_OPEN = """alert.entity_type = 'support_ticket' AND alert.status <> 'resolved'
    AND alert.type IN ('sla_response_breached', 'sla_resolution_breached')"""
_RESOLVE = f"""
UPDATE alerts AS alert SET status = 'resolved', resolved_at = %(now)s, updated_at = now()
WHERE {_OPEN} AND NOT EXISTS (
    SELECT FROM support_sla AS sla JOIN support_tickets AS ticket ON ticket.id = sla.ticket_id
    WHERE ticket.id = alert.entity_id::uuid AND ticket.resolved_at IS NULL
        AND CASE alert.type WHEN 'sla_response_breached'
            THEN sla.breached_response AND ticket.first_response_at IS NULL ELSE sla.breached_resolution END)
"""  # noqa: S608 (constants of this module)
_FOLLOW = f"""
UPDATE alerts AS alert SET severity = now_is.severity, updated_at = now()
FROM support_tickets AS ticket CROSS JOIN LATERAL (
    SELECT CASE WHEN ticket.priority IN ('high', 'critical') THEN 'critical' ELSE 'warning' END AS severity
) AS now_is
WHERE {_OPEN} AND ticket.id = alert.entity_id::uuid AND alert.severity <> now_is.severity
"""  # noqa: S608

# The dashboard's alert of a ticket whose leads have heard as grave a word of it from sla_monitor already.
_HEARD = """
UPDATE alerts AS alert SET told_severity = alert.severity, updated_at = now()
WHERE alert.type = 'sla_breach' AND alert.status <> 'resolved'
    AND (alert.severity = 'critical' AND alert.told_severity <> 'critical'
        OR alert.severity = 'warning' AND alert.told_severity = '')
    AND EXISTS (
        SELECT FROM alerts AS told
        WHERE told.type IN ('sla_response_breached', 'sla_resolution_breached') AND told.status <> 'resolved'
            AND told.entity_type = alert.entity_type AND told.entity_id = alert.entity_id
            AND told.told_severity IN ('critical', alert.severity))
"""


def open_breaches(clocks: Sequence[Clock], *, now: dt.datetime) -> list[tuple[Clock, uuid.UUID]]:
    """Open an alert for each; answers those that are news, with its id. One whose alert is open was told already."""
    opened = {
        (alert.type, alert.entity_id): alert.pk
        for alert in open_alerts((_matter(clock) for clock in clocks), now=now)
    }
    named = ((clock, opened.get((_type(clock), str(clock.ticket_id)))) for clock in clocks)
    return [(clock, alert) for clock, alert in named if alert]


def note_told(alerts: Collection[uuid.UUID]) -> None:
    """The support leads heard of these, as grave as they are now."""
    if alerts:
        Alert.objects.filter(pk__in=alerts).update(told_severity=F("severity"), updated_at=Now())


def take_as_told() -> int:
    """Mark the dashboard's alerts of tickets as told where the leads heard of them by `note_told`; answers how many."""
    with connection.cursor() as cursor:
        cursor.execute(_HEARD)
        return int(cursor.rowcount)


def resolve_breaches(*, now: dt.datetime) -> int:
    """Resolve those of tickets that were answered or solved, or whose new priority leaves them time; answers how many."""
    with connection.cursor() as cursor:
        cursor.execute(_RESOLVE, {"now": now})
        return int(cursor.rowcount)


def follow_priority() -> int:
    """Critical for tickets of priority high and critical, also where the priority changed since."""
    with connection.cursor() as cursor:
        cursor.execute(_FOLLOW)
        return int(cursor.rowcount)


def _matter(clock: Clock) -> Matter:
    return Matter(
        type=_type(clock),
        severity=Alert.Severity.CRITICAL if clock.is_urgent else Alert.Severity.WARNING,
        entity_type=ENTITY,
        entity_id=str(clock.ticket_id),
        summary=f"Ticket {clock.ticket_number} missed its {clock.target} target.",
        details={"priority": clock.priority, "due_at": clock.due_at.isoformat()},
    )


def _type(clock: Clock) -> str:
    return f"sla_{clock.target}_breached"
