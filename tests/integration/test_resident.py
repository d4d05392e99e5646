"""A drain that stays: a commit wakes it, a lost connection does not end it, and it leaves when told."""

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, connections
from django.utils import timezone

from notifications.drain_report import DrainReport
from notifications.listen import SETTLE, Watch
from notifications.models import DrainWatch
from notifications.worker import drain
from sandbox.testing import SandboxServer
from tests.messages import fresh, queued
from tests.waiting import eventually

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("templates")]

# Only a wake-up can be sooner: a test that waits for the poll fails by its own patience.
NEVER = dt.timedelta(minutes=10)


class Resident:
    """A resident drain in a thread of its own, with a connection of its own, as a worker has one."""

    def __init__(self) -> None:
        self.told = False
        self.report: DrainReport | None = None
        self.pid = 0
        self._thread = threading.Thread(target=self._run)

    def start(self) -> "Resident":
        self._thread.start()
        eventually(lambda: DrainWatch.objects.filter(listening_until__gt=timezone.now()).exists())
        return self

    def leave(self) -> DrainReport:
        self.told = True
        queued()  # wakes it, so that it hears
        self._thread.join(20)
        assert self.report is not None
        return self.report

    def _run(self) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                self.pid = cursor.fetchone()[0]
            self.report = drain(resident=True, budget=NEVER, stop=lambda: self.told)
        finally:
            connections.close_all()


@pytest.fixture
def resident(sandbox: SandboxServer, settings: Any) -> Iterator[Resident]:
    settings.NOTIFICATIONS = {
        **settings.NOTIFICATIONS,
        "POLL": NEVER,
        "KICK": "",
        "LEASE": dt.timedelta(minutes=1),
    }
    worker = Resident().start()
    yield worker
    if worker.report is None:
        worker.leave()


def sent(row: Any) -> Callable[[], bool]:
    return lambda: fresh(row).status == "sent"


def test_a_commit_wakes_a_drain_that_sleeps(resident: Resident) -> None:
    for _ in range(3):
        eventually(sent(queued()))


def test_what_was_committed_before_it_listened_is_found_too(sandbox: SandboxServer, settings: Any) -> None:
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "POLL": NEVER, "KICK": ""}
    row = queued()
    worker = Resident().start()
    try:
        eventually(sent(row))
    finally:
        worker.leave()


def test_a_commit_that_saw_it_awake_while_it_fell_asleep_is_found_soon(
    sandbox: SandboxServer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "POLL": NEVER, "KICK": ""}
    monkeypatch.setattr("notifications.kick.knock", lambda: None)  # what such a commit does: nothing
    late: list[Any] = []

    def sleep(watch: Watch, seconds: float) -> None:
        if not late:
            late.append(queued())  # after its last look, before its sleep
        fall_asleep(watch, seconds)

    fall_asleep = Watch.sleep
    monkeypatch.setattr(Watch, "sleep", sleep)
    worker = Resident().start()
    try:
        eventually(lambda: bool(late))
        eventually(sent(late[0]))
    finally:
        monkeypatch.undo()
        worker.leave()


def test_a_lost_connection_is_made_anew_and_listens_again(resident: Resident) -> None:
    eventually(sent(queued()))
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [resident.pid])
        cursor.execute("UPDATE drain_watch SET listening_until = clock_timestamp()")
    eventually(lambda: DrainWatch.objects.filter(listening_until__gt=timezone.now()).exists())
    eventually(sent(queued()))


def test_told_to_leave_it_finishes_and_says_that_it_lives_no_more(resident: Resident) -> None:
    row = queued()
    eventually(sent(row))
    report = resident.leave()
    assert report.counts["email", "sent"] >= 1
    watch = DrainWatch.objects.get()
    assert watch.alive_until <= timezone.now()


def test_who_leaves_does_not_say_that_nobody_listens(db: None) -> None:
    """Another one may sleep, and a commit must not pass by it."""
    watch = Watch()
    watch.prepare(60.0)
    watch.leave()
    found = DrainWatch.objects.get()
    assert found.listening_until > timezone.now() + dt.timedelta(seconds=30)
    assert found.alive_until <= timezone.now()


def test_a_commit_that_saw_the_last_drain_awake_while_it_left_asks_for_another(
    sandbox: SandboxServer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("notifications.worker.ask_for_a_drain", lambda: asked.append("drain"))
    monkeypatch.setattr("notifications.kick.knock", lambda: None)  # what such a commit does: nothing
    commit = threading.Timer(SETTLE / 2, in_a_thread_of_its_own)

    def leave(watch: Watch) -> None:
        say_goodbye(watch)
        commit.start()

    say_goodbye = Watch.leave
    monkeypatch.setattr(Watch, "leave", leave)
    monkeypatch.setattr("notifications.worker.SETTLE", 0.5)
    drain(resident=True, budget=dt.timedelta(seconds=0.1))
    commit.join()
    assert asked == ["drain"]


def in_a_thread_of_its_own() -> None:
    try:
        queued()
    finally:
        connections.close_all()


def test_a_drain_that_does_not_stay_is_not_waited_for(sandbox: SandboxServer) -> None:
    queued()
    drain()
    assert not DrainWatch.objects.exists()
