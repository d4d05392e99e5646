"""Take due rows of one channel: in, a channel and a limit; out, Claimed rows that are ours until the lease runs out.

One short statement, committed at once. A crashed worker's rows come back through `release.py`.
"""

import datetime as dt
import json
import random
import uuid
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from django.db import connection

from notifications.message import Claimed

# A row's transaction-level advisory lock: the claim passes over a row whose lock somebody holds, so replay, cancel
# and a host's own code can keep the worker away for the length of a transaction, behind a pooler too.
LOCK_KEY = "hashtextextended(id::text, 8025)"

# This statement's COMMIT does not wait for the disk. A claim that a crash of the server takes back is a row that waits
# again: nothing is sent before `deliver.dispatch` has committed, which does wait, for itself and for all before it.
RELAXED = "(SELECT set_config('synchronous_commit', 'off', true) OFFSET 0) AS relaxed"

# In the order of the fields of Claimed.
COLUMNS = """q.id, q.lease_token, q.channel, q.category, q."to", q.recipient_key, q.template_version, q.subject,
    q.payload, q.metadata, q.priority, q.attempts, q.scheduled_at, q.expires_at"""

# `status = 'queued'` stands as a literal: with a bound parameter the planner cannot prove that the partial index
# notification_queue_due applies.
_HEAD = f"""
        SELECT id FROM notification_queue
        WHERE status = 'queued' AND channel = %(channel)s AND priority = step.priority
          AND scheduled_at <= COALESCE(%(now)s, statement_timestamp()) - step.waited
          AND pg_try_advisory_xact_lock({LOCK_KEY})"""  # noqa: S608 (the lock's key is a constant)

# One index range a step, walked in order until the limit is full. The first steps let a share of what has waited for long
# pass, whatever its priority, so that nothing starves behind a stream of urgent messages, and nothing urgent waits behind
# a heap of old ones. A lock of our own does not hide a row from us: what the first steps took, the others leave out.
CLAIM = f"""
WITH aged AS MATERIALIZED (
    SELECT head.id
    FROM (VALUES (1, %(aging)s, %(share_1)s), (2, %(aging)s, %(share_2)s), (3, %(aging)s, %(share_3)s)
         ) AS step(priority, waited, most)
    CROSS JOIN LATERAL ({_HEAD}
        ORDER BY scheduled_at, id
        LIMIT step.most
        FOR UPDATE SKIP LOCKED
    ) AS head
    WHERE step.priority < %(above)s
    LIMIT %(limit)s
), due AS MATERIALIZED (
    SELECT id FROM aged
    UNION ALL
    SELECT head.id
    FROM (VALUES (0, '0'::interval), (1, '0'), (2, '0'), (3, '0')) AS step(priority, waited)
    CROSS JOIN LATERAL ({_HEAD}
          AND id NOT IN (SELECT id FROM aged)
        ORDER BY scheduled_at, id
        LIMIT %(limit)s
        FOR UPDATE SKIP LOCKED
    ) AS head
    WHERE step.priority < %(above)s
    LIMIT %(limit)s
)
UPDATE notification_queue AS q
SET status = 'processing', attempts = q.attempts + 1, last_attempt_at = statement_timestamp(),
    lease_token = %(token)s, lease_until = statement_timestamp() + %(lease)s
FROM due, {RELAXED} WHERE q.id = due.id
RETURNING {COLUMNS}
"""  # noqa: S608
# For each lower priority this part of a claim goes to those that have waited for so long. Where that is no whole number
# of rows, chance decides, or a channel whose rate limit grants a few rows at a time would never let one of them pass.
SHARE = 16
AGING = dt.timedelta(minutes=10)
NO_PRIORITY = 4  # one more than the least urgent

