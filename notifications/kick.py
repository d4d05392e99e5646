"""Let a drain know after a commit that enqueued: in, nothing; out, a drain that sleeps is woken, or one is started.

One statement after the commit, and nothing in the caller's transaction: a NOTIFY there would make all commits queue up
behind one lock. A worker that is busy, or looks in a moment anyway, is left alone. Where no drain is alive, the host of
workers is asked for one, by the dotted path in `NOTIFICATIONS["KICK"]`; without that the next scheduled one comes.
"""

import datetime as dt
import logging

from django.db import DatabaseError, InterfaceError, connection, transaction
from django.utils.module_loading import import_string

from consent.prepared import prepared_cursor
from notifications.conf import conf

logger = logging.getLogger(__name__)

# What sleeping drains LISTEN to.
DUE = "postroom_due"
# A drain that was asked for and did not begin within this time is asked for again.
PATIENCE = dt.timedelta(seconds=30)

KNOCK = f"""
SELECT alive_until > clock_timestamp(),
       CASE WHEN listening_until > clock_timestamp() THEN pg_notify('{DUE}', '') END
FROM drain_watch
"""  # noqa: S608 (constant)
# A drain lives and does not sleep: it looks by itself, and need not be woken.
IS_AWAKE = """EXISTS (
    SELECT 1 FROM drain_watch WHERE alive_until > clock_timestamp() AND listening_until <= clock_timestamp())"""
ASK = """
INSERT INTO drain_signal (id, asked_at) VALUES (1, clock_timestamp())
ON CONFLICT (id) DO UPDATE SET asked_at = clock_timestamp()
WHERE drain_signal.asked_at IS NULL OR drain_signal.asked_at < clock_timestamp() - make_interval(secs => %s)
"""


def kick_on_commit(*, is_awake: bool = False) -> None:
    """Let a drain know once the caller's transaction has committed; once a transaction, whatever it enqueued.

    `is_awake`: by the statement that enqueued, some drain was (IS_AWAKE). If that has committed by itself, nobody need be
    told; a drain that fell asleep in between looks once more (`listen.SETTLE`).
    """
    if is_awake and not connection.in_atomic_block:
        return
    waiting = connection.run_on_commit
    if any(getattr(entry[1], "__name__", "") == knock.__name__ for entry in waiting):
        return
    transaction.on_commit(knock, robust=True)


def knock() -> None:
    """Wake a drain, or ask for one. Never raises: the rows are committed, and the schedule finds them."""
    try:
        with prepared_cursor() as cursor:
            cursor.execute(KNOCK)
            found = cursor.fetchone()
        if not (found and found[0]):
            ask_for_a_drain()
    except (DatabaseError, InterfaceError) as error:
        logger.warning("drain.kick_failed error=%s", type(error).__name__)


def ask_for_a_drain() -> None:
    """Have the host start a drain, unless one has been asked for and not begun. Never raises."""
    path = conf().kick
    if not path:
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute(ASK, [PATIENCE.total_seconds()])
            first = cursor.rowcount == 1
        if first:
            import_string(path)()
    except (DatabaseError, InterfaceError, OSError, ImportError) as error:
        logger.warning("drain.kick_failed error=%s", type(error).__name__)


def begin_drain() -> None:
    """A drain begins: what commits from now on may ask for another. Called before the first claim."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE drain_signal SET asked_at = NULL WHERE asked_at IS NOT NULL")
