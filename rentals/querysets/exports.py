"""How much was exported, and how much is usual: in, the words of the events and a window; out, rows by actor and hour."""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import fields

from django.db import connection

from rentals.anomalies.exports import HourOfExports, Usual
from rentals.anomalies.finding import KEPT

# `metadata.rows` counts where it is a number; a nonsense of a thousand digits counts as very many.
_ROWS = "least((metadata ->> 'rows')::numeric, 1e12)"
_EXPORTS = "actor_id <> '' AND jsonb_typeof(metadata -> 'rows') = 'number'"
_FIELDS = [field.name for field in fields(HourOfExports)]  # in the order of the columns below
_HOURS = f"""
SELECT actor_id, date_trunc('hour', occurred_at, 'UTC') AS hour, sum({_ROWS}), count(*), min(occurred_at), max(occurred_at),
       (array_agg(id ORDER BY occurred_at, id))[1:%s]
FROM audit_events
WHERE occurred_at >= %s AND occurred_at <= %s AND event_type = ANY(%s) AND {_EXPORTS}
GROUP BY actor_id, hour HAVING sum({_ROWS}) >= %s ORDER BY hour, actor_id
"""  # noqa: S608 (constants)
_USUAL = f"""
SELECT actor_id, count(*), percentile_disc(0.5) WITHIN GROUP (ORDER BY exported)
FROM (
    SELECT actor_id, sum({_ROWS}) AS exported FROM audit_events
    WHERE actor_id = ANY(%s) AND event_type = ANY(%s) AND occurred_at >= %s AND occurred_at < %s AND {_EXPORTS}
    GROUP BY actor_id, date_trunc('hour', occurred_at, 'UTC')
) AS hours GROUP BY actor_id
"""  # noqa: S608 (constants)


def export_hours(
    types: Collection[str], *, since: dt.datetime, now: dt.datetime, least: int
) -> list[HourOfExports]:
    """What each actor exported hour by hour of UTC, from `since` (the beginning of an hour) to `now`, where it was `least` rows."""
    with connection.cursor() as cursor:
        cursor.execute(_HOURS, [KEPT, since, now, sorted(types), least])
        return [HourOfExports(**dict(zip(_FIELDS, row, strict=True))) for row in cursor.fetchall()]


def usual_exports(
    actors: Collection[str], types: Collection[str], *, since: dt.datetime, until: dt.datetime
) -> Mapping[str, Usual]:
    """The median of each actor's hours with exports in that time; nothing for those who have none. One statement."""
    if not actors:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_USUAL, [sorted(actors), sorted(types), since, until])
        return {actor: Usual(hours, median) for actor, hours, median in cursor.fetchall()}
