"""A supervisor for the demo's processes: in, commands; out, each one's log, and not one process left when it ends.

Each command runs under a guardian (guardian.py), which ends its whole tree when told to, and when the supervisor dies.
Call `embedded_postgres.ensure()` before: a keeper started by a supervised process would be ended with that process.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Final, Self

from config.guardian import processes

_PROJECT_DIR: Final = Path(__file__).resolve().parent.parent
_KILL_MARGIN: Final = 5.0  # seconds beyond the grace, after which the guardian itself counts as stuck


class SupervisorError(RuntimeError):
    """A process ended by itself, or was not ready in time; the message names it and shows the end of its log."""


@dataclass(frozen=True)
class _Supervised:
    name: str
    guardian: "subprocess.Popen[bytes]"
    log: Path


class Supervisor:
    """Use as a context manager: leaving it stops everything, the last started first.

    While it is open, SIGTERM and SIGHUP raise KeyboardInterrupt, as Ctrl-C does; while it stops, a further signal
    makes it kill at once. `follow_parent` has it stop too when its parent is gone (make, killed with -9).
    """

    def __init__(self, log_dir: Path, *, grace: float = 10.0, follow_parent: bool = False) -> None:
        self._log_dir = log_dir
        self._grace = grace
        self._parent = os.getppid() if follow_parent else None
        self._supervised: list[_Supervised] = []
        self._handlers: dict[signal.Signals, signal._HANDLER] = {}
        self._is_stopping = self._is_hurried = False

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
                continue  # nohup
            self._handlers[number] = signal.signal(number, self._interrupt)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def start(self, name: str, argv: list[str], env: dict[str, str] | None = None) -> None:
        """Start a command in the project's directory; `env` adds to our environment. Its output is in NAME.log."""
        self._log_dir.mkdir(parents=True, exist_ok=True)
        log = self._log_dir / f"{name}.log"
        with log.open("wb") as output:
            guardian = subprocess.Popen(
                [sys.executable, "-m", "config.guardian", str(self._grace), *argv],
                cwd=_PROJECT_DIR,
                env=os.environ | {"PYTHONUNBUFFERED": "1"} | (env or {}),
                stdin=subprocess.PIPE,  # the lifeline
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C in the terminal is for us alone; and we can find what is left
            )
        self._supervised.append(_Supervised(name, guardian, log))

    def wait_until(self, name: str, check: Callable[[], bool], timeout: float) -> None:
        """Return when `check` says that the process is ready; raise if it takes longer, or if any process ends."""
        deadline = time.monotonic() + timeout
        while not check():
            self._raise_if_ended()
            if time.monotonic() > deadline:
                process = next(process for process in self._supervised if process.name == name)
                raise SupervisorError(
                    f"{name} was not ready within {timeout:.0f} s. {_end_of_log(process.log)}"
                )
            time.sleep(0.05)

    def run_until_interrupted(self) -> None:
        """Return on Ctrl-C, SIGTERM or SIGHUP; raise if a process ends by itself."""
        with suppress(KeyboardInterrupt):
            while True:
                self._raise_if_ended()
                time.sleep(0.2)

    def stop(self) -> None:
        self._is_stopping = True
        while self._supervised:
            self._end(self._supervised[-1].guardian)
            self._supervised.pop()
        self._is_stopping = False

    def _end(self, guardian: "subprocess.Popen[bytes]") -> None:
        """The guardian sees to the grace and to the tree; we only make sure of the guardian."""
        guardian.terminate()
        deadline = time.monotonic() + self._grace + _KILL_MARGIN
        while guardian.poll() is None and time.monotonic() < deadline:
            if self._is_hurried:
                guardian.terminate()
            time.sleep(0.02)
        guardian.kill()
        guardian.wait()
        _kill_session(guardian.pid)
        assert guardian.stdin is not None
        guardian.stdin.close()

    def _raise_if_ended(self) -> None:
        if self._parent is not None and os.getppid() != self._parent:
            raise KeyboardInterrupt
        for process in self._supervised:
            code = process.guardian.poll()
            if code is not None:
                raise SupervisorError(
                    f"{process.name} ended by itself, with exit code {code}. {_end_of_log(process.log)}"
                )

    def _interrupt(self, _signal: int, _frame: FrameType | None) -> None:
        if not self._is_stopping:
            raise KeyboardInterrupt
        self._is_hurried = True


def _kill_session(session: int) -> None:
    """End what a guardian left that was itself killed."""
    deadline = time.monotonic() + _KILL_MARGIN
    while left := [pid for pid, _parent, found in processes() if found == session]:
        for pid in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)


def _end_of_log(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()[-15:]
    return "\n".join([f"The end of its log, {log}:", *(f"  {line}" for line in lines)])
