"""How far a long run is: in, what its job tells as often as it likes; out, one row that others can read, every few seconds.

On a connection of its own, since nobody sees what the run's transaction writes before it commits. A job that is done sooner
opens none. It never fails a run, unless a person asks it there to stop.
"""

import logging
import time
import uuid
from contextlib import suppress
from types import TracebackType
from typing import Self

from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from jobs.ledger import Order
from jobs.spec import Progress

logger = logging.getLogger(__name__)

# Seconds between two writes, and before the first.
EVERY = 3.0
TELL = """
INSERT INTO job_progress (job_name, run_id, done, total, told_at) VALUES (%s, %s, %s, %s, now())
ON CONFLICT (job_name) DO UPDATE
SET run_id = EXCLUDED.run_id, done = EXCLUDED.done, total = EXCLUDED.total, told_at = EXCLUDED.told_at,
    stop_by = CASE WHEN job_progress.run_id = EXCLUDED.run_id THEN job_progress.stop_by ELSE '' END,
    stop_reason = CASE WHEN job_progress.run_id = EXCLUDED.run_id THEN job_progress.stop_reason ELSE '' END
RETURNING stop_by, stop_reason
"""
# Only of a run that runs, and once: the second who asks is told so.
ASK_TO_STOP = """
INSERT INTO job_progress AS known (job_name, run_id, done, total, told_at, stop_by, stop_reason)
SELECT job_name, id, 0, 0, now(), %s, %s FROM job_runs WHERE id = %s AND status = 'running'
ON CONFLICT (job_name) DO UPDATE
SET run_id = EXCLUDED.run_id, told_at = EXCLUDED.told_at, stop_by = EXCLUDED.stop_by, stop_reason = EXCLUDED.stop_reason,
    done = CASE WHEN known.run_id = EXCLUDED.run_id THEN known.done ELSE 0 END,
    total = CASE WHEN known.run_id = EXCLUDED.run_id THEN known.total ELSE 0 END
WHERE known.run_id <> EXCLUDED.run_id OR known.stop_by = ''
"""


class Stopped(Exception):  # noqa: N818
    """A person asked the run to stop."""


def ask_to_stop(run_id: uuid.UUID, *, by: str, reason: str) -> bool:
    """The run ends, as failed, at the next step that it tells of. False if it does not run any more, or was asked before."""
    with connection.cursor() as cursor:
        cursor.execute(ASK_TO_STOP, [by, reason, run_id])
        asked = bool(cursor.rowcount)
    if asked:
        logger.warning("job.stop_asked run=%s by=%s reason=%s", run_id, by, reason)
    return asked


class StoredProgress:
    """The Progress of a run that others watch; what the job tells goes on to `onward` too."""

    def __init__(self, order: Order, onward: Progress) -> None:
        self._order, self._onward = order, onward
        self._told = time.monotonic()
        self._connection: BaseDatabaseWrapper | None = None
        self._is_broken = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            with suppress(DatabaseError, InterfaceError):
                self._connection.close()

    def __call__(self, done: int, total: int) -> None:
        self._onward(done, total)
        if time.monotonic() - self._told >= EVERY and not self._is_broken:
            self._store(done, total)
            self._told = time.monotonic()

    def _store(self, done: int, total: int) -> None:
        order = self._order
        logger.info("job.progress job=%s run=%s done=%d total=%d", order.job, order.id, done, total)
        try:
            if self._connection is None:
                self._connection = connections.create_connection(DEFAULT_DB_ALIAS)
            with self._connection.cursor() as cursor:
                cursor.execute(TELL, [order.job, order.id, done, total])
                by, reason = cursor.fetchone()
        except (DatabaseError, InterfaceError) as error:
            self._is_broken = True
            name = type(error).__name__
            logger.warning("job.progress_lost job=%s run=%s error=%s", order.job, order.id, name)
            return
        if by:
            raise Stopped(f"{order.job} was stopped by {by}: {reason}")
