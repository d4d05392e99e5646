"""Take what is old out of the queue: in, the settings and a time budget; out, how many messages moved to the history.

Round by round: choose, copy, wait until nobody can miss the copies, remove. What a run leaves behind, or a crash, the
next one finds again: a message that is in both places is as good as one that is in the queue.
"""

import datetime as dt
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from django.db import connection

from notifications.archive import copy, remove
from notifications.retention import BEGINNING, WALKS, Ended, Retention, ended
from notifications.snapshots import wait_for_others

logger = logging.getLogger(__name__)

# Rows a transaction, so that nothing else waits for long; and a round, since each waits for others once.
BATCH, ROUND = 500, 5000


@dataclass(frozen=True, slots=True)
class Moved:
    """How many left the queue. `waiting` are copied, and cannot leave before so many older transactions have ended."""

    messages: int = 0
    waiting: int = 0
    blockers: int = 0


def move_ended(
    keep: Retention, *, now: dt.datetime, until: float, tell: Callable[[int], None] = lambda _done: None
) -> Moved:
    """Move every message whose time is over at `now`, until `until` (`time.monotonic()`).

    Inside a transaction (a dry run) it is one round a state, and nobody is waited for, since nothing will be committed.
    """
    done = copied = 0
    for status in WALKS:
        after = BEGINNING
        while rows := ended(status, keep, now=now, limit=ROUND, after=after):
            if time.monotonic() > until:
                return Moved(done)
            for batch in _batches(rows):
                copy(batch)
            if not connection.in_atomic_block and _has_doubled(copied, copied := copied + len(rows)):
                _tell_planner()
            if not connection.in_atomic_block and (blockers := wait_for_others(until=until)):
                logger.warning("retention.waits messages=%d transactions=%d", len(rows), blockers)
                return Moved(done, len(rows), blockers)
            gone = _remove(rows)
            done += gone
            tell(done)
            # What is in somebody's hands right now is passed over, and is there for the next run.
            if len(rows) < ROUND or not gone or connection.in_atomic_block:
                break
            after = rows[-1].at
    return Moved(done)


def _has_doubled(before: int, after: int) -> bool:
    return before.bit_length() < after.bit_length()


def _tell_planner() -> None:
    """A plan made while the history was empty reads all of it; workers keep their plans until statistics are new.
    A role that may not analyze is warned, and autovacuum does it within a minute."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE notification_history")


def _remove(rows: Sequence[Ended]) -> int:
    return sum(len(remove(batch)) for batch in _batches(rows))


def _batches(rows: Sequence[Ended]) -> Iterator[Sequence[Ended]]:
    return (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))
