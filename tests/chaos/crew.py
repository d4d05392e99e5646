"""The workers of the soak: in, where to work; out, processes that are started again whenever one ends, and their journals."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Seconds that the workers get to begin, and to leave politely.
BEGIN = 60.0
LEAVE = 20.0


@dataclass(frozen=True, slots=True)
class Span:
    """From just before its dispatch until its record, a call of this message may have been made; `end` None: for ever."""

    id: uuid.UUID
    start: float
    end: float | None


@dataclass(slots=True)
class Life:
    """One process of a worker. `end` tells how it went: killed, told (SIGTERM), or by itself."""

    journal: Path
    process: "subprocess.Popen[bytes]"
    is_frozen: bool = False
    is_told: bool = False
    is_killed: bool = False

    def is_ready(self) -> bool:
        """Does it work, rather than start or be no more?"""
        return self.journal.exists() and self.process.poll() is None

    def spans(self) -> Iterator[Span]:
        begun: dict[uuid.UUID, float] = {}
        for moment, mark, name in self._lines():
            if mark == "+":
                begun.setdefault(uuid.UUID(name), moment)
            elif mark == "-" and (start := begun.pop(uuid.UUID(name), None)) is not None:
                yield Span(uuid.UUID(name), start, moment)
        yield from (Span(one, start, None) for one, start in begun.items())

    def stalls(self) -> Iterator[tuple[float, float]]:
        """When it stood still, for whatever reason."""
        for moment, mark, since in self._lines():
            if mark == "!":
                yield float(since), moment

    def _lines(self) -> Iterator[tuple[float, str, str]]:
        text = self.journal.read_text() if self.journal.exists() else ""
        for line in text.splitlines():
            moment, mark, rest = line.split(" ")
            yield float(moment), mark, rest


@dataclass(slots=True)
class Worker:
    """A place in the crew: one process at a time."""

    number: int
    lives: list[Life] = field(default_factory=list)

    @property
    def name(self) -> str:
        """As its connections call themselves."""
        return f"chaos-worker-{self.number}"

    @property
    def life(self) -> Life:
        return self.lives[-1]


class Crew:
    """All workers. Methods are for the one thread that made it: the kernel kills the processes when that ends."""

    def __init__(self, count: int, *, directory: Path, environment: Mapping[str, str]) -> None:
        self._directory, self._environment = directory, environment
        self.log = directory / "workers.log"
        self.fell = 0  # ended by themselves, with an error
        self.workers = [Worker(number) for number in range(1, count + 1)]
        for worker in self.workers:
            self._start(worker)

    def tend(self) -> None:
        """Start those that ended again, as a host of workers does."""
        for worker in self.workers:
            status = worker.life.process.poll()
            if status is not None:
                self.fell += bool(status and not worker.life.is_killed)
                self._start(worker)

    def wait(self) -> None:
        """Until each has begun."""
        deadline = time.monotonic() + BEGIN
        while not all(worker.life.is_ready() for worker in self.workers):
            if time.monotonic() > deadline:
                raise RuntimeError(f"The workers do not start:\n{self.log.read_text()[-2000:]}")
            self.tend()
            time.sleep(0.02)

    def lives(self) -> list[Life]:
        """All, past and present."""
        return [life for worker in self.workers for life in worker.lives]

    def kill(self, worker: Worker) -> None:
        worker.life.is_killed = True
        worker.life.process.kill()
        worker.life.process.wait()

    def freeze(self, worker: Worker) -> None:
        worker.life.is_frozen = True
        worker.life.process.send_signal(signal.SIGSTOP)

    def thaw(self, worker: Worker) -> None:
        worker.life.is_frozen = False
        worker.life.process.send_signal(signal.SIGCONT)

    def tell(self, worker: Worker) -> None:
        worker.life.is_told = True
        worker.life.process.send_signal(signal.SIGTERM)

    def leave(self) -> list[int]:
        """Tell all to leave; answers how they did. 0 is politely.

        One that was told already is on its way: a second word would cut it off.
        """
        self.wait()
        for worker in self.workers:
            if not worker.life.is_told:
                self.tell(worker)
        deadline = time.monotonic() + LEAVE
        for worker in self.workers:
            with suppress(subprocess.TimeoutExpired):
                worker.life.process.wait(max(deadline - time.monotonic(), 0.1))
        answers = [worker.life.process.poll() for worker in self.workers]
        self.end()
        return [-signal.SIGKILL if answer is None else answer for answer in answers]

    def end(self) -> None:
        for worker in self.workers:
            if worker.life.process.poll() is None:
                worker.life.process.kill()
                worker.life.process.wait()

    def _start(self, worker: Worker) -> None:
        journal = self._directory / f"{worker.name}.{len(worker.lives) + 1}.journal"
        url = f"{self._environment['DATABASE_URL']}&application_name={worker.name}"
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.worker", str(journal)],
                cwd=ROOT,
                env={**os.environ, **self._environment, "DATABASE_URL": url},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a Ctrl-C in the terminal is for us, who end it
            )
        worker.lives.append(Life(journal, process))
