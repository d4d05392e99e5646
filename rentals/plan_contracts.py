"""What unsigned contracts call for: in, `now`; out, rows of `contract_reminders` planned, cancelled, or sent.

Staff plan reminders themselves. Three days and one day before a contract expires a row is added, unless one of theirs
stands for it; from there on both are the same.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection
from django.db.models.functions import Now

from rentals.models import ContractEvent, ContractReminder

# Local days before the contract expires, from 09:00 on.
MILESTONE_DAYS = (3, 1)
REMIND_FROM = dt.time(9)

# Of the mornings that have passed since the contract was sent, the last one counts: a missed run is made up for. A
# reminder since the midnight before stands for it. Nobody is written to at night, but on the last day of all.
_PLAN = """
INSERT INTO contract_reminders (contract_id, scheduled_at, status)
SELECT contract.id, milestone.at, 'pending'
FROM contracts AS contract
JOIN bookings AS booking ON booking.id = contract.booking_id
JOIN customers AS customer ON customer.id = booking.customer_id
CROSS JOIN LATERAL (
    SELECT timezone(customer.timezone, contract.expires_at)::date AS expiry_date, timezone(customer.timezone, %(now)s) AS now
) AS local
CROSS JOIN LATERAL (
    SELECT max(timezone(customer.timezone, local.expiry_date - days + %(from)s::time)) AS at FROM unnest(%(days)s::integer[]) AS days
    WHERE timezone(customer.timezone, local.expiry_date - days + %(from)s::time) BETWEEN contract.sent_at AND %(now)s
) AS milestone
WHERE contract.status = 'sent' AND contract.expires_at > %(now)s AND contract.expires_at <= %(last)s
    AND booking.status <> 'cancelled' AND milestone.at IS NOT NULL
    AND (local.now::time >= %(from)s::time OR local.now::date = local.expiry_date)
    AND EXISTS (SELECT FROM contract_signers WHERE contract_id = contract.id AND status = 'pending')
    AND NOT EXISTS (
        SELECT FROM contract_reminders AS known
        WHERE known.contract_id = contract.id AND (
            (known.status = 'pending' AND known.scheduled_at <= %(now)s)
            OR (known.status = 'sent' AND known.sent_at >= timezone(
                customer.timezone, timezone(customer.timezone, milestone.at)::date::timestamp
            ))
        )
    )
ORDER BY contract.id
ON CONFLICT DO NOTHING
"""
# What waits for nobody: not sent, run out, or of a cancelled booking. And what is due where nobody is left to sign, or
# where another reminder of the same day stands for it. Asked row by row, so that indexes answer: planned rows are few, and
# as joins PostgreSQL would rather read all bookings.
_CANCEL = """
UPDATE contract_reminders AS reminder SET status = 'cancelled', updated_at = now()
WHERE reminder.status = 'pending' AND (
    SELECT contract.status <> 'sent' OR contract.expires_at <= %(now)s OR booking.status = 'cancelled'
        OR (reminder.scheduled_at <= %(now)s AND (
            NOT EXISTS (
                SELECT FROM contract_signers AS signer WHERE signer.contract_id = contract.id AND signer.status = 'pending'
            )
            OR EXISTS (
                SELECT FROM contract_reminders AS other WHERE other.contract_id = contract.id AND (
                    (other.status = 'sent' AND other.sent_at >= timezone(
                        customer.timezone, timezone(customer.timezone, %(now)s)::date::timestamp
                    ))
                    OR (other.status = 'pending' AND other.scheduled_at <= %(now)s
                        AND other.scheduled_at > reminder.scheduled_at)
                )
            )
        ))
    FROM contracts AS contract
    JOIN bookings AS booking ON booking.id = contract.booking_id
    JOIN customers AS customer ON customer.id = booking.customer_id
    WHERE contract.id = reminder.contract_id
)
"""


def plan_reminders(*, now: dt.datetime) -> int:
    """Plan the reminders of contracts that expire soon; answers how many rows are new. One statement."""
    return _write(_PLAN, now)


def cancel_reminders(*, now: dt.datetime) -> int:
    """Cancel planned rows that nothing calls for any more; answers how many. One statement."""
    return _write(_CANCEL, now)


def record_sent(
    reminders: Sequence[ContractReminder], *, signers: Mapping[Any, Sequence[str]], now: dt.datetime
) -> int:
    """These were told to these signers, by contract: on the reminder, and in the contract's story. Two statements."""
    ContractEvent.objects.bulk_create(
        ContractEvent(
            contract_id=reminder.contract_id,
            event_type=ContractEvent.EventType.REMINDER_SENT,
            metadata={"reminder_id": str(reminder.pk), "signer_ids": list(told), "signers": len(told)},
            occurred_at=now,
        )
        for reminder in reminders
        if (told := signers.get(reminder.contract_id))
    )
    rows = ContractReminder.objects.filter(pk__in=[reminder.pk for reminder in reminders])
    return rows.update(status=ContractReminder.Status.SENT, sent_at=now, updated_at=Now())


def _write(statement: str, now: dt.datetime) -> int:
    values: dict[str, dt.datetime | str | list[int]] = {
        "now": now,
        "from": REMIND_FROM.isoformat(),
        "days": list(MILESTONE_DAYS),
        # The bare range allows for any time zone.
        "last": now + dt.timedelta(days=max(MILESTONE_DAYS) + 2),
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)
