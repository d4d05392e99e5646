"""Leave when asked: in, signals; out, an answer to «should I stop?».

The first SIGTERM (or Ctrl-C) finishes what is in flight and leaves; the second stops now, and what was in flight has an
unknown outcome, which the next sweep settles by policy.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def leaving_politely() -> Iterator[Callable[[], bool]]:
    """Within, a first signal makes the answer True, and a second one raises SystemExit. Outside of a process's main
    thread, where Python lets nobody handle signals, the answer stays False."""
    asked = 0

    def heed(number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        asked += 1
        if asked > 1:
            raise SystemExit(128 + number)

    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            # Ignored on purpose (a worker of a cluster, whose main process alone hears Ctrl-C): leave it so.
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, heed)
    try:
        yield lambda: asked > 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
