"""Count how messages ended without being sent: in, a stretch of time; out, its minutes counted anew, and their hours and days.

A message may be found to have failed long after its last try (its worker died), and may be replayed: so these are counted
again for as long as their minutes are kept. Both are few, and read through partial indexes that what is sent never enters.
"""

import datetime as dt
from typing import Any, Final

from django.db import connection

from notifications.traffic.steps import day_of, hour_of, kept_since

# When something ended is said as `archive.py` says it, so that its move to the history changes no figure.
COUNTED: Final = """
SELECT minute, channel, what, code, count(*) AS count FROM (
    (SELECT date_trunc('minute', last_attempt_at, 'UTC') AS minute, channel, 'failed' AS what,
        left(split_part(error, ':', 1), 60) AS code
    FROM notification_queue WHERE status = 'failed' AND last_attempt_at >= %(since)s AND last_attempt_at < %(until)s {limit})
    UNION ALL
    (SELECT date_trunc('minute', (metadata #>> '{{withheld,at}}')::timestamptz, 'UTC'), channel, 'withheld',
        left(COALESCE(metadata #>> '{{withheld,rule}}', ''), 60)
    FROM notification_queue
    WHERE status = 'cancelled' AND (metadata #>> '{{withheld,at}}') COLLATE "C" >= %(since_text)s
      AND (metadata #>> '{{withheld,at}}') COLLATE "C" < %(until_text)s {limit})
    {past}
) AS ended
WHERE minute >= %(since)s AND minute < %(until)s
GROUP BY minute, channel, what, code
"""
_PAST: Final = """
    UNION ALL
    SELECT date_trunc('minute', h.finished_at, 'UTC'), h.channel,
        CASE h.status WHEN 'failed' THEN 'failed' ELSE 'withheld' END,
        left(COALESCE(CASE h.status WHEN 'failed' THEN split_part(h.error, ':', 1) ELSE h.facts #>> '{withheld,rule}' END, ''), 60)
    FROM notification_history AS h
    WHERE h.status IN ('failed', 'cancelled') AND h.finished_at >= %(since)s AND h.finished_at < %(until)s
      AND NOT EXISTS (SELECT 1 FROM notification_queue AS q WHERE q.id = h.id)
"""
ANYWHERE: Final = COUNTED.format(past=_PAST, limit="")
# For who looks at the last minutes: not more than so many of each.
RECENT: Final = COUNTED.format(past="", limit="LIMIT %(limit)s")
_FORGET = """
DELETE FROM traffic WHERE step = %(step)s AND start >= %(since)s AND start < %(until)s AND what IN ('failed', 'withheld')
"""
_MINUTES = f"""
INSERT INTO traffic (step, start, channel, what, provider, code, count)
SELECT 'minute', minute, channel, what, '', code, count FROM ({ANYWHERE}) AS c
"""  # noqa: S608 (constants)
_COARSER = """
INSERT INTO traffic (step, start, channel, what, provider, code, count)
SELECT %(step)s, date_trunc(%(step)s, start, 'UTC') AS coarse, channel, what, provider, code, sum(count)
FROM traffic WHERE step = %(finer)s AND start >= %(since)s AND start < %(until)s AND what IN ('failed', 'withheld')
GROUP BY coarse, channel, what, provider, code
"""
# All three at once, where the minutes are no longer kept.
_ALL_STEPS = f"""
INSERT INTO traffic AS t (step, start, channel, what, provider, code, count)
SELECT step.name, date_trunc(step.name, c.minute, 'UTC') AS start, c.channel, c.what, '', c.code, sum(c.count)
FROM ({ANYWHERE}) AS c
JOIN (VALUES ('minute', %(minute)s), ('hour', %(hour)s), ('day', %(day)s)) AS step(name, kept_since)
  ON c.minute >= step.kept_since
GROUP BY step.name, start, c.channel, c.what, c.code
ON CONFLICT (step, start, channel, what, provider, code) DO UPDATE SET count = t.count + EXCLUDED.count
"""  # noqa: S608 (constants)
_DAY: Final = dt.timedelta(days=1)


def asked(since: dt.datetime, until: dt.datetime) -> dict[str, Any]:
    """Whole minutes of UTC. The texts are what `decision.entry` writes, whose order is that of time."""
    first, end = since.astimezone(dt.UTC), until.astimezone(dt.UTC)
    return {"since": first, "until": end, "since_text": first.isoformat(), "until_text": end.isoformat()}


def count_again(*, since: dt.datetime, until: dt.datetime) -> None:
    """The minutes in [since, until), and from them what is coarser. `since` must be within what is kept by the minute."""
    hours, days = hour_of(since), day_of(since)
    end = day_of(until) + _DAY
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, {"step": "minute", "since": since, "until": until})
        cursor.execute(_MINUTES, asked(since, until))
        for step, finer, start in (("hour", "minute", hours), ("day", "hour", days)):
            span: dict[str, Any] = {"step": step, "finer": finer, "since": start, "until": end}
            cursor.execute(_FORGET, span)
            cursor.execute(_COARSER, span)


def add_ended(*, since: dt.datetime, until: dt.datetime, now: dt.datetime) -> None:
    """Into a table that has nothing of this time yet."""
    with connection.cursor() as cursor:
        cursor.execute(_ALL_STEPS, {**asked(since, until), **kept_since(now)})
