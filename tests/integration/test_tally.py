"""Many processes count, and the table holds one truth."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError, connection, transaction

from benchmarks.stage import database_url
from notifications import tally
from notifications.models import MetricCounter
from notifications.series import WAIT_SECONDS
from tests.waiting import start_and_wait_until_blocked

pytestmark = pytest.mark.django_db(transaction=True)

# Counts in two series, in opposite orders in two processes, and writes each time.
COUNT = """
import sys, django; django.setup()
from notifications import tally
first, second = sys.argv[1:3]
print("ready", flush=True); sys.stdin.readline()
for _ in range(200):
    tally.add(first, ["x"], 1); tally.add(second, ["x"], 1)
    tally.write()
"""
# Writes three, counts two more, and says so.
HALF = """
import sys, django; django.setup()
from notifications import tally
tally.add("half", [], 3); tally.write()
tally.add("half", [], 2)
print("ready", flush=True); sys.stdin.readline()
"""
# A child of a process that has counted something.
FORK = """
import os, django; django.setup()
from notifications import tally
tally.add("forked", [], 1)
child = os.fork()
tally.add("forked", [], 10 if child else 100)
if child: os.waitpid(child, 0)
tally.write()
"""


@pytest.fixture(autouse=True)
def nothing_counted() -> Iterator[None]:
    """What other tests of this process counted is not ours."""
    tally._counts.clear()
    yield
    tally._counts.clear()


def process(script: str, *arguments: str) -> "subprocess.Popen[str]":
    env = {**os.environ, "DATABASE_URL": database_url(), "DJANGO_SETTINGS_MODULE": "config.settings"}
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        cwd=settings.BASE_DIR,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def until_ready(started: "subprocess.Popen[str]") -> "subprocess.Popen[str]":
    assert started.stdout
    assert started.stdout.readline() == "ready\n"
    return started


def sums() -> dict[str, float]:
    return dict(MetricCounter.objects.values_list("name", "value"))


def test_two_processes_at_once_add_up_and_never_wait_in_a_circle() -> None:
    started = [process(COUNT, "a", "b"), process(COUNT, "b", "a")]
    for one in started:
        until_ready(one)
    for one in started:
        one.communicate("go\n")
    assert [one.returncode for one in started] == [0, 0]
    assert sums() == {"a": 400, "b": 400}


def test_a_write_holds_no_later_row_while_it_waits_for_an_earlier_one(other_connection: Any) -> None:
    """So that two of them wait in a line, whatever each counted first."""
    MetricCounter.objects.bulk_create(MetricCounter(name=name, labels=[], value=1) for name in ("a", "b"))
    tally.add("b", [], 1)
    tally.add("a", [], 1)
    with other_connection.transaction():
        other_connection.execute("UPDATE metric_counters SET value = value + 1 WHERE name = 'a'")
        thread = start_and_wait_until_blocked(tally.write)
        other_connection.execute("SELECT 1 FROM metric_counters WHERE name = 'b' FOR UPDATE NOWAIT")
    thread.join()
    assert sums() == {"a": 3, "b": 2}


def test_a_killed_process_loses_what_it_had_not_written_and_nothing_else() -> None:
    with until_ready(process(HALF)) as killed:
        killed.send_signal(signal.SIGKILL)
    assert killed.returncode == -signal.SIGKILL
    assert sums() == {"half": 3}


def test_a_forked_child_does_not_count_again_what_its_parent_did() -> None:
    with process(FORK) as parent:
        parent.wait(timeout=60)
    assert sums() == {"forked": 111}


def test_threads_of_one_process_lose_nothing() -> None:
    def count() -> None:
        for _ in range(2000):
            tally.add("threads", ["x"], 1)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tally.write()
    assert sums() == {"threads": 8000}


def test_a_write_waits_for_a_row_and_then_adds(other_connection: Any) -> None:
    MetricCounter.objects.create(name="held", labels=["x"], value=1)
    tally.add("held", ["x"], 2)
    with other_connection.transaction():
        other_connection.execute("UPDATE metric_counters SET value = value + 10")
        thread = start_and_wait_until_blocked(tally.write)
    thread.join()
    assert sums() == {"held": 13}


def test_it_writes_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    tally.write()
    tally.add("soon", [], 1)
    tally.write_soon()
    assert sums() == {}
    monkeypatch.setattr(tally, "EVERY", 0.0)
    tally.write_soon()
    assert sums() == {"soon": 1}


def test_in_a_transaction_it_keeps_nobody_waiting() -> None:
    tally.add("later", [], 1)
    with transaction.atomic():
        tally.write()
        assert sums() == {}
    tally.write()
    assert sums() == {"later": 1}


def test_without_a_database_nothing_is_lost_and_nothing_is_raised(caplog: Any) -> None:
    def gone(*_: Any) -> None:
        raise OperationalError("the server is gone, said 10.1.2.3")

    tally.add("patient", ['odd "label"', "a,b\\"], 1)
    with connection.execute_wrapper(gone):
        tally.write()
    assert "metrics.not_written series=1 error=OperationalError" in caplog.text
    assert "10.1.2.3" not in caplog.text
    tally.add("patient", ['odd "label"', "a,b\\"], 1)
    tally.write()
    assert list(MetricCounter.objects.values_list("labels", "value")) == [(['odd "label"', "a,b\\"], 2.0)]


def test_a_histogram_counts_each_value_in_one_bucket() -> None:
    WAIT_SECONDS.observe("email", seconds=[0.05, 0.1, 0.2, 99999])
    tally.write()
    rows = {
        (name, *labels): value
        for name, labels, value in MetricCounter.objects.values_list("name", "labels", "value")
    }
    assert rows == {
        ("postroom_due_to_sent_seconds_bucket", "email", "0.1"): 2,
        ("postroom_due_to_sent_seconds_bucket", "email", "0.25"): 1,
        ("postroom_due_to_sent_seconds_bucket", "email", "+Inf"): 1,
        ("postroom_due_to_sent_seconds_sum", "email"): pytest.approx(99999.35),
    }
