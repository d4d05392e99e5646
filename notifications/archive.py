"""Move messages from the queue to the history: in, those that ended; out, how many left the queue.

Copied and committed first, deleted later, when no transaction is left that began before the copy was there. So at every
moment whoever asks for an idempotency key finds it in the queue or in the history, however old the snapshot that they
look through (docs/decisions/0014-history-remembers-keys.md).
"""

import uuid
from collections.abc import Sequence

from django.db import connection, transaction

from consent.arrays import array
from notifications.claim import lock_records
from notifications.history import recipient_index
from notifications.retention import Ended

# A row that changed since it was chosen (replayed, settled by a late report) has another version, and stays. One that was
# copied before and changed since is copied anew.
COPY = """
INSERT INTO notification_history AS h (
    id, channel, category, priority, template_name, template_id, template_version_id, status, attempts, error,
    idempotency_key, recipient_index, parent_id, provider_reference, feedback, feedback_at, facts, tries, scheduled_at,
    last_attempt_at, created_at, finished_at)
SELECT q.id, q.channel, q.category, q.priority, COALESCE(t.name, ''), q.template_id, q.template_version, q.status,
    q.attempts, q.error, tie.key, tie.who, q.parent_id,
    COALESCE(q.metadata ->> 'provider_reference', ''), q.feedback, q.feedback_at, facts.kept, tries.kept,
    q.scheduled_at, q.last_attempt_at, q.created_at,
    COALESCE((q.metadata -> 'withheld' ->> 'at')::timestamptz, q.last_attempt_at, q.scheduled_at)
FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS wanted(id, version, who)
JOIN notification_queue AS q ON q.id = wanted.id AND q.xmin::text = wanted.version
LEFT JOIN notification_templates AS t ON t.id = q.template_id
CROSS JOIN LATERAL (
    -- Whoever was erased while the message was in the queue is not tied to it again (history.forget).
    SELECT CASE WHEN NOT q."to" ? 'erased' THEN wanted.who END AS who,
        CASE WHEN q."to" ? 'erased' AND strpos(q.idempotency_key, split_part(q.recipient_key, ':', 2)) > 0
            THEN 'erased:' || q.id
            ELSE q.idempotency_key END AS key
) AS tie
CROSS JOIN LATERAL (
    -- A list of what stays: whatever else a caller or a host put into the metadata goes, and so do the words of operators.
    SELECT jsonb_strip_nulls(jsonb_build_object(
        'origin', q.metadata -> 'origin', 'sandbox', q.metadata -> 'sandbox', 'decision', q.metadata -> 'decision',
        'sent_decision', q.metadata -> 'sent_decision',
        'held', q.metadata -> 'held', 'outcome_unknown', q.metadata -> 'outcome_unknown',
        'released', q.metadata -> 'released',
        'withheld', CASE WHEN q.metadata -> 'withheld' ->> 'stage' = 'operator'
            THEN q.metadata -> 'withheld' || '{"reason": ""}' ELSE q.metadata -> 'withheld' END,
        'history', (SELECT jsonb_agg(act || '{"reason": ""}')
                    FROM jsonb_array_elements(q.metadata -> 'history') AS act))) AS kept
) AS facts
CROSS JOIN LATERAL (
    SELECT COALESCE(jsonb_agg(to_jsonb(a) - '{id,notification_id}'::text[] ORDER BY a.started_at, a.id), '[]') AS kept
    FROM delivery_attempts AS a WHERE a.notification_id = q.id
) AS tries
ON CONFLICT (id) DO UPDATE SET status = EXCLUDED.status, attempts = EXCLUDED.attempts, error = EXCLUDED.error,
    provider_reference = EXCLUDED.provider_reference, facts = EXCLUDED.facts, tries = EXCLUDED.tries,
    scheduled_at = EXCLUDED.scheduled_at, last_attempt_at = EXCLUDED.last_attempt_at,
    finished_at = EXCLUDED.finished_at, recipient_index = EXCLUDED.recipient_index,
    idempotency_key = EXCLUDED.idempotency_key, feedback = EXCLUDED.feedback,
    feedback_at = EXCLUDED.feedback_at
WHERE (h.status, h.attempts, h.error, h.provider_reference, h.facts, h.tries, h.scheduled_at, h.last_attempt_at,
       h.feedback, h.feedback_at, h.recipient_index, h.idempotency_key)
    IS DISTINCT FROM (EXCLUDED.status, EXCLUDED.attempts, EXCLUDED.error, EXCLUDED.provider_reference, EXCLUDED.facts,
                      EXCLUDED.tries, EXCLUDED.scheduled_at, EXCLUDED.last_attempt_at, EXCLUDED.feedback,
                      EXCLUDED.feedback_at, EXCLUDED.recipient_index, EXCLUDED.idempotency_key)
"""
# Whoever holds a row right now keeps it; the next run comes by again.
REMOVE = """
WITH free AS MATERIALIZED (
    SELECT q.id FROM unnest(%s::uuid[], %s::text[]) AS wanted(id, version)
    JOIN notification_queue AS q ON q.id = wanted.id AND q.xmin::text = wanted.version
    WHERE EXISTS (SELECT 1 FROM notification_history AS h WHERE h.id = q.id)
    FOR UPDATE OF q SKIP LOCKED
), answers AS (
    DELETE FROM delivery_attempts AS a USING free WHERE a.notification_id = free.id
)
DELETE FROM notification_queue AS q USING free WHERE q.id = free.id
RETURNING q.id
"""
# Copied, and then sent on its way again by a person: it is in the queue, and nowhere else.
ALIVE = """
DELETE FROM notification_history AS h USING notification_queue AS q
WHERE h.id = q.id AND q.id = ANY(%s::uuid[]) AND q.status IN ('queued', 'processing')
"""


def copy(rows: Sequence[Ended]) -> None:
    """Write them into the history. They stay in the queue, which is what everybody looks into first."""
    columns = (
        [row.id for row in rows],
        [row.version for row in rows],
        [recipient_index(row.recipient_key) for row in rows],
    )
    with connection.cursor() as cursor:
        cursor.execute(COPY, [array(column) for column in columns])


def remove(rows: Sequence[Ended]) -> set[uuid.UUID]:
    """Delete those of them that are as they were when they were copied; answers which. A short transaction.

    Only after every transaction that was running when `copy` committed has ended (`snapshots.py`).
    """
    versions = {row.id: row.version for row in rows}
    with transaction.atomic():
        free = lock_records(list(versions))
        with connection.cursor() as cursor:
            cursor.execute(REMOVE, [array(free), array([versions[one] for one in free])])
            gone = {row[0] for row in cursor.fetchall()}
            if left := versions.keys() - gone:
                cursor.execute(ALIVE, [array(left)])
    return gone
