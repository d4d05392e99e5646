"""A job whose schedule somebody stopped: its slots pass by, people may run it, and who and why is kept."""

import datetime as dt
import io
import json
import threading
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.test import Client
from django.utils import timezone
from django_q.models import Schedule

from jobs import tasks
from jobs.models import JobPause, JobRun
from jobs.pause import pause, resume
from jobs.runner import run
from jobs.schedules import sync_schedules
from jobs.status import healthy, job_statuses
from tests.catalogue import Install
from tests.integration.api_client import program

HOUR = dt.timedelta(hours=1)
NOW = dt.datetime(2026, 11, 20, 15, 0, tzinfo=dt.UTC)
URL = "/api/admin/jobs/probe"
JSON = "application/json"


def command(*arguments: str) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("job", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


# ── What it does ────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.django_db
def test_a_slot_handed_out_while_paused_is_skipped_and_leaves_no_failure(
    install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    install()
    pause("probe", now=timezone.now(), by="staff:7", reason="the provider moves")
    caplog.set_level("INFO")
    tasks.run_scheduled("probe", NOW.isoformat())
    assert not JobRun.objects.exists()
    assert "reason=paused" in caplog.text

    report = run("probe", now=NOW, trigger="schedule", slot=NOW)
    assert (report.status, report.reason) == ("skipped", "paused")
    assert "by staff:7: the provider moves" in report.error


@pytest.mark.django_db
@pytest.mark.parametrize("trigger", ["command", "api", "admin"])
def test_people_run_a_paused_job(install: Install, trigger: str) -> None:
    install()
    pause("probe", now=timezone.now(), by="staff:7", reason="why")
    assert run("probe", now=NOW, trigger=trigger).status == "success"


@pytest.mark.django_db
def test_a_pause_ends_at_its_moment_or_when_somebody_resumes_the_job(install: Install) -> None:
    install()
    pause("probe", now=timezone.now() - 2 * HOUR, until=timezone.now() - HOUR, by="staff:7", reason="why")
    assert run("probe", now=NOW, trigger="schedule", slot=NOW).status == "success"

    pause("probe", now=timezone.now(), by="staff:7", reason="again")
    resume("probe", now=timezone.now(), by="staff:8", reason="done")
    assert run("probe", now=NOW, trigger="schedule", slot=NOW + HOUR).status == "success"


@pytest.mark.django_db
def test_the_history_says_who_and_why_also_of_a_pause_that_the_clock_ended(install: Install) -> None:
    end = NOW + HOUR
    assert pause("probe", now=NOW, until=end, by="staff:7", reason="first")
    assert not pause("probe", now=NOW, by="staff:8", reason="too early")
    assert pause("probe", now=end, by="staff:8", reason="second")
    assert resume("probe", now=end + HOUR, by="staff:9", reason="it works")
    assert not resume("probe", now=end + HOUR, by="staff:9", reason="twice")
    rows = JobPause.objects.order_by("paused_at")
    assert [
        (row.reason, row.paused_by, row.resumed_at, row.resumed_by, row.resume_reason) for row in rows
    ] == [
        ("first", "staff:7", end, "clock", ""),
        ("second", "staff:8", end + HOUR, "staff:9", "it works"),
    ]


@pytest.mark.django_db(transaction=True)
def test_of_two_who_pause_at_once_one_does() -> None:
    ready = threading.Barrier(2)
    answers: list[bool] = []

    def stop() -> None:
        try:
            ready.wait(10)
            answers.append(pause("probe", now=NOW, by="staff:7", reason="why"))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=stop) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(15)
    assert sorted(answers) == [False, True]


# ── How it stands ───────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.django_db
def test_a_paused_job_is_not_overdue_and_counts_anew_from_the_end_of_the_pause(install: Install) -> None:
    install()
    run("probe", now=NOW, trigger="command")
    began = timezone.now()
    pause("probe", now=began + HOUR, by="staff:7", reason="why")
    [job] = job_statuses(now=began + 9 * HOUR)
    assert (job.state, job.overdue, healthy([job])) == ("paused", False, True)
    assert job.pause is not None
    assert (job.pause.paused_by, job.pause.reason) == ("staff:7", "why")

    resume("probe", now=began + 9 * HOUR, by="staff:7", reason="done")
    assert not job_statuses(now=began + 11 * HOUR)[0].overdue
    assert job_statuses(now=began + 13 * HOUR)[0].overdue


@pytest.mark.django_db
def test_a_sync_of_the_schedules_does_not_undo_a_pause(install: Install) -> None:
    install()
    sync_schedules(now=timezone.now())
    pause("probe", now=timezone.now(), by="staff:7", reason="why")
    before = list(Schedule.objects.order_by("pk").values())
    assert sync_schedules(now=timezone.now()).drift == ()
    assert list(Schedule.objects.order_by("pk").values()) == before
    assert run("probe", now=NOW, trigger="schedule", slot=NOW).reason == "paused"


# ── The command ─────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.django_db
def test_pause_show_and_resume_by_command(install: Install) -> None:
    install()
    assert command("show", "probe")[0] == "probe was never paused.\n"
    out, _ = command("pause", "probe", "--reason", "Stripe moves", "--until", "2090-01-01T08:00-04:00")
    assert "by command: Stripe moves\n  until 2090-01-01T08:00" in out
    assert "is paused already" in command("pause", "probe", "--reason", "again")[1]
    assert "by command: It has moved" in command("resume", "probe", "--reason", "It has moved")[0]
    assert "was not paused" in command("resume", "probe", "--reason", "again")[1]
    [row] = json.loads(command("show", "probe", "--json")[0])
    assert (row["reason"], row["resume_reason"]) == ("Stripe moves", "It has moved")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["pause", "probe"], "--reason"),
        (["pause", "prob", "--reason", "x"], "Did you mean probe"),
        (["pause", "probe", "--reason", "ask anna@example.com"], "--reason: Leave e-mail addresses"),
        (["pause", "probe", "--reason", "x", "--until", "soon"], "--until: “soon” is not a moment"),
        (["pause", "probe", "--reason", "x", "--until", "2020-01-01"], "in the past"),
    ],
)
def test_what_the_command_refuses(install: Install, arguments: list[str], says: str) -> None:
    install()
    with pytest.raises(CommandError, match=says):
        command(*arguments)
    assert not JobPause.objects.exists()