# With each channel that has something due, whether nothing at all stands on record against it.
DUE = """
SELECT wanted.channel, NOT EXISTS (
    SELECT 1 FROM channel_states AS s
    WHERE s.channel = wanted.channel
      AND (s.until_resumed OR s.faults > 0
           OR COALESCE(s.paused_until, s.refused_until, s.limited_until, s.open_until, s.probe_until) IS NOT NULL))
FROM unnest(%(channels)s::text[]) AS wanted(channel)
WHERE EXISTS (
    SELECT 1 FROM (VALUES (0), (1), (2), (3)) AS level(priority)
    CROSS JOIN LATERAL (
        SELECT 1 FROM notification_queue AS q
        WHERE q.status = 'queued' AND q.channel = wanted.channel AND q.priority = level.priority
          AND q.scheduled_at <= COALESCE(%(now)s, statement_timestamp())
        LIMIT 1
    ) AS head
)
"""

_JSON = [i for i, field in enumerate(fields(Claimed)) if field.name in ("to", "payload", "metadata")]
_decode = json.JSONDecoder().raw_decode  # PostgreSQL puts no white space around it, which `loads` looks for


def claim(
    *,
    channel: str,
    limit: int,
    lease: dt.timedelta,
    now: dt.datetime | None = None,
    aging: dt.timedelta = AGING,
    above: int | None = None,
    rng: random.Random | None = None,
) -> list[Claimed]:
    """Claim up to `limit` due rows in (priority, scheduled_at, id) order, but for a share of those that have waited
    for `aging`. `now` is the database's clock unless given. `above` takes only what is more urgent than that priority."""
    with connection.cursor() as cursor:
        cursor.execute(
            CLAIM,
            claim_arguments(
                channel=channel, limit=limit, lease=lease, now=now, aging=aging, above=above, rng=rng
            ),
        )
        known: dict[str, Any] = {}
        rows = [as_claimed(row, known) for row in cursor.fetchall()]
    return sorted(rows, key=lambda row: (row.priority, row.scheduled_at, row.id))


def claim_arguments(
    *,
    channel: str,
    limit: int,
    lease: dt.timedelta,
    now: dt.datetime | None = None,
    aging: dt.timedelta = AGING,
    above: int | None = None,
    rng: random.Random | None = None,
) -> dict[str, Any]:
    """What CLAIM asks for, with a fresh lease token."""
    chance = rng or random.Random()  # noqa: S311 (which of two rows goes first)
    return {
        "channel": channel,
        "limit": limit,
        "lease": lease,
        "now": now,
        "token": uuid.uuid4(),
        "aging": aging,
        "above": NO_PRIORITY if above is None else above,
        **{f"share_{priority}": (limit + chance.randrange(SHARE)) // SHARE for priority in (1, 2, 3)},
    }


def due_channels(channels: Sequence[str], *, now: dt.datetime | None = None) -> dict[str, bool]:
    """Those channels that have something due, by one look into the index for each priority; and for each, whether it may
    send without asking (no pause, no breaker, no limit of the provider is on record, not even a past one)."""
    with connection.cursor() as cursor:
        cursor.execute(DUE, {"channels": list(channels), "now": now})
        return dict(cursor.fetchall())


def as_claimed(row: Sequence[Any], known: dict[str, Any] | None = None) -> Claimed:
    """A row of COLUMNS. Django reads jsonb as text on a raw cursor, so that its own fields can decode it. Equal texts
    of those in `known` are read once, and are one object: so a promotion's payloads are seen to be the same."""
    values = list(row)
    read = {} if known is None else known
    for position in _JSON:
        text = values[position]
        if text not in read:
            read[text] = _decode(text)[0]
        values[position] = read[text]
    return Claimed(*values)


def lock_records(ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Keep every worker off these rows until the end of the transaction; answers those that it got.

    A row missing from the answer is being claimed or changed by someone else right now. Needs a transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM unnest(%s::uuid[]) AS wanted(id) WHERE pg_try_advisory_xact_lock({LOCK_KEY})",  # noqa: S608
            [list(ids)],
        )
        return [row[0] for row in cursor.fetchall()]
