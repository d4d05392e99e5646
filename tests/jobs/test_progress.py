"""How far a long run is can be seen by others while it works, and costs a short one nothing."""

import datetime as dt
from typing import Any

import pytest

from jobs import progress as stored
from jobs.models import JobProgress
from jobs.runner import run
from jobs.spec import JobResult, Progress
from jobs.status import job_statuses
from jobs.tables import job_table
from tests.catalogue import Install

NOW = dt.datetime(2026, 11, 20, 15, 0, tzinfo=dt.UTC)


def in_steps(*, now: dt.datetime, progress: Progress) -> JobResult:
    progress(400, 1000)
    return JobResult()


@pytest.mark.django_db(transaction=True)
def test_others_see_how_far_a_run_is_before_it_commits(
    install: Install, monkeypatch: pytest.MonkeyPatch, other_connection: Any
) -> None:
    seen: list[Any] = []
    lines: list[str] = []
    bar: list[tuple[int, int]] = []

    def rule(*, now: dt.datetime, progress: Progress) -> JobResult:
        progress(400, 1000)
        seen.append(other_connection.execute("SELECT job_name, done, total FROM job_progress").fetchone())
        lines.extend(job_table(job_statuses(now=NOW)))
        progress(900, 1000)
        return JobResult()

    monkeypatch.setattr(stored, "EVERY", 0.0)
    install(rule)
    assert run("probe", now=NOW, trigger="command", progress=lambda *n: bar.append(n)).status == "success"
    assert seen == [("probe", 400, 1000)]
    assert "running 400/1000" in lines[1]
    assert bar == [(400, 1000), (900, 1000)]

    last = job_statuses(now=NOW)[0].last_run
    assert last is not None
    assert (last.status, last.total) == ("success", None)  # of no interest any more


@pytest.mark.django_db
def test_a_short_run_stores_nothing(install: Install) -> None:
    install(in_steps)
    run("probe", now=NOW, trigger="command")
    assert not JobProgress.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_progress_that_cannot_be_stored_does_not_fail_the_run(
    install: Install, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def rule(*, now: dt.datetime, progress: Progress) -> JobResult:
        progress(1, 2)
        progress(2, 2)
        return JobResult()

    monkeypatch.setattr(stored, "EVERY", 0.0)
    monkeypatch.setattr(stored, "TELL", "INSERT INTO nowhere VALUES (%s, %s, %s, %s)")
    install(rule)
    assert run("probe", now=NOW, trigger="command").status == "success"
    assert caplog.text.count("job.progress_lost") == 1  # tried once, not for every row


@pytest.mark.django_db(transaction=True)
def test_what_a_run_that_was_cut_off_told_is_not_the_next_ones(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int | None] = []

    def rule(*, now: dt.datetime, progress: Progress) -> JobResult:
        last = job_statuses(now=NOW)[0].last_run
        told.append(last.done if last else None)
        progress(5, 10)
        raise RuntimeError("cut off")

    monkeypatch.setattr(stored, "EVERY", 0.0)
    install(rule)
    for _ in range(2):
        run("probe", now=NOW, trigger="command")
    assert told == [None, None]
    assert JobProgress.objects.get().done == 5
