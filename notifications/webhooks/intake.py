"""Store what was reported, and answer: in, reports; out, rows that wait to be applied, each event once however often it comes.

One INSERT for a whole batch. Whatever follows from an event happens off the request (`apply.py`), by a task that is asked
for after the commit (`NOTIFICATIONS["KICK_FEEDBACK"]`), or by the next scheduled look.
"""

import json
from collections.abc import Sequence

from django.db import connection, transaction
from django.utils.module_loading import import_string

from consent.arrays import array
from notifications.conf import conf
from notifications.webhooks.report import Report

# The order in which two batches with the same events insert them is the same, so that they cannot deadlock.
STORE = """
INSERT INTO provider_events (
    provider, event_id, event_type, occurred_at, notification_id, reference, code, address_hmac, address_hint, detail)
SELECT * FROM unnest(
    %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[],
    %s::jsonb[])
ON CONFLICT ON CONSTRAINT provider_events_once DO NOTHING
RETURNING id
"""
# Fresh ones before ours: a task for them has been asked for, or is at work, and goes on until nothing waits.
IS_ASKED_FOR = (
    "SELECT EXISTS (SELECT 1 FROM provider_events WHERE applied_at IS NULL AND attempts = 0 AND id < %s)"
)


def store(reports: Sequence[Report]) -> int:
    """Keep what is new, and answer how many were. Takes part in the caller's transaction."""
    if not reports:
        return 0
    ordered = sorted(reports, key=lambda report: (report.provider, report.event_id))
    columns = zip(*map(_row, ordered), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(STORE, [array(column) for column in columns])
        new = [found for (found,) in cursor.fetchall()]
        if not new:
            return 0
        cursor.execute(IS_ASKED_FOR, [min(new)])
        is_asked_for = cursor.fetchone()
    if not (is_asked_for and is_asked_for[0]):
        transaction.on_commit(kick, robust=True)
    return len(new)


def kick() -> None:
    """Ask the host of workers for a task. A failure is logged by Django and loses nothing: the schedule looks each minute."""
    if path := conf().kick_feedback:
        import_string(path)()


def _row(report: Report) -> tuple[object, ...]:
    return (
        report.provider,
        report.event_id,
        report.event_type,
        report.occurred_at,
        report.notification_id,
        report.reference,
        report.code,
        report.address_hmac,
        report.address_hint,
        json.dumps(dict(report.detail)),
    )
