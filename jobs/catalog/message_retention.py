"""What is old enough goes: in, `now`; out, ended messages in the history, without recipient, payload and text, and old rows deleted.

In batches that commit by themselves: an interrupted run leaves whole batches, and the next goes on. How long what is kept
is `NOTIFICATIONS["RETENTION"]` (notifications/retention.py).
"""

import datetime as dt
import time

from django.db import connection
from django.utils import timezone

from jobs.spec import JobResult, Progress
from notifications.conf import conf
from notifications.expire import expire
from notifications.move import move_ended
from notifications.retention import count_ended

NAME = "message_retention"
# Less than the time limit: what is left waits an hour.
BUDGET = dt.timedelta(minutes=20)


class RetentionBlocked(RuntimeError):  # noqa: N818
    """Copies are made, and the rows cannot go while transactions are open that began before."""


def run(*, now: dt.datetime, progress: Progress) -> JobResult:
    """Move and delete what is over at `now`; raises RetentionBlocked where others' transactions last for too long."""
    keep, until = conf().retention, time.monotonic() + BUDGET.total_seconds()
    if not connection.in_atomic_block:
        # What is deleted stays deleted: a slip in --at must not empty the tables. A dry run may look ahead.
        now = min(now, timezone.now())
    due = count_ended(keep, now=now)
    # First what waits for nobody: the move may wait for others as long as there is time.
    gone = expire(keep, now=now, until=until)
    moved = move_ended(keep, now=now, until=until, tell=lambda done: progress(done, max(due, done)))
    changed = {"messages moved": moved.messages, **gone}
    if moved.waiting:
        raise RetentionBlocked(
            f"{moved.messages} messages moved, and {moved.waiting} wait: {moved.blockers} transactions have been open "
            "since before they were copied. pg_stat_activity shows which; end them, and the next run goes on."
        )
    return JobResult(found={"messages to move": due}, changed=changed)
