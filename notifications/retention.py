"""What is old enough to go: in, a state and moments; out, ids of messages that ended before, a batch at a time.

Who takes the batch asks again: a message is what it was only as long as its `version` is.
"""

import datetime as dt
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

DAY = dt.timedelta(days=1)
SHORTEST = DAY
BEGINNING = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Retention:
    """How long what is kept, each after its own end. The job `message_retention` sees to it."""

    # From the end of a message to the loss of recipient, payload and text. Whoever wants to replay has so long.
    messages: dt.timedelta = 7 * DAY
    # Failed messages of which nobody knows whether they arrived: they wait for a person or for a late report.
    unknown: dt.timedelta = 30 * DAY
    # What the history remembers of a message, and with it that a key was used.
    history: dt.timedelta = 400 * DAY
    # A person's inbox is theirs to read again; half a year later it is only data.
    inbox: dt.timedelta = 180 * DAY
    # Reports of providers, with a keyed hash and a mask of the address.
    provider_events: dt.timedelta = 90 * DAY
    # What operators did, message by message, from its end: until then it can be looked up, and what still can be, undone.
    acts: dt.timedelta = 90 * DAY
    # From the end of a link's life, and of one that asks for confirmation: until then it says «too old» rather than «never
    # heard of».
    unsubscribe_links: dt.timedelta = 30 * DAY


def retention_problems(keep: object, caps: Mapping[str, object]) -> Iterator[str]:
    """What is wrong with NOTIFICATIONS["RETENTION"], and what to write."""
    if not isinstance(keep, Retention):
        yield f"is a {type(keep).__name__}: write notifications.retention.Retention(messages=timedelta(days=7))"
        return
    for name in Retention.__slots__:
        length = getattr(keep, name)
        if not isinstance(length, dt.timedelta) or length < SHORTEST:
            yield f"has {name}={length!r}: write a timedelta of at least a day"
            return
    if keep.unknown < keep.messages:
        yield "has an `unknown` shorter than `messages`: what nobody knows waits longer than what ended"
    longest = max((period for limits in caps.values() for period in _periods(limits)), default=dt.timedelta())
    if keep.history < max(keep.messages + DAY, longest):
        yield f"has history={keep.history}: the frequency caps look {longest.days} days back, so keep it at least as long"


def _periods(caps: object) -> list[dt.timedelta]:
    """Of the caps that are well written; `gate_checks` names the others."""
    pairs = caps if isinstance(caps, Sequence) else ()
    return [pair[1] for pair in pairs if isinstance(pair, tuple) and isinstance(pair[-1], dt.timedelta)]


@dataclass(frozen=True, slots=True)
class Ended:
    """A message that ended. `version` changes with every change of the row; `at` is where the walk stood."""

    id: uuid.UUID
    recipient_key: str
    version: str
    at: dt.datetime


# One walk a state, from the old end of an index that every write pays for already: notification_queue_status (status,
# scheduled_at), since nothing is sent or given up before it was due. What was due before the moment and finished after it, in
# a queue that stood still, is passed over by the conditions on it. Statuses stand as literals, as everywhere. GREATEST passes
# over NULL, and keeps the planner from an index by created_at alone, at whose old end lies what waits for months.
_WALK = """
SELECT id, recipient_key, xmin::text, scheduled_at FROM notification_queue
WHERE status = '{status}' AND scheduled_at >= %(after)s AND scheduled_at < %(moment)s
  AND GREATEST(created_at, last_attempt_at) < %(moment)s {too}
ORDER BY scheduled_at LIMIT %(limit)s
"""
_IS_KNOWN = """AND (last_attempt_at < %(unknown)s OR NOT metadata @> '{"outcome_unknown": true}')"""
# A message may be withheld months before it is due, so these are found by notification_queue_withheld (rule, created_at): its
# few rules one after the other, in no order (asked for one, the planner may sort them all). `after` stays where it was.
_STOPPED = """
WITH RECURSIVE rules AS (
    (SELECT metadata #> '{withheld,rule}' AS rule FROM notification_queue WHERE status = 'cancelled'
     ORDER BY metadata #> '{withheld,rule}' LIMIT 1)
    UNION ALL
    SELECT (SELECT metadata #> '{withheld,rule}' FROM notification_queue
            WHERE status = 'cancelled' AND metadata #> '{withheld,rule}' > rules.rule
            ORDER BY metadata #> '{withheld,rule}' LIMIT 1)
    FROM rules WHERE rules.rule IS NOT NULL
)
SELECT old.* FROM rules CROSS JOIN LATERAL (
    SELECT id, recipient_key, xmin::text, %(after)s::timestamptz FROM notification_queue
    WHERE status = 'cancelled' AND metadata #> '{withheld,rule}' = rules.rule AND created_at < %(moment)s
      AND (metadata -> 'withheld' ->> 'at')::timestamptz < %(moment)s
    LIMIT %(limit)s
) AS old LIMIT %(limit)s
"""
WALKS: Mapping[str, str] = {
    "sent": _WALK.format(status="sent", too=""),
    "failed": _WALK.format(status="failed", too=_IS_KNOWN),
    "cancelled": _STOPPED,
}
# As many as a run counts beforehand, of each state.
MOST = 10_000


def count_ended(keep: Retention, *, now: dt.datetime) -> int:
    """How many messages there are whose time is over at `now`; of each state not more than MOST are counted."""
    asked = _asked(keep, now, MOST, BEGINNING)
    counts = " + ".join(f"(SELECT count(*) FROM ({walk}) AS old)" for walk in WALKS.values())  # noqa: S608 (constants)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {counts}", asked)
        return int(cursor.fetchone()[0])


def ended(
    status: str, keep: Retention, *, now: dt.datetime, limit: int, after: dt.datetime = BEGINNING
) -> list[Ended]:
    """Up to `limit` messages in that state whose time is over at `now`, from `after` on."""
    asked = _asked(keep, now, limit, after)
    with connection.cursor() as cursor:
        cursor.execute(WALKS[status], asked)
        return [Ended(*row) for row in cursor.fetchall()]


def _asked(keep: Retention, now: dt.datetime, limit: int, after: dt.datetime) -> dict[str, Any]:
    return {"moment": now - keep.messages, "unknown": now - keep.unknown, "limit": limit, "after": after}
