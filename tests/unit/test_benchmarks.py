"""The benchmarks tell the truth: their arithmetic, their table, and that a lost message is an error and no figure."""

import json
import os
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from environ import Env

from benchmarks import __main__ as command
from benchmarks import claim, drain, seed, stage, suite
from benchmarks.figures import Figure, Run, Spread, Target, against, alone, percentile, rates
from benchmarks.latency import waits
from benchmarks.machine import Machine, describe
from benchmarks.table import as_json, as_text

QUIET = Machine(
    processor="Abacus 9",
    cores=2,
    memory_gib=4.0,
    system="Linux 6",
    python="3.11.7",
    django="5.2",
    postgresql="18.1",
    undurable=(),
    load=0.1,
)


def test_percentiles_lie_between_their_neighbours_in_proportion() -> None:
    values = [40.0, 10.0, 30.0, 20.0, 50.0]
    assert [percentile(values, share) for share in (0, 0.5, 0.95, 1)] == [10, 30, pytest.approx(48), 50]
    assert percentile([7.0], 0.99) == 7


def test_a_spread_is_the_middle_between_the_lowest_and_the_highest() -> None:
    assert Spread.of([3.0, 1.0, 8.0]) == Spread(median=3, low=1, high=8)


def test_a_ratio_is_taken_run_by_run_so_that_a_busy_minute_cancels_out() -> None:
    figure = against([50, 5], [100, 10], "/s", group="g", name="n", limit_name="l")
    assert figure.ratio == Spread(0.5, 0.5, 0.5)


def test_a_limit_of_nothing_has_no_ratio() -> None:
    assert against([50], [0], "/s", group="g", name="n", limit_name="l").ratio is None


def test_rates_count_by_the_clock_and_by_processor_time() -> None:
    pairs = [
        (Run(100, 2.0, 0.5, database_cpu_seconds=0.5), Run(100, 1.0, 0.25)),
        (Run(100, 2.0, 0.5), Run(100, 1.0, 0.25)),
    ]
    ours, by_cpu = rates(pairs, Run.rate_by_all_cpu, group="g", name="n", limit_name="l")
    assert (ours.value.median, ours.unit, ours.ratio) == (50, "/s", Spread(0.5, 0.5, 0.5))
    assert (by_cpu.value.low, by_cpu.value.high, by_cpu.unit) == (100, 200, "/CPU-s")


def test_work_too_short_for_the_clock_has_no_rate() -> None:
    assert Run(1, 0.0, 0.0).rate() == Run(1, 0.0, 0.0).rate_by_cpu() == 0


FIGURES = [
    Figure("drain", "one worker", "/s", Spread(812.3, 800, 1234.5), "bare loop", Spread(1000, 1000, 1000), Spread(0.81, 0.8, 1.23), Target(least=0.9)),
    alone([41.26], " MB", group="drain", name="memory", target=Target(most=150)),
    alone([0.123], " ms", group="latency", name="p50"),
]  # fmt: skip


def test_the_table_shows_each_figure_above_its_limit() -> None:
    text = as_text(QUIET, FIGURES, times=3)
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if "|" in line
    ]
    assert ["one worker", "812/s", "800 to 1,234", "0.81 (0.80 to 1.23)", "≥ 0.9: missed"] in rows
    assert rows[rows.index(["memory", "41.3 MB", "41.3", "", "≤ 150 MB: met"]) - 1] == [
        "– limit: bare loop",
        "1,000/s",
        "1,000",
        "",
        "",
    ]
    assert ["p50", "0.12 ms", "0.12", "", ""] in rows
    assert [row[0] for row in rows if row[1] == "median"] == ["drain", "latency"]


def test_the_table_is_aligned_and_names_the_machine() -> None:
    text = as_text(QUIET, FIGURES, times=3)
    assert {len(line) for line in text.split("\n\n")[1].splitlines()} == {
        len(text.split("\n\n")[1].splitlines()[0])
    }
    assert "Abacus 9, 2 cores, 4 GiB" in text
    assert "PostgreSQL 18.1 (durable)" in text
    assert "busy" not in text


def test_a_busy_machine_and_an_undurable_database_are_said() -> None:
    text = as_text(replace(QUIET, load=3.0, undurable=("fsync off",)), FIGURES, times=1)
    assert "The machine was busy before the start (load 3.0 on 2 cores)" in text
    assert "not durable: fsync off" in text


def test_json_holds_the_same_figures() -> None:
    answer = json.loads(as_json(QUIET, FIGURES, options={"seed": 1}))
    assert answer["figures"][0]["ratio"] == {"median": 0.81, "low": 0.8, "high": 1.23}
    assert (answer["machine"]["durable"], answer["options"]) == (True, {"seed": 1})