# ── The API ─────────────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture
def ops(settings: Any) -> Client:
    return program(settings)


@pytest.mark.django_db
def test_pause_and_resume_by_api_are_seen_in_the_status(ops: Client, install: Install) -> None:
    install()
    response = ops.post(f"{URL}/pause", {"reason": "Stripe moves"}, content_type=JSON)
    [row] = response.json()["data"]
    assert (row["paused_by"], row["reason"], row["until"]) == ("token:ops", "Stripe moves", None)
    [job] = ops.get("/api/admin/jobs/status").json()["data"]["jobs"]
    assert (job["state"], job["pause"]["reason"]) == ("paused", "Stripe moves")

    again = ops.post(f"{URL}/pause", {"reason": "x"}, content_type=JSON)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "already_paused")
    assert ops.post(f"{URL}/resume", {"reason": "done"}, content_type=JSON).status_code == 200
    again = ops.post(f"{URL}/resume", {"reason": "x"}, content_type=JSON)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "not_paused")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/admin/jobs/prob/pause", {"reason": "x"}, 404),
        (f"{URL}/pause", {}, 422),
        (f"{URL}/pause", {"reason": "anna@example.com asked"}, 422),
        (f"{URL}/pause", {"reason": "x", "until": "2020-01-01T00:00:00Z"}, 422),
    ],
)
def test_what_the_api_refuses(
    ops: Client, install: Install, path: str, body: dict[str, str], status: int
) -> None:
    install()
    assert ops.post(path, body, content_type=JSON).status_code == status
    assert not JobPause.objects.exists()
