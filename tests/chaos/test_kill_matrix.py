"""The kill matrix: each point of the street × each way to be struck, and exactly what is on record afterwards.

A worker halts at the point and is struck; then a second, healthy one comes. The table below is the specification, and
docs/delivery-guarantees.md shows it.
"""

import io
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from benchmarks.stage import database_url
from notifications.models import InboxItem, Notification
from notifications.worker import drain
from sandbox.testing import SandboxServer
from tests.chaos.halting import APPLICATION, HALTS, Order, hurried, warm
from tests.messages import fresh, queued
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 20.0
# A lease that nobody should have to wait for, and one that runs out while a worker is dead or stands still.
LONG, SHORT = 60.0, 0.6
# How long the provider holds its answer: longer than the strike takes, and not for long.
HELD_MS = 800
BACKENDS = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s"
PROVIDERS = {"email": "sendgrid", "sms": "twilio"}

KILL, TERM, CUT, FREEZE = "SIGKILL", "SIGTERM", "connection terminated", "SIGSTOP beyond the lease"
STRIKES = (KILL, TERM, CUT, FREEZE)


@dataclass(frozen=True, slots=True)
class End:
    """What is on record, and how many copies were received. `tries` are (attempt number, outcome); `released`: it came
    back from a dead worker before it was sent off; `is_unknown`: failed, and waits for a webhook or a person."""

    status: str
    attempts: int
    tries: tuple[tuple[int, str], ...]
    received: int
    released: int = 0
    is_unknown: bool = False


ONCE = End("sent", 1, ((1, "sent"),), received=1)
# The second worker took it over before anything was sent off: no attempt is burnt.
TAKEN_OVER = End("sent", 1, ((1, "sent"),), received=1, released=1)
# It had been sent off, so it may have been received: at least once sends again, at most once never does.
AGAIN = End("sent", 2, ((1, "unknown"), (2, "sent")), received=1)
TWICE = End("sent", 2, ((1, "unknown"), (2, "sent")), received=2)
DOUBT = End("failed", 1, ((1, "unknown"),), received=0, is_unknown=True)
DOUBT_RECEIVED = End("failed", 1, ((1, "unknown"),), received=1, is_unknown=True)
# The first worker woke up and finished its call. Its record is late: the row stays as it is, the attempt is on record.
TWICE_LATE = End("sent", 2, ((1, "sent"), (1, "unknown"), (2, "sent")), received=2)
# Nobody has sent it again, so its late yes settles the doubt.
SETTLED_LATE = End("sent", 1, ((1, "sent"), (1, "unknown")), received=1)
# It woke up with a call that it had not begun, and makes none after its lease.
AGAIN_UNCALLED = End("sent", 2, ((1, "transient"), (1, "unknown"), (2, "sent")), received=1)
DOUBT_UNCALLED = End("failed", 1, ((1, "transient"), (1, "unknown")), received=0, is_unknown=True)

# By point: what becomes of an e-mail (at least once) and of an SMS (at most once). A SIGTERM and a lost connection leave
# no trace anywhere: both are ONCE at every point.
MATRIX: dict[str, dict[str, tuple[End, End]]] = {
    "claiming": {KILL: (ONCE, ONCE), FREEZE: (ONCE, ONCE)},
    "claimed": {KILL: (TAKEN_OVER, TAKEN_OVER), FREEZE: (TAKEN_OVER, TAKEN_OVER)},
    "rendering": {KILL: (TAKEN_OVER, TAKEN_OVER), FREEZE: (TAKEN_OVER, TAKEN_OVER)},
    "prepared": {KILL: (TAKEN_OVER, TAKEN_OVER), FREEZE: (TAKEN_OVER, TAKEN_OVER)},
    "dispatched": {KILL: (AGAIN, DOUBT), FREEZE: (AGAIN_UNCALLED, DOUBT_UNCALLED)},
    "calling": {KILL: (TWICE, DOUBT_RECEIVED), FREEZE: (TWICE_LATE, SETTLED_LATE)},
    "answered": {KILL: (TWICE, DOUBT_RECEIVED), FREEZE: (TWICE_LATE, SETTLED_LATE)},
    "recording": {KILL: (TWICE, DOUBT_RECEIVED), FREEZE: (ONCE, ONCE)},
    "recorded": {KILL: (ONCE, ONCE), FREEZE: (ONCE, ONCE)},
}
# In-app: written, marked as sent off and recorded in one transaction. There is nothing in between to be struck at.
INAPP = {
    "claiming": ONCE,
    "claimed": TAKEN_OVER,
    "rendering": TAKEN_OVER,
    "prepared": TAKEN_OVER,
    "answered": TAKEN_OVER,
    "recording": TAKEN_OVER,
    "recorded": ONCE,
}
# A worker that stands still inside a transaction keeps its rows; they are settled when it wakes up or its connection ends.
KEPT = ("answered", "recording")


