"""Delete what nobody needs any more: in, the settings and a moment; out, how many rows went, by what they were.

A batch a statement, each through an index from its old end: what is not due costs nothing. The batch is an ARRAY, since the
planner may join a set with the whole table.
"""

import datetime as dt
import time
from collections.abc import Callable, Mapping

from django.db import connection

from consent.double_opt_in import delete_expired_requests
from consent.tokens import delete_expired
from notifications.retention import Retention

BATCH = 1000

# api_requests_expiry. A caller that is being answered has a key that has not expired.
ANSWERS = """
DELETE FROM api_requests WHERE digest = ANY(ARRAY(
    SELECT digest FROM api_requests WHERE expires_at < %s ORDER BY expires_at LIMIT %s FOR UPDATE SKIP LOCKED))
"""
# notifications_created
INBOX = """
DELETE FROM notifications WHERE id = ANY(ARRAY(
    SELECT id FROM notifications WHERE created_at < %s ORDER BY created_at LIMIT %s FOR UPDATE SKIP LOCKED))
"""
# The primary key: ids grow with the moment of arrival, so the oldest page tells whether there is anything to do.
EVENTS = """
DELETE FROM provider_events WHERE received_at < %s AND id = ANY(ARRAY(
    SELECT id FROM provider_events ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED))
"""
# bulk_acts_finished, then the key of the rows, act by act: a set of acts might be joined with the whole table.
ACT_ROWS = f"""
DELETE FROM bulk_act_rows WHERE ctid = ANY(ARRAY(
    SELECT r.ctid FROM (SELECT id FROM bulk_acts WHERE finished_at < %s ORDER BY finished_at OFFSET 0) AS a
    CROSS JOIN LATERAL (SELECT ctid FROM bulk_act_rows WHERE act_id = a.id ORDER BY notification_id LIMIT {BATCH}) AS r LIMIT %s))
"""  # noqa: S608 (constant)
ACTS = """
DELETE FROM bulk_acts WHERE id = ANY(ARRAY(
    SELECT a.id FROM bulk_acts AS a WHERE a.finished_at < %s
    AND NOT EXISTS (SELECT 1 FROM bulk_act_rows AS r WHERE r.act_id = a.id)
    ORDER BY a.finished_at LIMIT %s FOR UPDATE SKIP LOCKED))
"""
# notification_history_finished. With a row goes the memory that its key was used.
HISTORY = """
DELETE FROM notification_history WHERE id = ANY(ARRAY(
    SELECT id FROM notification_history WHERE finished_at < %s ORDER BY finished_at, id LIMIT %s
    FOR UPDATE SKIP LOCKED))
"""

Clear = Callable[[dt.datetime, int], int]


def expire(
    keep: Retention, *, now: dt.datetime, until: float, tell: Callable[[int], None] = lambda _done: None
) -> Mapping[str, int]:
    """Delete all that is over at `now`, until `until` (`time.monotonic()`). In a transaction (a dry run): a batch of each."""
    heaps: Mapping[str, tuple[Clear, dt.datetime]] = {
        "API answers deleted": (_by(ANSWERS), now),
        "inbox items deleted": (_by(INBOX), now - keep.inbox),
        "provider events deleted": (_by(EVENTS), now - keep.provider_events),
        "unsubscribe links deleted": (delete_expired, now - keep.unsubscribe_links),
        "confirmation links deleted": (delete_expired_requests, now - keep.unsubscribe_links),
        "messages of acts deleted": (_by(ACT_ROWS), now - keep.acts),
        "acts deleted": (_by(ACTS), now - keep.acts),
        "past messages forgotten": (_by(HISTORY), now - keep.history),
    }
    counts = dict.fromkeys(heaps, 0)
    for name, (clear, before) in heaps.items():
        while time.monotonic() < until and (count := clear(before, BATCH)):
            counts[name] += count
            tell(sum(counts.values()))
            if count < BATCH or connection.in_atomic_block:
                break
    return counts


def _by(sql: str) -> Clear:
    def clear(before: dt.datetime, limit: int) -> int:
        with connection.cursor() as cursor:
            cursor.execute(sql, [before, limit])
            return int(cursor.rowcount)

    return clear
