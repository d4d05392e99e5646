"""What insurance documents call for: in, `now`; out, rows of `insurance_reminders` planned, cancelled, or sent.

One question says which reminders there should be. A row that is missing is planned; a planned row that nothing calls for
any more (verified, replaced, rejected, moved, overtaken by the next one, its booking over) is cancelled.
"""

import datetime as dt
from collections.abc import Sequence

from django.db import connection
from django.db.models.functions import Now

from rentals.models import InsuranceActivity, InsuranceDocument, InsuranceReminder
from rentals.querysets.insurance import MILESTONES, MISSING_EVERY_DAYS, MISSING_TIMES

# A document that still counts is the newest of its type. Asked for one by one, so that the index answers: as a join,
# PostgreSQL would rather read all documents.
_COUNTS = """
    booking.status NOT IN ('cancelled', 'completed') AND document.id = (
        SELECT newest.id FROM insurance_documents AS newest
        WHERE newest.booking_id = document.booking_id AND newest.document_type = document.document_type
        ORDER BY newest.created_at DESC, newest.id DESC LIMIT 1
    )
"""
# Two questions, so that each has its index: what runs out within the week, and what lacks something. The bare range of
# `expires_at` allows for any time zone. Information is asked for three times each time that staff wanted it; a document
# without a note of that in its story was asked for it once.
_CALLED_FOR = f"""
    SELECT document.id AS document_id, 'expiry' AS reminder_type,
        timezone(customer.timezone, (local.expiry_date - milestone.days)::timestamp) AS scheduled_at
    FROM insurance_documents AS document
    JOIN bookings AS booking ON booking.id = document.booking_id
    JOIN customers AS customer ON customer.id = booking.customer_id
    CROSS JOIN LATERAL (
        -- The last day: one that ends at midnight ends with the day before.
        SELECT timezone(customer.timezone, document.expires_at - interval '1 microsecond')::date AS expiry_date
    ) AS local
    CROSS JOIN unnest(%(days)s::integer[], %(next_days)s::integer[]) AS milestone (days, next_days)
    WHERE document.status IN ('pending', 'verified', 'info_requested')
        AND document.expires_at BETWEEN %(first)s AND %(last)s
        AND timezone(customer.timezone, (local.expiry_date - %(longest)s)::timestamp) <= %(now)s
        AND timezone(customer.timezone, (local.expiry_date - milestone.next_days)::timestamp) > %(now)s
        AND {_COUNTS}
    UNION ALL
    SELECT document.id, 'missing_info',
        CASE WHEN told.times = 0 THEN COALESCE(asked.at, LEAST(document.created_at, %(now)s))
            ELSE timezone(
                customer.timezone, (timezone(customer.timezone, told.last_at)::date + %(every)s)::timestamp
            ) END
    FROM insurance_documents AS document
    JOIN bookings AS booking ON booking.id = document.booking_id
    JOIN customers AS customer ON customer.id = booking.customer_id
    CROSS JOIN LATERAL (
        SELECT max(created_at) AS at FROM insurance_activity
        WHERE document_id = document.id AND action = 'info_requested' AND created_at <= %(now)s
    ) AS asked
    CROSS JOIN LATERAL (
        SELECT count(*) AS times, max(sent_at) AS last_at FROM insurance_reminders
        WHERE document_id = document.id AND reminder_type = 'missing_info' AND status = 'sent'
            AND sent_at >= COALESCE(asked.at, '-infinity')
    ) AS told
    WHERE document.status = 'info_requested' AND told.times < %(times)s AND {_COUNTS}
"""  # noqa: S608 (no values, only our own text)
# A booking that was cancelled and stands again brings its reminders back. Two runs at once insert in the same order, so
# that one waits for the other instead of both for each other.
_PLAN = f"""
INSERT INTO insurance_reminders (document_id, reminder_type, scheduled_at, status)
SELECT document_id, reminder_type, scheduled_at, 'pending' FROM ({_CALLED_FOR}) AS called_for
WHERE NOT EXISTS (
    SELECT FROM insurance_reminders AS known
    WHERE (known.document_id, known.reminder_type, known.scheduled_at)
        = (called_for.document_id, called_for.reminder_type, called_for.scheduled_at) AND known.status <> 'cancelled'
)
ORDER BY document_id, reminder_type, scheduled_at
ON CONFLICT ON CONSTRAINT insurance_reminders_once DO UPDATE SET status = 'pending', updated_at = now()
WHERE insurance_reminders.status = 'cancelled'
"""  # noqa: S608 (no values, only our own text)
_CANCEL = f"""
UPDATE insurance_reminders AS reminder SET status = 'cancelled', updated_at = now()
WHERE reminder.status = 'pending' AND NOT EXISTS (
    SELECT FROM ({_CALLED_FOR}) AS called_for
    WHERE (called_for.document_id, called_for.reminder_type, called_for.scheduled_at)
        = (reminder.document_id, reminder.reminder_type, reminder.scheduled_at)
)
"""  # noqa: S608 (no values, only our own text)


def plan_reminders(*, now: dt.datetime) -> int:
    """Plan what documents call for; answers how many rows are new. One statement."""
    return _write(_PLAN, now)


def cancel_reminders(*, now: dt.datetime) -> int:
    """Cancel planned rows that nothing calls for any more; answers how many. One statement."""
    return _write(_CANCEL, now)


def record_sent(reminders: Sequence[InsuranceReminder], *, by: str, now: dt.datetime) -> int:
    """These were told: on the reminder, on its document and in the document's story. Three statements."""
    documents = {reminder.document_id for reminder in reminders}
    InsuranceDocument.objects.filter(pk__in=documents).update(last_reminder_at=now, updated_at=Now())
    InsuranceActivity.objects.bulk_create(
        InsuranceActivity(
            document_id=reminder.document_id,
            action=InsuranceActivity.Action.REMINDER_SENT,
            actor=by,
            details={"reminder_id": str(reminder.pk), "reminder_type": reminder.reminder_type},
            created_at=now,
        )
        for reminder in reminders
    )
    rows = InsuranceReminder.objects.filter(pk__in=[reminder.pk for reminder in reminders])
    return rows.update(status=InsuranceReminder.Status.SENT, sent_at=now, updated_at=Now())


def _write(statement: str, now: dt.datetime) -> int:
    longest = max(days for days, _ in MILESTONES)
    values: dict[str, dt.datetime | int | list[int]] = {
        "now": now,
        "first": now - dt.timedelta(days=2),
        "last": now + dt.timedelta(days=longest + 2),
        "days": [days for days, _ in MILESTONES],
        "next_days": [next_days for _, next_days in MILESTONES],
        "longest": longest,
        "every": MISSING_EVERY_DAYS,
        "times": MISSING_TIMES,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)
