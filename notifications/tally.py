"""Count in memory, write now and then: in, additions from any thread of this process; out, sums in `metric_counters`.

Workers answer no scrapes, and a web server has several processes, so that what each of them counted is added to one table,
which the scrape reads, whoever answers it. Nothing of it is on a message's path: a drain writes every few seconds and at its
end. A process that is killed loses what it had not written: of a drain, its last EVERY seconds.
"""

import logging
import os
import threading
import time
from collections import defaultdict
from collections.abc import Sequence

from django.db import DatabaseError, InterfaceError, connection

from consent.arrays import array

logger = logging.getLogger(__name__)

# Seconds between two writes of one process.
EVERY = 5.0

# In the order of their keys, in every process: so that two writes wait for each other, and never in a circle. The labels
# travel as the text of an array. Nobody waits for the disk: what a crash of the server takes is some seconds of counts.
WRITE = """
INSERT INTO metric_counters AS c (name, labels, value)
SELECT v.name, v.labels::text[], v.value
FROM unnest(%s::text[], %s::text[], %s::float8[]) WITH ORDINALITY AS v(name, labels, value, place),
     (SELECT set_config('synchronous_commit', 'off', true) OFFSET 0) AS relaxed
ORDER BY v.place
ON CONFLICT (name, labels) DO UPDATE SET value = c.value + EXCLUDED.value
"""
Key = tuple[str, tuple[str, ...]]

_lock = threading.Lock()
_counts: defaultdict[Key, float] = defaultdict(float)
_written_at = 0.0


def add(name: str, labels: Sequence[str], value: float) -> None:
    """Count, in memory."""
    with _lock:
        _counts[name, tuple(labels)] += value


def write_soon() -> None:
    """Write, unless this process did a moment ago. Never raises."""
    if _counts and time.monotonic() - _written_at >= EVERY:
        write()


def write() -> None:
    """Add what was counted to the table, by one statement of its own. Never raises: a failed write is tried again with the next.

    Not within a caller's transaction, which would keep the rows from all others until it ends; the next one does it. If the
    connection is lost in the moment of the commit, a few seconds may be counted twice.
    """
    global _written_at
    if connection.in_atomic_block:
        return
    with _lock:
        taken = dict(_counts)
        _counts.clear()
        _written_at = time.monotonic()
    if not taken:
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute(WRITE, _columns(taken))
    except (DatabaseError, InterfaceError) as error:
        logger.warning("metrics.not_written series=%d error=%s", len(taken), type(error).__name__)
        for (name, labels), value in taken.items():
            add(name, labels, value)


def _columns(taken: dict[Key, float]) -> list[str]:
    keys = sorted(taken)
    return [
        array(name for name, _ in keys),
        array(array(labels) for _, labels in keys),
        array(repr(taken[key]) for key in keys),
    ]


def _forget() -> None:
    """A forked child begins with nothing: what its parent counted is the parent's to write."""
    global _lock
    _lock = threading.Lock()  # another thread of the parent may have held it
    _counts.clear()


os.register_at_fork(after_in_child=_forget)
