"""Start a drain after a commit that enqueued: in, nothing; out, at most one waiting drain, however many commits.

The host of workers is a dotted path in `NOTIFICATIONS["KICK"]`; without one, the schedule's next minute drains.
"""

import datetime as dt
import logging

from django.db import DatabaseError, connection, transaction
from django.utils.module_loading import import_string

from notifications.conf import conf

logger = logging.getLogger(__name__)

# A drain that was asked for and did not begin within this time is asked for again.
PATIENCE = dt.timedelta(seconds=30)

ASK = """
INSERT INTO drain_signal (id, asked_at) VALUES (1, clock_timestamp())
ON CONFLICT (id) DO UPDATE SET asked_at = clock_timestamp()
WHERE drain_signal.asked_at IS NULL OR drain_signal.asked_at < clock_timestamp() - make_interval(secs => %s)
"""


def kick_on_commit() -> None:
    """Ask for a drain once the caller's transaction has committed; once a transaction, whatever it enqueued."""
    path = conf().kick
    if not path:
        return
    waiting = connection.run_on_commit
    if any(getattr(entry[1], "__name__", "") == _ask.__name__ for entry in waiting):
        return
    transaction.on_commit(_ask, robust=True)


def begin_drain() -> None:
    """A drain begins: what commits from now on may ask for another. Called before the first claim."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE drain_signal SET asked_at = NULL WHERE asked_at IS NOT NULL")


def _ask() -> None:
    """Never raises: the rows are committed, and the schedule picks them up a minute later at the latest."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(ASK, [PATIENCE.total_seconds()])
            first = cursor.rowcount == 1
        if first:
            import_string(conf().kick)()
    except (DatabaseError, OSError, ImportError) as error:
        logger.warning("drain.kick_failed error=%s", type(error).__name__)
