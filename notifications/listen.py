"""Sleep until something is due: in, seconds; out, at once when a commit has enqueued something.

A resident drain says in `drain_watch` that it is alive, and, before it sleeps, until when it listens; `kick.py` reads
both. Behind a pooler that cannot LISTEN, or when a word is lost, the sleep ends by itself, and the queue is looked at.
"""

import time
from contextlib import suppress
from typing import Any

from django.db import DatabaseError, InterfaceError, connection

from notifications.kick import DUE

# How long a drain counts as alive after its last word. A killed one is missed after this time.
ALIVE = 3.0
EVERY = 1.0
# An INSERT that saw us awake, and committed after we had looked, wakes nobody: so long it may take to commit.
SETTLE = 0.05

SAY = """
INSERT INTO drain_watch AS w (id, alive_until, listening_until)
VALUES (1, clock_timestamp() + make_interval(secs => %s), clock_timestamp() + make_interval(secs => %s))
ON CONFLICT (id) DO UPDATE SET alive_until = GREATEST(w.alive_until, EXCLUDED.alive_until),
    listening_until = GREATEST(w.listening_until, EXCLUDED.listening_until)
"""
# Others that are alive say so again within a second. Whether somebody listens is theirs to say: taken back here, a commit
# would pass by one who sleeps.
LEAVE = "UPDATE drain_watch SET alive_until = clock_timestamp()"


class Watch:
    """One resident drain's watch over the queue."""

    def __init__(self) -> None:
        self._said = 0.0
        self._heard_until = 0.0
        self._listens_on: object | None = None

    def others(self) -> bool:
        """Is some drain alive, before we say that we are?"""
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM drain_watch WHERE alive_until > clock_timestamp()")
            return cursor.fetchone() is not None

    def beat(self) -> None:
        """Say that we are alive, once a second at most."""
        if time.monotonic() - self._said >= EVERY:
            self._say(0.0)

    def prepare(self, seconds: float) -> bool:
        """From now on, commits wake us. What was committed before must be looked for before `sleep`. Answers whether nobody
        may have known until now that we listen: then the first sleep should be SETTLE."""
        was_known = time.monotonic() < self._heard_until
        raw = connection.connection
        if raw is None or raw is not self._listens_on:
            with connection.cursor() as cursor:
                cursor.execute(f"LISTEN {DUE}")
            self._listens_on = connection.connection
            self._heard_until = 0.0
        if time.monotonic() + seconds > self._heard_until:
            # Longer than this one sleep, so that a busy row of short ones writes once a second.
            self._say(seconds + EVERY)
            self._heard_until = time.monotonic() + seconds + EVERY
        return not was_known

    def sleep(self, seconds: float) -> None:
        """Until a commit wakes us, or the time is up."""
        if connection.connection is None or connection.connection is not self._listens_on:
            return  # the connection was lost: `prepare` makes the next one listen
        raw: Any = connection.connection
        with connection.wrap_database_errors:
            for _ in raw.notifies(timeout=seconds, stop_after=1):
                return

    def leave(self) -> None:
        """Commits from now on ask for another drain. The database may be gone: then so is our word."""
        with suppress(DatabaseError, InterfaceError), connection.cursor() as cursor:
            cursor.execute(LEAVE)
            if self._listens_on is connection.connection:
                cursor.execute(f"UNLISTEN {DUE}")

    def _say(self, listening: float) -> None:
        with connection.cursor() as cursor:
            cursor.execute(SAY, [ALIVE + listening, listening])
        self._said = time.monotonic()
