"""Store what was reported, and answer: in, reports; out, rows that wait to be applied, each event once however often it comes.

One INSERT for a whole batch. Whatever follows from an event happens off the request (`apply.py`).
"""

import json
from collections.abc import Sequence

from django.db import connection

from consent.arrays import array
from notifications.webhooks.report import Report

# The order in which two batches with the same events insert them is the same, so that they cannot deadlock.
STORE = """
INSERT INTO provider_events (
    provider, event_id, event_type, occurred_at, notification_id, reference, code, address_hmac, address_hint, detail)
SELECT * FROM unnest(
    %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[],
    %s::jsonb[])
ON CONFLICT ON CONSTRAINT provider_events_once DO NOTHING
"""


def store(reports: Sequence[Report]) -> int:
    """Keep what is new, and answer how many were. Takes part in the caller's transaction."""
    if not reports:
        return 0
    ordered = sorted(reports, key=lambda report: (report.provider, report.event_id))
    columns = zip(*map(_row, ordered), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(STORE, [array(column) for column in columns])
        return int(cursor.rowcount)


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
