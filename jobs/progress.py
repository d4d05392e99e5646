"""How far a long run is: in, what its job tells as often as it likes; out, one row that others can read, every few seconds.

On a connection of its own, since nobody sees what the run's transaction writes before it commits. A job that is done sooner
opens none. It never fails a run.
"""

import logging
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from jobs.ledger import Order
from jobs.spec import Progress

logger = logging.getLogger(__name__)

# Seconds between two writes, and before the first.
EVERY = 3.0
TELL = """
INSERT INTO job_progress (job_name, run_id, done, total, told_at) VALUES (%s, %s, %s, %s, now())
ON CONFLICT (job_name) DO UPDATE
SET run_id = EXCLUDED.run_id, done = EXCLUDED.done, total = EXCLUDED.total, told_at = EXCLUDED.told_at
"""


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
        except (DatabaseError, InterfaceError) as error:
            self._is_broken = True
            name = type(error).__name__
            logger.warning("job.progress_lost job=%s run=%s error=%s", order.job, order.id, name)
