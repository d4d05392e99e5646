"""Races on purpose: in, a call that must wait for a lock; out, its thread, once PostgreSQL says that it waits."""

import threading
import time
from collections.abc import Callable
from typing import Any

from django.db import connection


def start_and_wait_until_blocked(call: Callable[[], Any]) -> threading.Thread:
    """Run `call` in a thread, on a connection of its own, until it waits for a lock that somebody else holds."""

    def run() -> None:
        try:
            call()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    with connection.cursor() as cursor:
        for _ in range(2000):
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
            if cursor.fetchone()[0]:
                return thread
            cursor.execute("SELECT pg_sleep(0.005)")
    raise AssertionError("nobody waits for a lock")


def awaited() -> set[int]:
    """The numbers of the advisory locks that somebody waits for in this database: the server has those of other tests, too."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT objid FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database"
            " WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted"
        )
        return {objid for (objid,) in cursor.fetchall()}


def eventually(
    holds: Callable[[], bool], *, seconds: float = 20.0, meanwhile: Callable[[], object] = lambda: None
) -> None:
    """Return once it holds; what another thread or process does takes its time."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come true in time"
        meanwhile()
        time.sleep(0.01)
