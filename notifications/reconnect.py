"""Survive a lost database: in, a step of work that may be repeated; out, its answer, once the server is there again.

Repeated, because a lost connection does not tell whether the COMMIT was made: every step that comes here is fenced by a
lease token or by a unique key, so that doing it twice changes nothing more.
"""

import datetime as dt
import logging
import random
import time
from collections.abc import Callable
from typing import TypeVar

import psycopg.errors
from django.db import DatabaseError, InterfaceError, OperationalError, close_old_connections, connection

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

LOST = (
    # A server that was demoted in a failover answers, but takes no writes.
    psycopg.errors.ReadOnlySqlTransaction,
    # We stood still in a transaction, and the server ended it so that others can go on.
    psycopg.errors.IdleInTransactionSessionTimeout,
)
FIRST_WAIT, LONGEST_WAIT = 0.05, 2.0


def keep_trying(step: Callable[[], Answer], *, patience: dt.timedelta, rng: random.Random) -> Answer:
    """Do the step, over new connections if need be, for so long; then the database's own error is raised.

    Inside a transaction of the caller's nothing can be repeated, and the error is raised at once.
    """
    deadline = time.monotonic() + patience.total_seconds()
    wait = FIRST_WAIT
    while True:
        try:
            return step()
        except DatabaseError as error:
            if not is_lost(error) or connection.in_atomic_block or time.monotonic() >= deadline:
                raise
            logger.warning("database.lost error=%s", type(error.__cause__ or error).__name__)
        except InterfaceError:
            if connection.in_atomic_block or time.monotonic() >= deadline:
                raise
            logger.warning("database.lost error=InterfaceError")
        connection.close()
        # Jittered, so that all workers do not come back in the same moment.
        time.sleep(wait * rng.uniform(0.5, 1.0))
        wait = min(wait * 2, LONGEST_WAIT)


def is_lost(error: Exception) -> bool:
    """Is this the connection, the server or a rival transaction, rather than our statement?"""
    return isinstance(error.__cause__, LOST) or isinstance(error, OperationalError | InterfaceError)


def close_old() -> None:
    """Close a connection that is broken or past its age; one inside a caller's transaction is left alone."""
    if not connection.in_atomic_block:
        close_old_connections()
