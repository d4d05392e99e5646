"""What goes wrong, and when: in, a seed; out, faults done to workers, database and providers, and when each one struck.

A strike is what can leave calls unknown: a worker that died, one that stood still beyond its lease, a database that was
away, a machine too busy to let it run. A lost connection or a SIGTERM is no excuse: the worker must come through without a single doubt.
"""

import heapq
import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psycopg

from tests.chaos.crew import Crew, Life, Worker
from tests.chaos.postgres import CrashableServer
from tests.chaos.provider import NAMES, Provider
from tests.chaos.settings import LEASE

# How often each comes in one round of them all.
DECK = {
    "kill -9 of a worker": 3,
    "SIGSTOP beyond the lease": 2,
    "SIGTERM of a worker": 2,
    "connections terminated": 2,
    "PostgreSQL restart -m fast": 1,
    "PostgreSQL restart -m immediate": 1,
    "provider answers 429": 1,
    "provider answers 500 or 503": 1,
    "provider hangs up after accepting": 2,
    "provider hangs up": 1,
    "provider answers too late": 1,
    "provider refuses connections": 1,
}
FROZEN = LEASE.total_seconds() * 1.4
MOMENT = 1.0  # seconds that a provider misbehaves


@dataclass(frozen=True, slots=True)
class Strike:
    """The calls in flight in these lives between the two moments may be unknown afterwards."""

    kind: str
    lives: Sequence[Life]
    start: float
    end: float | None

    def hits(self, life: Life, start: float, end: float | None) -> bool:
        """Does it overlap with this span of this life?"""
        overlaps = (end is None or end >= self.start) and (self.end is None or start <= self.end)
        return overlaps and any(one is life for one in self.lives)


class Chaos:
    """Does faults one after the other. Everything random comes from the seed, but the machine's own timing."""

    def __init__(self, crew: Crew, server: CrashableServer, provider: Provider, *, seed: int) -> None:
        self._crew, self._server, self._provider = crew, server, provider
        self._rng = random.Random(f"faults {seed}")
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._deck: list[str] = []
        self.done: Counter[str] = Counter()
        self.strikes: list[Strike] = []
        self._faults: dict[str, Callable[[str], bool]] = {
            "kill -9 of a worker": self._kill,
            "SIGSTOP beyond the lease": self._freeze,
            "SIGTERM of a worker": self._tell,
            "connections terminated": self._cut,
            "PostgreSQL restart -m fast": self._restart,
            "PostgreSQL restart -m immediate": self._restart,
            "provider answers 429": self._limit,
            "provider answers 500 or 503": self._fail,
            "provider hangs up after accepting": self._hang_up,
            "provider hangs up": self._hang_up,
            "provider answers too late": self._dawdle,
            "provider refuses connections": self._refuse,
        }

    def strike(self) -> str:
        """Do the next fault; answers what it was."""
        if not self._deck:
            # Each once at first, so that a short soak sees them all.
            self._deck = [kind for kind, number in DECK.items() for _ in range(number if self.done else 1)]
            self._rng.shuffle(self._deck)
        kind = self._deck.pop()
        if self._faults[kind](kind):
            self.done[kind] += 1
        else:
            self._deck.insert(0, kind)  # what it would befall is befallen already: later
        return kind

    def is_complete(self) -> bool:
        """Has there been one of each?"""
        return self.done.keys() >= DECK.keys()

    def is_over(self) -> bool:
        """Has all ended that was begun?"""
        return not self._later

    def tend(self) -> None:
        """End what is due to end."""
        while self._later and self._later[0][0] <= time.monotonic():
            heapq.heappop(self._later)[2]()

    def stalls(self) -> list[Strike]:
        """Strikes that nobody ordered: where the machine was too busy for a worker, or for the database, while calls
        were in flight."""
        found = []
        for life in self._crew.lives():
            spans = list(life.spans())
            for start, end in life.stalls():
                stall = Strike("stall", [life], start, end)
                if any(stall.hits(life, span.start, span.end) for span in spans) and not any(
                    one.hits(life, start, end) for one in self.strikes
                ):
                    found.append(stall)
        return found

    def _after(self, seconds: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._later, (time.monotonic() + seconds, next(self._order), what))

    def _victim(self) -> Worker | None:
        """One that works: a process that is only starting, or going, would be a waste."""
        ready = [
            worker
            for worker in self._crew.workers
            if not (worker.life.is_frozen or worker.life.is_told) and worker.life.is_ready()
        ]
        return self._rng.choice(ready) if ready else None

    def _kill(self, kind: str) -> bool:
        if worker := self._victim():
            self._crew.kill(worker)
            self.strikes.append(Strike(kind, [worker.life], time.monotonic(), None))
        return worker is not None

    def _freeze(self, kind: str) -> bool:
        worker = self._victim()
        if worker is None:
            return False
        start, life = time.monotonic(), worker.life
        self._crew.freeze(worker)

        def thaw() -> None:
            self.strikes.append(Strike(kind, [life], start, time.monotonic()))
            self._crew.thaw(worker)

        self._after(FROZEN, thaw)
        return True

    def _tell(self, _kind: str) -> bool:
        if worker := self._victim():
            self._crew.tell(worker)
        return worker is not None

    def _cut(self, _kind: str) -> bool:
        try:
            with self._server.connect() as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'chaos-worker-%'"
                )
        except psycopg.OperationalError:
            return False
        return True

    def _restart(self, kind: str) -> bool:
        start = time.monotonic()
        self._server.restart(kind.rpartition(" ")[2])
        lives = [worker.life for worker in self._crew.workers]
        self.strikes.append(Strike(kind, lives, start, time.monotonic()))
        return True

    def _limit(self, _kind: str) -> bool:
        return self._for_a_moment(status=429, retry_after=1)

    def _fail(self, _kind: str) -> bool:
        return self._for_a_moment(status=self._rng.choice([500, 503]))

    def _hang_up(self, kind: str) -> bool:
        chance = {"times": 6, "probability": 0.5, "seed": self._rng.randrange(1000)}
        return self._for_a_moment(hang_up=True, accept_first=kind.endswith("accepting"), **chance)

    def _dawdle(self, _kind: str) -> bool:
        chance = {"times": 6, "probability": 0.5, "seed": self._rng.randrange(1000)}
        return self._for_a_moment(latency_ms=1500, **chance)

    def _for_a_moment(self, **rule: object) -> bool:
        if self._provider.is_gone:
            return False
        name = self._rng.choice(NAMES)
        self._provider.behave(name, **rule)
        self._after(MOMENT, lambda: self._provider.behave_well(name))
        return True

    def _refuse(self, _kind: str) -> bool:
        if self._provider.is_gone:
            return False
        self._provider.go()
        self._after(MOMENT, self._provider.come_back)
        return True