def cells() -> Iterator[Any]:
    for point in HALTS:
        for strike in STRIKES:
            mail, text = MATRIX[point].get(strike, (ONCE, ONCE))
            yield pytest.param("email", point, strike, mail, id=f"email-{point}-{strike}")
            yield pytest.param("sms", point, strike, text, id=f"sms-{point}-{strike}")
            if point in INAPP:
                is_kept = strike == FREEZE and point in KEPT
                end = INAPP[point] if strike in (KILL, FREEZE) and not is_kept else ONCE
                yield pytest.param("inapp", point, strike, end, id=f"inapp-{point}-{strike}")


class Halted:
    """A worker in another process that halts at its point."""

    def __init__(self, pid: int, wire: socket.socket, *, halts: bool) -> None:
        self.pid, self._wire, self._halts = pid, wire, halts

    def wait_until_here(self) -> None:
        if self._halts:
            assert self._wire.recv(16) == b"here\n", "it ended before it came to the point"

    def go_on(self) -> None:
        if self._halts:
            self._wire.sendall(b"!")

    def wait_until_left(self) -> None:
        assert self._wire.recv(16) == b"left\n", "it failed"
        self.wait_until_gone()

    def wait_until_gone(self) -> None:
        assert self._wire.recv(16) == b""


Start = Callable[[str, str, float], Halted]


