"""Instalments that nobody paid in time: in, `now`; out, their status and alerts as they should be, and news for finance.

Each function is one statement, however many rows it changes, and changes nothing the second time. The day is the customer's.
"""

import datetime as dt
from typing import Any

from django.db import connection

ALERT = "installment_overdue"
# Days overdue from which an alert is a warning, and critical.
WARNING_DAYS, CRITICAL_DAYS = 7, 14

_OPEN = (
    "alert.type = 'installment_overdue' AND alert.entity_type = 'installment' AND alert.status <> 'resolved'"
)
_TODAY = "timezone(customer.timezone, %(now)s::timestamptz)::date"
_SEVERITY = f"""CASE
    WHEN {_TODAY} - part.due_date >= {CRITICAL_DAYS} THEN 'critical'
    WHEN {_TODAY} - part.due_date >= {WARNING_DAYS} THEN 'warning' ELSE 'info' END"""

_ALERT = f"""
    INSERT INTO alerts (type, severity, entity_type, entity_id, summary, details, detected_at, acknowledged_by, status)
    SELECT '{ALERT}', severity, 'installment', id::text, 'Instalment due ' || due_date || ' was not paid.',
        jsonb_build_object('booking_id', booking_id, 'installment_number', installment_number,
            'due_date', due_date, 'amount', amount, 'currency', currency),
        %(now)s, '', 'open'"""

# The part first, by its index, and then its booking by key: the planner takes what is pending and past for far more than it
# is, and would read all bookings. One that finds its alert open adds none: the matter is the same.
_MARK = f"""
WITH due AS MATERIALIZED (
    SELECT part.id, part.booking_id, part.installment_number, part.due_date, part.amount, booking.currency,
        {_SEVERITY.replace(_TODAY, "booking.today")} AS severity
    FROM installment_schedules AS part
    CROSS JOIN LATERAL (
        SELECT booking.status, booking.currency, {_TODAY} AS today
        FROM bookings AS booking JOIN customers AS customer ON customer.id = booking.customer_id
        WHERE booking.id = part.booking_id OFFSET 0
    ) AS booking
    WHERE part.status = 'pending' AND part.due_date <= %(latest)s
        AND part.due_date < booking.today AND booking.status <> 'cancelled'
    FOR NO KEY UPDATE OF part
), marked AS (
    UPDATE installment_schedules SET status = 'overdue', updated_at = now()
    WHERE id = ANY(ARRAY(SELECT id FROM due)) RETURNING 1
), opened AS ({_ALERT}
    FROM due ON CONFLICT DO NOTHING RETURNING 1
)
SELECT (SELECT count(*) FROM marked), (SELECT count(*) FROM opened)
"""  # noqa: S608 (constants of this module)
_RAISE = f"""
UPDATE alerts AS alert SET severity = grown.severity, updated_at = now()
FROM installment_schedules AS part
JOIN bookings AS booking ON booking.id = part.booking_id
JOIN customers AS customer ON customer.id = booking.customer_id
CROSS JOIN LATERAL (SELECT {_SEVERITY} AS severity) AS grown
WHERE {_OPEN} AND part.id = alert.entity_id::uuid AND part.status = 'overdue'
    AND alert.severity <> grown.severity
"""  # noqa: S608
# What a person closed stays closed while it is as grave as it was. Only parts without an open alert are looked into, and
# their alerts count for this due date: of one that was postponed in between, all is told from the start.
_REOPEN = f"""
WITH silent AS MATERIALIZED (
    SELECT part.* FROM installment_schedules AS part
    WHERE part.status = 'overdue' AND part.due_date <= %(latest)s AND NOT EXISTS (
        SELECT FROM alerts AS alert WHERE {_OPEN} AND alert.entity_id = part.id::text)
), closed AS (
    SELECT silent.*, (
        SELECT max(array_position(%(grades)s::text[], alert.severity)) FROM alerts AS alert
        WHERE alert.type = '{ALERT}' AND alert.entity_type = 'installment' AND alert.entity_id = silent.id::text
            AND alert.status = 'resolved' AND alert.details ->> 'due_date' = silent.due_date::text
    ) AS told
    FROM silent
), graver AS (
    SELECT closed.*, booking.currency, grown.severity
    FROM closed
    JOIN bookings AS booking ON booking.id = closed.booking_id AND booking.status <> 'cancelled'
    JOIN customers AS customer ON customer.id = booking.customer_id
    CROSS JOIN LATERAL (SELECT {_SEVERITY.replace("part.", "closed.")} AS severity) AS grown
    WHERE closed.told < array_position(%(grades)s::text[], grown.severity)
){_ALERT}
FROM graver ON CONFLICT DO NOTHING
"""  # noqa: S608
# Who was given more time is not late any more.
_POSTPONE = f"""
UPDATE installment_schedules AS part SET status = 'pending', updated_at = now()
FROM bookings AS booking JOIN customers AS customer ON customer.id = booking.customer_id
WHERE booking.id = part.booking_id AND part.status = 'overdue' AND part.due_date >= %(earliest)s
    AND part.due_date >= {_TODAY}
"""  # noqa: S608
_RESOLVE = f"""
UPDATE alerts AS alert SET status = 'resolved', resolved_at = %(now)s, updated_at = now()
WHERE {_OPEN} AND NOT EXISTS (
    SELECT FROM installment_schedules AS part JOIN bookings AS booking ON booking.id = part.booking_id
    WHERE part.id = alert.entity_id::uuid AND part.status = 'overdue' AND booking.status <> 'cancelled')
"""  # noqa: S608


def mark_overdue(*, now: dt.datetime) -> tuple[int, int]:
    """Pending instalments whose day has passed become overdue, each with an alert; answers how many, and how many alerts."""
    with connection.cursor() as cursor:
        # No local date is more than a day ahead of UTC's.
        cursor.execute(_MARK, {"now": now, "latest": now.astimezone(dt.UTC).date()})
        marked, opened = cursor.fetchone()
    return marked, opened


def raise_alerts(*, now: dt.datetime) -> int:
    """Let the severity of open alerts follow the age of their debt: info, from 7 days warning, from 14 critical."""
    return _changed(_RAISE, now=now)


def reopen_graver(*, now: dt.datetime) -> int:
    """Open a new alert where a person closed one and the debt grew graver since; answers how many."""
    latest = now.astimezone(dt.UTC).date() - dt.timedelta(days=WARNING_DAYS - 1)
    return _changed(_REOPEN, now=now, latest=latest, grades=["info", "warning", "critical"])


def postpone(*, now: dt.datetime) -> int:
    """Overdue instalments that are due today or later, since somebody moved the date, are pending again."""
    return _changed(_POSTPONE, now=now, earliest=now.astimezone(dt.UTC).date() - dt.timedelta(days=1))


def resolve_settled(*, now: dt.datetime) -> int:
    """Resolve alerts of instalments that were paid, cancelled or postponed, also with their booking."""
    return _changed(_RESOLVE, now=now)


def _changed(sql: str, **parameters: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return int(cursor.rowcount)
