"""How fast a worker sends what waits: in, customers; out, a real drain beside a bare loop over Anymail.

Each run is a process of its own (sender.py), and counts only if the provider received every message exactly once.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial

from django.conf import settings

from benchmarks.cost import alternate
from benchmarks.figures import Figure, Run, against, alone, rates
from benchmarks.seed import TEMPLATE, fill_queue, requests
from benchmarks.stage import StageError, Step, environment, providers
from notifications.conf import conf
from rentals.models import Customer
from sandbox.testing import SandboxServer

GROUP = "drain"
RUNS = 0, 3
WARM = 50  # messages a sender sends before the clock runs: connections open, templates are read
SLOW = 0.05  # seconds


def measure(customers: Sequence[str], *, slow: int, times: int, step: Step) -> Iterator[Figure]:
    """A reminder to each customer (`WARM` of them uncounted), and to the first `slow` by a provider that takes its time."""
    with providers(keep=0) as server:
        yield from _fast(server, customers, times=times, step=step)
        yield from _slow(server, customers[: slow + WARM], times=times, step=step)


def _fast(server: SandboxServer, customers: Sequence[str], *, times: int, step: Step) -> Iterator[Figure]:
    name = "one worker, 0 ms provider"
    ours, bare = partial(_drain, server, customers), partial(_bare, server, customers)
    pairs = alternate(ours, bare, name=name, times=times, step=step)
    limit_name = "bare loop over Anymail, one connection"
    yield from rates(pairs, Run.rate_by_cpu, group=GROUP, name=name, limit_name=limit_name)
    if all(run.database_cpu_seconds is not None for run, _ in pairs):
        shares = [(run.database_cpu_seconds or 0.0) / run.count * 1e3 for run, _ in pairs]
        yield alone(shares, " ms", group=GROUP, name="CPU time of PostgreSQL, a message")
    if all(run.peak_bytes is not None for run, _ in pairs):
        peaks = [(run.peak_bytes or 0) / 1e6 for run, _ in pairs]
        yield alone(peaks, " MB", group=GROUP, name="memory of the worker at most")


def _slow(server: SandboxServer, customers: Sequence[str], *, times: int, step: Step) -> Iterator[Figure]:
    width = conf().concurrency
    name = f"one worker, {SLOW * 1e3:.0f} ms provider"
    runs = []
    for turn in range(1, times + 1):
        with step(f"{name} ({turn} of {times})"):
            runs.append(_drain(server, customers, latency=SLOW))
    yield against(
        [run.rate() for run in runs],
        [width / SLOW] * times,
        "/s",
        group=GROUP,
        name=name,
        limit_name=f"concurrency / latency, {width} / {SLOW:g} s",
    )


def _drain(server: SandboxServer, customers: Sequence[str], *, latency: float = 0.0) -> Run:
    queued = len(fill_queue(requests(customers)).queued)
    server.reset()
    if latency:
        server.behave("sendgrid", latency_ms=latency * 1000)
    return send(server, "worker", queued)


def _bare(server: SandboxServer, customers: Sequence[str]) -> Run:
    """As many e-mails, but for those that a drain withholds."""
    server.reset()
    known = Customer.objects.filter(pk__in=customers).exclude(email="").count()
    return send(server, "bare", known)


def send(server: SandboxServer, way: str, count: int, *, template: str = TEMPLATE) -> Run:
    """Run a sender; raises StageError if it fails, or if a message was not received exactly once."""
    warm = min(WARM, count // 2)
    numbers = f"--warm={warm}", f"--count={count - warm}"
    command = [sys.executable, "-m", "benchmarks.sender", way, *numbers, f"--template={template}"]
    with tempfile.TemporaryFile("w+") as log:
        done = subprocess.run(
            command,
            cwd=settings.BASE_DIR,
            env=environment(server),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            check=False,
        )
        if done.returncode:
            log.seek(0)
            raise StageError(
                f"The {way} ended with status {done.returncode}: {''.join(log.readlines()[-5:])}"
            )
    run = Run(**json.loads(done.stdout))
    totals = server.stats()["totals"]
    if (totals["unique"], totals["duplicates"], run.count) != (count, 0, count - warm):
        raise StageError(
            f"The {way} should have sent {count:,} messages once. The provider counted {totals['unique']:,}, and "
            f"{totals['duplicates']:,} twice; the figures would mean nothing."
        )
    return run
