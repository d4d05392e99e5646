"""The guardian of one supervised command: in, the command; out, its exit code, and no process left of its whole tree.

Its stdin is a lifeline: the supervisor holds the other end, and the kernel closes it when the supervisor dies, even by
kill -9. A first SIGTERM is passed on to the command, a second one kills. What the command's main process leaves behind
(the workers of gunicorn or qcluster, when it was killed) becomes the guardian's own child, and is killed too.

If the guardian itself is killed with -9, the kernel kills the command's main process, and the supervisor whatever is
left of the session. Only killing guardian and supervisor at the same moment can leave a worker's process behind.
On macOS, where nobody can adopt orphans, the command's process group is killed instead.
"""

import math
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from config.parent_death import adopt_orphans, die_with_parent

ABANDONED_GRACE: Final = 2.0  # seconds that a command gets whose supervisor is gone


def guard(argv: list[str], *, grace: float, lifeline: int) -> int:
    """Run the command until it ends, is told to and ends within `grace` seconds, or the lifeline closes."""
    adopts = adopt_orphans()
    wake = _wake_on_signals()
    command = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        process_group=0,
        preexec_fn=partial(die_with_parent, signal.SIGKILL),  # safe: this process has one thread
    )
    kill_at = math.inf
    while (status := _reap(command.pid)) is None and time.monotonic() < kill_at:
        timeout = None if kill_at == math.inf else max(0.0, kill_at - time.monotonic())
        ready, _, _ = select.select([wake] if lifeline < 0 else [wake, lifeline], [], [], timeout)
        told = wake in ready and signal.SIGTERM in os.read(wake, 512)
        abandoned = lifeline in ready
        if told:
            kill_at = time.monotonic() + (grace if kill_at == math.inf else 0.0)
        if abandoned:
            kill_at = min(kill_at, time.monotonic() + ABANDONED_GRACE)
            lifeline = -1
        if told or abandoned:
            os.kill(command.pid, signal.SIGTERM)
    if not adopts:
        with suppress(ProcessLookupError):
            os.killpg(command.pid, signal.SIGKILL)
    _kill_children()
    if status is None:
        return 128 + signal.SIGKILL
    return status if status >= 0 else 128 - status


def processes() -> Iterator[tuple[int, int, int]]:
    """Pid, parent's pid and session of every living process; nothing where there is no /proc."""
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has just ended
            fields = entry.read_text(errors="replace").rpartition(")")[2].split()
            if fields[0] != "Z":
                yield int(entry.parent.name), int(fields[1]), int(fields[3])


def _wake_on_signals() -> int:
    """A file descriptor on which SIGTERM and SIGCHLD can be read as bytes."""
    wake, write_end = os.pipe()
    os.set_blocking(write_end, False)
    signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, lambda _signal, _frame: None)
    return wake


def _reap(command: int) -> int | None:
    """Bury whoever has ended, adopted orphans too; answer the command's exit code if it is among them."""
    exit_code = None
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0] != 0:
            if ended[0] == command:
                exit_code = os.waitstatus_to_exitcode(ended[1])
    return exit_code


def _kill_children() -> None:
    """Each pass kills our children; theirs become ours, for the next pass. Ends when none is left."""
    with suppress(ChildProcessError):
        while True:
            for pid, parent, _session in processes():
                if parent == os.getpid():
                    with suppress(ProcessLookupError, PermissionError):
                        os.kill(pid, signal.SIGKILL)
            os.waitpid(-1, 0)


if __name__ == "__main__":
    sys.exit(guard(sys.argv[2:], grace=float(sys.argv[1]), lifeline=sys.stdin.fileno()))
