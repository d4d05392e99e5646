"""Who may still see the world as it was: in, nothing; out, the transactions that run in this database now.

Any of them, also one that has only read, or sits in REPEATABLE READ with a snapshot of an hour ago, holds a lock on its
own number, and `pg_locks` shows those to every role. https://www.postgresql.org/docs/18/view-pg-locks.html
"""

import time

from django.db import connection

# Autovacuum (no user) inserts nothing, and may take hours.
RUNNING = """
SELECT l.virtualxid FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
WHERE l.locktype = 'virtualxid' AND l.granted AND l.mode = 'ExclusiveLock' AND l.pid <> pg_backend_pid()
  AND a.usesysid IS NOT NULL AND a.datid = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
FIRST, LONGEST = 0.01, 0.5  # seconds between two looks


def running() -> set[str]:
    """The transactions of others that have not ended."""
    with connection.cursor() as cursor:
        cursor.execute(RUNNING)
        return {row[0] for row in cursor.fetchall()}


def wait_for_others(*, until: float) -> int:
    """Wait for the end of every transaction that runs now. Gives up at `until` (`time.monotonic()`); answers how many
    were left, so 0 is success: then all that is committed now is seen by all who look from now on."""
    left, pause = running(), FIRST
    while left and (room := until - time.monotonic()) > 0:
        time.sleep(min(pause, room))
        pause = min(2 * pause, LONGEST)
        left &= running()
    return len(left)
