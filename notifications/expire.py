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
