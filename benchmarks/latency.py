"""How soon a message leaves: in, customers; out, the time from a commit to the provider's receipt on an idle system.

A real cluster of django-q2 sends, asked by the kick after the commit. Both clocks are this machine's.
"""

import http.client
import io
import itertools
import json
import random
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import mean
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management import call_command
from django.db import transaction

from benchmarks.cost import supervised_cpu_seconds
from benchmarks.figures import Figure, Target, alone, percentile
from benchmarks.sandbox_loads import mail_send
from benchmarks.seed import CHANNEL, PAYLOAD, TEMPLATE, empty_queue
from benchmarks.stage import StageError, Step, environment, providers
from config.supervisor import Supervisor
from notifications.enqueue import notify
from sandbox.testing import SandboxServer

GROUP = "latency"
RUNS = 2, 1
CLUSTER = "bench-notify"  # also the name of its log
A_SECOND = 5
WARM = 10  # messages sent before the clock runs, so that each worker has sent some
PROBES = 50
PATIENCE = 90.0  # a kick that was lost is made good by the schedule, a minute later
SHARES: Mapping[float, float | None] = {0.5: 10, 0.95: None, 0.99: 50}  # and milliseconds at most


def measure(customers: Sequence[str], *, count: int, times: int, seed: int, step: Step) -> Iterator[Figure]:
    """`count` messages a run, five a second at uneven intervals, so that they do not march in step with the polling."""
    draws, numbers = random.Random(seed), itertools.count()
    with (
        providers(keep=max(count, PROBES)) as server,
        Supervisor(Path(settings.LOCAL_DIR) / "log") as supervisor,
    ):
        send = partial(_send, server, supervisor, customers, numbers=numbers, draws=draws)
        empty_queue()
        call_command("sync_schedules", stdout=io.StringIO())
        with step("latency: one-way HTTP"):
            http_seconds = _one_way_http(server)
        with step("latency: workers start"):
            command = [sys.executable, "manage.py", "work", "notify"]
            supervisor.start(CLUSTER, command, env=environment(server))
            send(count=WARM)
        runs: list[list[float]] = []
        shares: list[float] = []
        for turn in range(1, times + 1):
            with step(f"latency ({turn} of {times})"):
                cpu, start = supervised_cpu_seconds(), time.perf_counter()
                runs.append(send(count=count))
                shares.append((supervised_cpu_seconds() - cpu) / (time.perf_counter() - start) * 100)
    yield from _figures(runs, http_seconds=http_seconds)
    if any(shares):
        name = f"CPU time of the cluster at {A_SECOND} messages/s, of one core"
        yield alone(shares, " %", group=GROUP, name=name)


def _figures(runs: Sequence[Sequence[float]], *, http_seconds: float) -> Iterator[Figure]:
    for share, most in SHARES.items():
        values = [percentile(run, share) * 1e3 for run in runs]
        target = Target(most=most) if most else None
        yield alone(values, " ms", group=GROUP, name=f"commit → received, p{share * 100:.0f}", target=target)
    yield alone([http_seconds * 1e3], " ms", group=GROUP, name="of that, HTTP one way")


def _send(
    server: SandboxServer,
    supervisor: Supervisor,
    customers: Sequence[str],
    *,
    count: int,
    numbers: Iterator[int],
    draws: random.Random,
) -> list[float]:
    """Enqueue so many and wait for all; answers the seconds from each commit to its receipt."""
    server.reset()
    committed: dict[str, float] = {}
    while len(committed) < count:
        time.sleep(draws.uniform(0.5, 1.5) / A_SECOND)
        number = next(numbers)
        committed |= _commit(customers[number % len(customers)], f"benchmark:latency:{number}")
    supervisor.wait_until(CLUSTER, lambda: server.stats()["totals"]["received"] >= count, timeout=PATIENCE)
    received = [(message["notification_id"], message["received_at"]) for message in server.messages()]
    return waits(committed, received)


def waits(committed: Mapping[str, float], received: Sequence[tuple[str, float]]) -> list[float]:
    """Seconds from commit to receipt, by id. Raises StageError unless each message was received exactly once."""
    if sorted(name for name, _ in received) != sorted(committed):
        raise StageError(
            f"{len(committed):,} messages were committed, and {len(received):,} received: some are missing, or came twice."
        )
    return [at - committed[name] for name, at in received]


def _commit(customer: str, key: str) -> dict[str, float]:
    """Queue one message in a transaction; answers when that was committed. Nothing for one that is withheld."""
    committed_at: list[float] = []
    with transaction.atomic():
        # Before the kick, which is called after the commit, too.
        transaction.on_commit(lambda: committed_at.append(time.time()))
        result = notify(TEMPLATE, to=customer, channel=CHANNEL, payload=PAYLOAD, idempotency_key=key)
    return {str(receipt.id): committed_at[0] for receipt in result.queued}


def _one_way_http(server: SandboxServer) -> float:
    """Seconds from the first byte of a request on an open connection to its receipt: the mean of as many as are kept.

    A mean, because the sandbox tells milliseconds.
    """
    mail = mail_send(server.url)
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc)
    sent: dict[str, float] = {}
    for number in range(PROBES):
        body = mail.body(number)
        sent[json.loads(body)["personalizations"][0]["custom_args"]["notification_id"]] = time.time()
        connection.request("POST", mail.path, body, mail.headers)
        connection.getresponse().read()
    connection.close()
    delays: list[float] = [
        message["received_at"] - sent[message["notification_id"]] for message in server.messages()
    ]
    return max(mean(delays), 0.0)
