"""Two at once for tests: in, something to do; out, a thread that does it on a connection of its own."""

import threading
import time
from collections.abc import Callable
from typing import Any

from django.db import connection

from tests.waiting import awaited


class Rival(threading.Thread):
    """Does something on a connection of its own and keeps the answer."""

    def __init__(self, act: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self.act = act
        self.answer: Any = "no answer"
        self.start()

    def run(self) -> None:
        try:
            self.answer = self.act()
        finally:
            connection.close()

    def waits_for_a_lock(self) -> bool:
        """True once PostgreSQL says that somebody waits in this database; False when the thread finished without waiting."""
        deadline = time.monotonic() + 10
        while self.is_alive() and time.monotonic() < deadline:
            if awaited():
                return True
            time.sleep(0.01)
        return False