def test_waits_are_from_each_messages_own_commit() -> None:
    assert waits({"a": 10.0, "b": 20.0}, [("b", 20.5), ("a", 10.25)]) == [0.5, 0.25]


@pytest.mark.parametrize("received", [[("a", 11.0)], [("a", 11.0), ("a", 12.0)], [("a", 1.0), ("c", 1.0)]])
def test_a_message_that_is_missing_or_came_twice_is_no_latency(received: list[tuple[str, float]]) -> None:
    with pytest.raises(stage.StageError, match="2 messages were committed"):
        waits({"a": 10.0, "b": 20.0}, received)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:p%40ss@db.example:5433/postroom?sslmode=require",
        "postgresql://postgres@/postroom?host=%2Ftmp%2Fpostroom-1&port=5432",
        "postgres:///postroom",
    ],
)
def test_a_process_is_led_to_our_database_by_the_configured_way(url: str, settings: Any) -> None:
    settings.DATABASE_URL = url
    name = connection.settings_dict["NAME"]
    configured, own = (Env().db_url_config(u) for u in (url, stage.database_url()))
    assert own == {**configured, "NAME": name}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--n", "0"], "a number from 1 to 10,000,000"),
        (["claim", "--n", "10000001"], "a number from 1 to 10,000,000"),
        (["--n", "1000001"], "more than 1,000,000 is for the claim and the pages alone"),
        (["--repeat", "many"], "argument --repeat: must be a number"),
        (["coffee"], "invalid choice: 'coffee'"),
    ],
)
def test_options_that_cannot_be_are_refused(
    words: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refusal:
        command.main(words)
    assert refusal.value.code == 2
    assert why in capsys.readouterr().err


def test_nothing_is_measured_in_live_mode(settings: Any) -> None:
    settings.SANDBOX = False
    with pytest.raises(stage.StageError, match="sandbox mode only"):
        suite.measure({"enqueue": 1}, times=1, seed=1, step=lambda _name: pytest.fail("something ran"))


@pytest.mark.django_db
def test_the_machine_is_described() -> None:
    machine = describe()
    assert machine.cores >= 1
    assert machine.postgresql.split(".")[0].isdigit()
    assert machine.processor


@pytest.mark.django_db
def test_the_e_mail_has_about_3_kilobytes() -> None:
    seed.seed(customers=3, seed=1)
    parts = seed.rendered(seed.TEMPLATE)
    assert 2_700 <= sum(map(len, parts.values())) <= 3_300
    assert "Tuesday, November 24, 2026" in parts["html"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("way", "why"),
    [
        ("worker", "should have sent 3 messages once. The provider counted 0"),
        ("bare", "ended with status 1"),
    ],
)
def test_messages_that_do_not_arrive_are_an_error_and_no_figure(way: str, why: str) -> None:
    people = seed.seed(customers=3, seed=1)
    assert len(seed.fill_queue(seed.requests(people)).queued) == 3
    with stage.providers(keep=0) as server:
        server.behave("sendgrid", status=503)
        with pytest.raises(stage.StageError, match=why):
            drain.send(server, way, 3)


@pytest.mark.django_db(transaction=True)
def test_a_claim_that_finds_too_little_is_an_error_and_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claim, "DUE", claim.DUE + "OFFSET 1")
    with pytest.raises(stage.StageError, match="4,999 of 5,000 due messages were claimed"):
        list(claim.measure(count=6, times=1, step=lambda _name: nullcontext()))
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA history_short, history_long CASCADE")


@pytest.mark.django_db
def test_every_benchmark_measures_messages_that_all_arrived() -> None:
    """A whole run, tiny, in a process of its own beside this test's database. It fails unless each arrives once."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--n", "6", "--repeat", "1", "--seed", "3", "--json"],
        cwd=django_settings.BASE_DIR,
        env={**os.environ, "DATABASE_URL": stage.database_url()},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["options"] == {
        "sizes": dict.fromkeys(
            ["enqueue", "drain", "promotion", "latency", "claim", "pages", "jobs", "sandbox"], 6
        ),
        "repeat": 1,
        "seed": 3,
    }
    figures = {figure["name"]: figure for figure in answer["figures"]}
    assert {figure["group"] for figure in figures.values()} == {
        "enqueue", "drain", "promotion", "latency", "claim", "pages", "jobs", "sandbox"
    }  # fmt: skip
    assert "claim of 100 due, 6 finished" in figures
    assert {"home, p95", "queue: failed, queries", "message, failed, p50"} <= set(figures)
    assert {"`notify()`, each its own commit", "`notify_many()` of 6", "one worker, 50 ms provider"} <= set(
        figures
    )
    assert all(
        figure["value"]["median"] > 0
        for name, figure in figures.items()
        if name.startswith("commit → received")
    )
    assert figures["one worker, 50 ms provider"]["limit"]["median"] == 320