@pytest.fixture(scope="module")
def street(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Templates that are committed, since the workers are other processes."""
    with django_db_blocker.unblock():
        assert str(connection.settings_dict["NAME"]).startswith("test_")
        call_command("load_templates", stdout=io.StringIO())
        yield
        call_command("flush", interactive=False, verbosity=0)


@pytest.fixture
def _django_db_helper(street: None) -> None:
    """In place of pytest-django's, which would empty all tables after each cell: that takes longer than the cell."""


@pytest.fixture(scope="module")
def forker(street: None, sandbox_server: SandboxServer) -> Iterator["subprocess.Popen[str]"]:
    """Forks workers on the tests' database and sandbox."""
    warm()
    environment = {
        **os.environ,
        **sandbox_server.environment(),
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "EMAIL_BACKEND": "anymail.backends.sendgrid.EmailBackend",
    }
    command = [sys.executable, "-m", "tests.chaos.halting"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


@pytest.fixture
def start(forker: "subprocess.Popen[str]") -> Iterator[Start]:
    """`start(point, channel, lease)`: a worker that will halt there. None outlives the test."""
    assert forker.stdin is not None
    assert forker.stdout is not None
    started: list[tuple[int, socket.socket]] = []
    # A socket's path must be short, which pytest's own directories are not.
    with tempfile.TemporaryDirectory(prefix="halt-") as directory, socket.socket(socket.AF_UNIX) as door:
        place = f"{directory}/door"
        door.bind(place)
        door.listen()
        door.settimeout(PATIENCE)

        def begin(point: str, channel: str, lease: float) -> Halted:
            assert forker.stdin is not None
            assert forker.stdout is not None
            forker.stdin.write(Order(place, point, channel, lease).line())
            forker.stdin.flush()
            pid = int(forker.stdout.readline())
            wire, _ = door.accept()
            wire.settimeout(PATIENCE)
            started.append((pid, wire))
            return Halted(pid, wire, halts=point != "calling")

        yield begin
        for pid, wire in started:
            wire.settimeout(0)
            if not select.select([wire], [], [], 0)[0] or wire.recv(16):
                os.kill(pid, signal.SIGKILL)
            wire.close()


@pytest.mark.parametrize("channel", ["email", "sms", "inapp"])
def test_what_is_on_record_when_nothing_happens(channel: str, sandbox: SandboxServer) -> None:
    row = queued(channel=channel)
    drain()
    assert observed(sandbox, row) == ONCE


@pytest.mark.parametrize(("channel", "point", "strike", "end"), list(cells()))
def test_what_is_on_record_after(
    channel: str, point: str, strike: str, end: End, start: Start, sandbox: SandboxServer, settings: Any
) -> None:
    lease = SHORT if strike in (KILL, FREEZE) else LONG
    settings.NOTIFICATIONS = hurried(settings.NOTIFICATIONS, lease=lease)
    if point == "calling":
        sandbox.behave(PROVIDERS[channel], latency_ms=HELD_MS, times=1)
    Notification.objects.all().delete()  # that of a cell which failed would be sent here
    row = queued(channel=channel)
    first = start(point, channel, lease)
    first.wait_until_here()
    if point == "calling":
        eventually(lambda: received(sandbox, row) == 1)
    STRIKE[strike](first, row)
    drain()
    assert observed(sandbox, row) == end


def kill(first: Halted, row: Notification) -> None:
    os.kill(first.pid, signal.SIGKILL)
    first.wait_until_gone()
    # The server notices at once that its client is gone, and takes back what was not committed.
    eventually(lambda: backends() == 0)
    take_over(row)


def tell(first: Halted, _row: Notification) -> None:
    os.kill(first.pid, signal.SIGTERM)
    first.go_on()
    first.wait_until_left()


def cut(first: Halted, _row: Notification) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT pg_terminate_backend(pid, 5000) {BACKENDS}",
            [APPLICATION],
        )
        assert cursor.fetchall() == [(True,)]
    first.go_on()
    first.wait_until_left()


def freeze(first: Halted, row: Notification) -> None:
    os.kill(first.pid, signal.SIGSTOP)
    take_over(row)
    os.kill(first.pid, signal.SIGCONT)
    first.go_on()
    first.wait_until_left()


STRIKE: dict[str, Callable[[Halted, Notification], None]] = {KILL: kill, TERM: tell, CUT: cut, FREEZE: freeze}


def take_over(row: Notification) -> None:
    """The second worker comes when the lease is over, and does what there is to do; it may be that there is nothing."""
    eventually(lambda: lease_is_over(row))
    drain()
    # A row that is locked by a transaction that stands still cannot be taken; what can be is settled in a moment.
    eventually(lambda: is_locked(row) or is_settled(row), meanwhile=drain)


def lease_is_over(row: Notification) -> bool:
    lease = fresh(row).lease_until
    return lease is None or lease < timezone.now()


def is_settled(row: Notification) -> bool:
    return fresh(row).status in ("sent", "failed")


def is_locked(row: Notification) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM notification_queue WHERE id = %s FOR UPDATE SKIP LOCKED", [row.pk])
        return cursor.fetchone() is None


def backends() -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) {BACKENDS}", [APPLICATION])
        (count,) = cursor.fetchone()
        return int(count)


def received(sandbox: SandboxServer, row: Notification) -> int:
    if row.channel == "inapp":
        return InboxItem.objects.filter(notification=row).count()
    return len(sandbox.messages(notification_id=str(row.pk)))


def observed(sandbox: SandboxServer, row: Notification) -> End:
    after = fresh(row)
    is_unknown = bool(after.metadata.get("outcome_unknown"))
    assert (after.status == "failed") == is_unknown == (after.error or "").startswith("outcome_unknown")
    return End(
        status=after.status,
        attempts=after.attempts,
        tries=tuple(sorted(after.delivery_attempts.values_list("number", "outcome"))),
        received=received(sandbox, row),
        released=after.metadata.get("released", 0),
        is_unknown=is_unknown,
    )
