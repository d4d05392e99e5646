"""What reports say of messages: in, facts; out, rows of the queue that know how far they got, and doubts that are settled.

Set-based: a few statements for any number of facts. The rows are locked first, in the order of their ids, as `record` does.
"""

import datetime as dt
import uuid
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from consent.arrays import array
from notifications.feedback import CHAIN, Fact, highest

LOCK = """
SELECT id, channel, category, recipient_key, metadata->>'sent_at'
FROM notification_queue WHERE id = ANY(%s::uuid[]) ORDER BY id FOR NO KEY UPDATE
"""
# Those that ended long ago are in the history: there is nobody to write to any more, and how far it got is still worth knowing.
LOCK_PAST = """
SELECT id, channel, category, '', finished_at::text
FROM notification_history WHERE id = ANY(%s::uuid[]) ORDER BY id FOR NO KEY UPDATE
"""
# A message climbs the chain and never comes down; of the same fact, the earlier moment stands.
CLIMB = """
UPDATE {table} AS q SET feedback = v.word, feedback_at = v.at
FROM unnest(%(id)s::uuid[], %(word)s::text[], %(at)s::timestamptz[]) AS v(id, word, at)
WHERE q.id = v.id AND (
    q.feedback IS NULL
    OR array_position(%(chain)s::text[], v.word) > array_position(%(chain)s::text[], q.feedback)
    OR (v.word = q.feedback AND v.at < q.feedback_at))
RETURNING q.id
"""
# Whatever a provider reports of a message, it had taken it: what failed or waits only because the answer was lost, was sent.
# Not by a report of an earlier try, before a person had it sent again. The clocks of the two may differ a little.
SETTLE = """
UPDATE notification_queue AS q
SET status = 'sent', error = NULL, metadata = (q.metadata - 'outcome_unknown') || jsonb_build_object(
    'sent_at', to_json(v.at), 'provider_reference', v.reference,
    'history', COALESCE(q.metadata->'history', '[]') || jsonb_build_array(jsonb_build_object(
        'what', 'settled', 'by', %(by)s::text, 'at', to_json(%(now)s::timestamptz),
        'reason', 'The answer was lost, but the provider reports it ' || v.word || ': it was sent.')))
FROM unnest(%(id)s::uuid[], %(word)s::text[], %(at)s::timestamptz[], %(reference)s::text[]) AS v(id, word, at, reference)
WHERE q.id = v.id AND v.at >= q.last_attempt_at - interval '1 minute' AND (
    (q.status = 'failed' AND q.metadata @> '{"outcome_unknown": true}')
    OR (q.status = 'queued' AND q.attempts > 0 AND (
        q.error LIKE 'worker_lost:%%'
        OR EXISTS (SELECT 1 FROM delivery_attempts AS a
                   WHERE a.notification_id = q.id AND a.number = q.attempts AND a.outcome = 'unknown'))))
RETURNING q.id
"""
# A reference that several messages share (many recipients in one request) tells none of them.
BY_REFERENCE = """
SELECT provider_reference, min(notification_id::text)::uuid FROM delivery_attempts
WHERE provider_reference = ANY(%s::text[]) AND provider_reference <> ''
GROUP BY provider_reference HAVING count(DISTINCT notification_id) = 1
"""


@dataclass(frozen=True, slots=True)
class Told:
    """A message that something was reported of. One of the history has no recipient any more."""

    id: uuid.UUID
    channel: str
    category: str
    recipient_key: str
    sent_at: dt.datetime | None
    is_past: bool = False

    @property
    def customer_id(self) -> str | None:
        kind, _, known = self.recipient_key.partition(":")
        return known if kind == "customer" else None


def by_reference(references: Iterable[str]) -> dict[str, uuid.UUID]:
    """The message of each of the provider's references."""
    wanted = {reference for reference in references if reference}
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(BY_REFERENCE, [array(sorted(wanted))])
        return dict(cursor.fetchall())


def lock_messages(ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Told]:
    """The messages that there are, kept until the transaction ends."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [array(wanted)])
        found = _told(cursor.fetchall(), is_past=False)
        if gone := [one for one in wanted if one not in found]:
            cursor.execute(LOCK_PAST, [array(gone)])
            found |= _told(cursor.fetchall(), is_past=True)
    return found


def note(
    facts: Sequence[Fact], *, past: Container[uuid.UUID], by: str, now: dt.datetime
) -> tuple[set[uuid.UUID], set[uuid.UUID]]:
    """Write facts onto their messages, which the caller has locked; those in `past` are in the history. Answers those that
    climbed, and those that are settled."""
    climbed: set[uuid.UUID] = set()
    settled: set[uuid.UUID] = set()
    standing = highest(facts).values()
    if old := [fact for fact in standing if fact.notification_id in past]:
        climbed |= _ids(CLIMB.format(table="notification_history"), _columns(old))
    if live := [fact for fact in standing if fact.notification_id not in past]:
        climbed |= _ids(CLIMB.format(table="notification_queue"), _columns(live))
        settled |= _ids(SETTLE, {**_columns(live), "by": by, "now": now})
    return climbed, settled


def _columns(standing: Sequence[Fact]) -> dict[str, Any]:
    return {
        "chain": array(CHAIN),
        "id": array(fact.notification_id for fact in standing),
        "word": array(fact.word for fact in standing),
        "at": array(fact.at for fact in standing),
        "reference": array(fact.reference for fact in standing),
    }


def _told(rows: Iterable[tuple[Any, ...]], *, is_past: bool) -> dict[uuid.UUID, Told]:
    return {
        found: Told(
            found, channel, category, key, dt.datetime.fromisoformat(sent_at) if sent_at else None, is_past
        )
        for found, channel, category, key, sent_at in rows
    }


def _ids(sql: str, arguments: dict[str, Any]) -> set[uuid.UUID]:
    with connection.cursor() as cursor:
        cursor.execute(sql, arguments)
        return {found for (found,) in cursor.fetchall()}
