"""Count delivery attempts: in, a range of their ids; out, the table with those added, each exactly once.

Attempts are only ever appended, so a range of ids that nobody writes into any more can be added and never looked at again.
No index is needed but that of the key, and a clock that is set back changes nothing.
"""

import datetime as dt
import time
from collections.abc import Mapping
from typing import Any, Final

from django.db import connection

from notifications.traffic.buckets import NAME_OF
from notifications.traffic.steps import kept_since

_MILLISECONDS = "EXTRACT(epoch FROM {0} - {1}) * 1000"
# `rows` are attempts with the channel of their message and when it had been due (of a repeated one: its last time).
COUNTED: Final = f"""
SELECT date_trunc('minute', a.finished_at, 'UTC') AS minute, a.channel, v.what, a.provider, v.code, count(*) AS count
FROM ({{rows}}) AS a
CROSS JOIN LATERAL (VALUES
    (a.outcome, CASE WHEN a.outcome = 'sent' THEN '' ELSE left(a.provider_code, 60) END),
    ('call', {NAME_OF.format(_MILLISECONDS.format("a.finished_at", "a.started_at"))}),
    ('wait', CASE WHEN a.outcome = 'sent' THEN {NAME_OF.format(_MILLISECONDS.format("a.finished_at", "a.scheduled_at"))} END)
) AS v(what, code)
WHERE v.code IS NOT NULL
GROUP BY minute, a.channel, v.what, a.provider, v.code
"""  # noqa: S608 (constants)
BY_ID: Final = """
SELECT a.*, q.channel, q.scheduled_at FROM delivery_attempts AS a JOIN notification_queue AS q ON q.id = a.notification_id
WHERE a.id > %(after)s AND a.id <= %(upto)s AND a.finished_at >= %(since)s
"""
# What left the queue took its attempts along.
PAST: Final = """
SELECT t.*, h.channel, h.scheduled_at
FROM notification_history AS h
CROSS JOIN LATERAL jsonb_to_recordset(h.tries) AS t(
    provider text, outcome text, provider_code text, started_at timestamptz, finished_at timestamptz)
WHERE h.finished_at >= %(from)s AND h.finished_at < %(until)s AND t.finished_at >= %(since)s
  AND NOT EXISTS (SELECT 1 FROM notification_queue AS q WHERE q.id = h.id)
"""
ADD: Final = f"""
INSERT INTO traffic AS t (step, start, channel, what, provider, code, count)
SELECT step.name, date_trunc(step.name, c.minute, 'UTC') AS start, c.channel, c.what, c.provider, c.code, sum(c.count)
FROM ({COUNTED}) AS c
JOIN (VALUES ('minute', %(minute)s), ('hour', %(hour)s), ('day', %(day)s)) AS step(name, kept_since)
  ON c.minute >= step.kept_since
GROUP BY step.name, start, c.channel, c.what, c.provider, c.code
ON CONFLICT (step, start, channel, what, provider, code) DO UPDATE SET count = t.count + EXCLUDED.count
"""  # noqa: S608 (constants)
_TOP = "SELECT COALESCE(max(id), 0) FROM delivery_attempts"
# Whoever has taken an id and not committed holds this lock until then.
_WRITERS = """
SELECT virtualtransaction FROM pg_locks
WHERE locktype = 'relation' AND relation = 'delivery_attempts'::regclass AND mode = 'RowExclusiveLock' AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND pid <> pg_backend_pid()
"""
LOOK_AGAIN: Final = 0.02  # seconds
BEGINNING: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def settled_top(*, patience: float) -> int | None:
    """An id up to which every attempt is committed, or never will be. None if a writer does not end within `patience` seconds.

    Ids are given before commits, so the highest that is visible says nothing of those below it; but each writer of that
    moment is in the list of locks, and when they have ended all is decided.
    """
    with connection.cursor() as cursor:
        cursor.execute(_TOP)
        top = int(cursor.fetchone()[0])
        until = time.monotonic() + patience
        left: set[str] | None = None
        while True:
            cursor.execute(_WRITERS)
            running = {row[0] for row in cursor.fetchall()}
            left = running if left is None else left & running
            if not left:
                return top
            if time.monotonic() > until:
                return None
            time.sleep(LOOK_AGAIN)


def add_calls(*, after: int, upto: int, now: dt.datetime, since: dt.datetime = BEGINNING) -> None:
    """Those of the queue's messages with an id in (after, upto] that ended at or after `since`."""
    _add(BY_ID, {"after": after, "upto": upto, "since": since}, now)


def add_past_calls(*, start: dt.datetime, until: dt.datetime, now: dt.datetime, since: dt.datetime) -> None:
    """Those of messages in the history that ended within this time."""
    _add(PAST, {"from": start, "until": until, "since": since}, now)


def _add(rows: str, asked: Mapping[str, Any], now: dt.datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(ADD.replace("{rows}", rows), {**asked, **kept_since(now)})
