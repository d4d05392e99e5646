"""One soak: in, how long, how many and a seed; out, a Report that says whether every promise held.

Django must be set up on `tests.chaos.settings`, pointing at a database of the soak's own.
"""

import io
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from django.core.management import call_command
from django.db import InterfaceError, OperationalError, connection

from notifications.models import Notification
from tests.chaos.books import Breach, Evidence, Line, compare
from tests.chaos.crew import Crew
from tests.chaos.crowd import Caller, invite
from tests.chaos.faults import DECK, Chaos
from tests.chaos.postgres import CrashableServer
from tests.chaos.provider import Provider

# The part of the messages that is queued before the last fault, and seconds in which the queue must be empty after it.
BUSY = 0.95
DRAINED = 60.0
SLOWEST_PACE = 1.2  # seconds between two faults; less where the time would not do for one of each
Progress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class Options:
    seconds: float
    seed: int
    workers: int
    messages: int


@dataclass(frozen=True, slots=True)
class Report:
    """What was done and what came of it. `problems` are breaches without a message: a worker that would not leave."""

    options: Options
    lines: list[Line]
    faults: Mapping[str, int]
    answers: Mapping[str, int]
    fell: int
    stalls: int
    again: int
    rolled_back: int
    chaos_seconds: float
    drain_seconds: float
    breaches: list[Breach]
    problems: list[str]
    log: str

    def is_kept(self) -> bool:
        return not self.breaches and not self.problems


def soak(
    options: Options,
    *,
    server: CrashableServer,
    provider: Provider,
    directory: Path,
    environment: Mapping[str, str],
    progress: Progress,
) -> Report:
    progress(0, "making the database")
    call_command("migrate", verbosity=0)
    call_command("load_templates", stdout=io.StringIO())  # for the e-mails' layout
    people = invite(url=provider.url)
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")  # or the first crash would have all of this to recover
    # The server is about to go away under us: nothing is kept open between questions.
    connection.close()
    crew = Crew(options.workers, directory=directory, environment=environment)
    try:
        return _soak(options, people, crew, server, provider, progress)
    finally:
        crew.end()


def _soak(
    options: Options,
    people: list[str],
    crew: Crew,
    server: CrashableServer,
    provider: Provider,
    progress: Progress,
) -> Report:
    chaos = Chaos(crew, server, provider, seed=options.seed)
    crew.wait()
    started, is_over = time.monotonic(), threading.Event()

    def share() -> float:
        """Of the messages, so many by now: there must be some for the last fault, too."""
        elapsed = time.monotonic() - started
        return 1.0 if is_over.is_set() else min(elapsed / options.seconds, len(chaos.done) / len(DECK)) * BUSY

    caller = Caller(people, options.messages, share, options.seed)
    caller.start()
    _strike(chaos, crew, options, progress)
    is_over.set()
    while not chaos.is_over():
        crew.tend()
        chaos.tend()
        time.sleep(0.02)
    caller.join()
    struck = time.monotonic()
    progress(options.seconds, "draining")
    is_drained = _drain(crew)
    drained = time.monotonic()
    left = crew.leave()
    provider.read()
    stalls = chaos.stalls()
    strikes = [*chaos.strikes, *stalls]
    lines, breaches = compare(Evidence(caller.committed, caller.rolled_back, provider.received, strikes))
    problems = [f"The caller ended with {caller.error!r}."] if caller.error else []
    if not is_drained:
        problems.append(f"The queue was not empty {DRAINED:.0f} s after the last fault.")
    problems += [f"A worker that was told to leave ended with {code}." for code in left if code]
    problems += [f"There was no «{kind}»." for kind in DECK if not chaos.done[kind]]
    return Report(
        options=options,
        lines=lines,
        faults=dict(chaos.done),
        answers=dict(provider.counts),
        fell=crew.fell,
        stalls=len(stalls),
        again=caller.again,
        rolled_back=len(caller.rolled_back),
        chaos_seconds=round(struck - started, 1),
        drain_seconds=round(drained - struck, 1),
        breaches=breaches,
        problems=problems,
        log=crew.log.read_text(errors="replace"),
    )


def _strike(chaos: Chaos, crew: Crew, options: Options, progress: Progress) -> None:
    """Faults at a steady pace, jittered, until the time is up and each has been; what ends is started again meanwhile."""
    rng = random.Random(f"pace {options.seed}")
    pace = min(SLOWEST_PACE, options.seconds / len(DECK))
    started = time.monotonic()
    following = started + pace
    what = ""
    while (elapsed := time.monotonic() - started) < options.seconds or not chaos.is_complete():
        if elapsed > 2 * options.seconds + DRAINED:
            return
        crew.tend()
        chaos.tend()
        if time.monotonic() >= following:
            what = chaos.strike()
            following = time.monotonic() + pace * rng.uniform(0.5, 1.5)
        progress(elapsed, what)
        time.sleep(0.02)


def _drain(crew: Crew) -> bool:
    """Wait until nothing is queued or in work."""
    deadline = time.monotonic() + DRAINED
    while time.monotonic() < deadline:
        crew.tend()
        try:
            if not Notification.objects.filter(status__in=["queued", "processing"]).exists():
                return True
        except (OperationalError, InterfaceError):
            connection.close()
        time.sleep(0.1)
    return False
