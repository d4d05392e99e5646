"""How fast a worker sends what waits: in, customers; out, a real drain beside a bare loop over Anymail.

Each run is a process of its own (sender.py), and counts only if the provider received every message exactly once.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import IO

from django.conf import settings

from benchmarks.cost import alternate
from benchmarks.figures import Figure, Run, Target, against, alone, rates
from benchmarks.seed import TEMPLATE, fill_queue, requests
from benchmarks.stage import StageError, Step, environment, providers
from notifications.conf import conf
from rentals.models import Customer
from sandbox.testing import SandboxServer

GROUP = "drain"
RUNS = 0, 4
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
    yield from rates(
        pairs, Run.rate_by_cpu, group=GROUP, name=name, limit_name=limit_name, cpu_target=Target(least=1.2)
    )
    if all(run.database_cpu_seconds is not None for run, _ in pairs):
        shares = [(run.database_cpu_seconds or 0.0) / run.count * 1e3 for run, _ in pairs]
        yield alone(shares, " ms", group=GROUP, name="CPU time of PostgreSQL, a message")
    if all(run.peak_bytes is not None for run, _ in pairs):
        peaks = [(run.peak_bytes or 0) / 1e6 for run, _ in pairs]
        yield alone(peaks, " MB", group=GROUP, name="memory of the worker at most", target=Target(most=150))


def _slow(server: SandboxServer, customers: Sequence[str], *, times: int, step: Step) -> Iterator[Figure]:
    width = conf().concurrency
    name, both = f"one worker, {SLOW * 1e3:.0f} ms provider", f"two workers, {SLOW * 1e3:.0f} ms provider"
    ours = partial(_drain, server, customers, latency=SLOW)
    pairs = alternate(partial(_two, server, customers), ours, name=both, times=times, step=step)
    yield against(
        [run.rate() for _, run in pairs],
        [width / SLOW] * times,
        "/s",
        group=GROUP,
        name=name,
        limit_name=f"concurrency / latency, {width} / {SLOW:g} s",
        target=Target(least=0.9),
    )
    yield against(
        [run.rate() for run, _ in pairs],
        [run.rate() for _, run in pairs],
        "/s",
        group=GROUP,
        name=both,
        limit_name=name,
        target=Target(least=1.7),
    )


def _two(server: SandboxServer, customers: Sequence[str]) -> Run:
    """Two workers, half of the messages each; the time is the slower one's."""
    queued = len(fill_queue(requests(customers)).queued)
    server.reset()
    server.behave("sendgrid", latency_ms=SLOW * 1000)
    runs = [report.result() for report in [_begin(server, "worker", part) for part in halves(queued)]]
    count = sum(run.count for run in runs)
    _all_arrived(server, queued, way="workers", measured=count)
    return replace(runs[0], count=count, seconds=max(run.seconds for run in runs))


def halves(count: int) -> tuple[int, int]:
    return count // 2, count - count // 2


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
    run = _begin(server, way, count, template).result()
    _all_arrived(server, count, way=way, measured=run.count)
    return run


@dataclass(frozen=True, slots=True)
class _Sender:
    """A sender that runs, and what it writes."""

    way: str
    process: "subprocess.Popen[str]"
    log: IO[str]

    def result(self) -> Run:
        out, _ = self.process.communicate()
        with self.log as log:
            if self.process.returncode:
                log.seek(0)
                raise StageError(
                    f"The {self.way} ended with status {self.process.returncode}: {''.join(log.readlines()[-5:])}"
                )
        return Run(**json.loads(out))


def _begin(server: SandboxServer, way: str, count: int, template: str = TEMPLATE) -> _Sender:
    warm = min(WARM, count // 2)
    numbers = f"--warm={warm}", f"--count={count - warm}"
    command = [sys.executable, "-m", "benchmarks.sender", way, *numbers, f"--template={template}"]
    log = tempfile.TemporaryFile("w+")  # noqa: SIM115 (closed by `result`)
    process = subprocess.Popen(
        command,
        cwd=settings.BASE_DIR,
        env=environment(server),
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    return _Sender(way, process, log)


def _all_arrived(server: SandboxServer, count: int, *, way: str, measured: int) -> None:
    """Each once, and those that the sender says it sent."""
    totals = server.stats()["totals"]
    warmed = count - measured
    if (totals["unique"], totals["duplicates"]) != (count, 0) or not 0 <= warmed <= 2 * WARM:
        raise StageError(
            f"The {way} should have sent {count:,} messages once. The provider counted {totals['unique']:,}, and "
            f"{totals['duplicates']:,} twice; the figures would mean nothing."
        )
