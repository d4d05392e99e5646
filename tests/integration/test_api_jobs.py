"""The jobs over HTTP: how they stand, their history, and running one."""

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from jobs import tasks
from jobs.models import JobRun
from jobs.spec import JobResult, Progress
from notifications.enqueue import notify
from notifications.message import Address
from notifications.models import Notification
from tests.catalogue import Install
from tests.integration.api_client import program

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2026, 11, 20, 15, 0, tzinfo=dt.UTC)
RUN = "/api/admin/jobs/probe/run"
JSON = "application/json"


@pytest.fixture
def ops(settings: Any) -> Client:
    return program(settings)


def remind(*, now: dt.datetime, progress: Progress) -> JobResult:
    notify(
        to=Address("anna.smith@example.com"),
        channel="email",
        category="transactional",
        subject="Hello",
        body="Your excavator is ready",
        now=now,
    )
    return JobResult(found={"pickup": 1}, queued=1, changed={"bookings reminded": 1})


def fail(*, now: dt.datetime, progress: Progress) -> JobResult:
    raise RuntimeError("the ledger is closed")


def ran(number: int, status: str = "success") -> JobRun:
    started = NOW - dt.timedelta(minutes=number)
    return JobRun.objects.create(
        job_name="probe",
        status=status,
        moment=started,
        started_at=started,
        finished_at=started + dt.timedelta(seconds=2),
        duration=dt.timedelta(seconds=2),
        error_message="RuntimeError: no" if status == "failed" else None,
        trigger="schedule",
        lease_until=started,
    )


# ── Running ─────────────────────────────────────────────────────────────────────────────────────────────
def test_a_run_answers_its_report_and_is_on_record(ops: Client, install: Install) -> None:
    install(remind)
    response = ops.post(RUN, {"at": "2026-11-20T11:00:00-04:00"}, content_type=JSON)
    assert response.status_code == 200
    report = response.json()["data"]
    assert (report["status"], report["summary"]["queued"]) == ("success", 1)
    row = JobRun.objects.get()
    assert (str(row.id), row.trigger, row.actor, row.moment) == (report["run_id"], "api", "token:ops", NOW)
    assert Notification.objects.count() == 1


def test_a_dry_run_shows_messages_and_changes_and_keeps_nothing(ops: Client, install: Install) -> None:
    install(remind)
    response = ops.post(RUN, {"dry_run": True}, content_type=JSON)
    report = response.json()["data"]
    assert report["message_count"] == len(report["messages"]) == 1
    assert b"anna.smith" not in response.content
    assert not Notification.objects.exists()
    assert not JobRun.objects.exists()


def test_a_job_that_fails_answers_so(ops: Client, install: Install) -> None:
    install(fail)
    response = ops.post(RUN, content_type=JSON)
    assert response.status_code == 200
    report = response.json()["data"]
    assert (report["status"], report["error"]) == ("failed", "RuntimeError: the ledger is closed")


def test_an_unknown_job_is_a_404_that_names_the_nearest(ops: Client, install: Install) -> None:
    install()
    response = ops.post("/api/admin/jobs/prob/run", content_type=JSON)
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "unknown_job"
    assert "probe" in response.json()["error"]["message"]


def test_a_running_job_is_a_409(ops: Client, install: Install) -> None:
    install()
    now = timezone.now()
    JobRun.objects.create(
        job_name="probe", moment=now, trigger="schedule", lease_until=now + dt.timedelta(hours=1)
    )
    for body in ({}, {"dry_run": True}):
        response = ops.post(RUN, body, content_type=JSON)
        assert (response.status_code, response.json()["error"]["code"]) == (409, "already_running")


def test_a_job_without_a_dry_run_says_so(ops: Client, install: Install) -> None:
    install(atomic=False)
    response = ops.post(RUN, {"dry_run": True}, content_type=JSON)
    assert (response.status_code, response.json()["error"]["code"]) == (422, "no_dry_run")


def test_a_run_without_waiting_is_a_workers_under_the_promised_id(ops: Client, install: Install) -> None:
    install()
    response = ops.post(RUN, {"wait": False, "at": NOW.isoformat()}, content_type=JSON)
    assert response.status_code == 202
    assert not JobRun.objects.exists()

    task = SignedPackage.loads(OrmQ.objects.get(key="jobs").payload)
    tasks.run_requested(*task["args"], **task["kwargs"])
    row = JobRun.objects.get()
    assert (str(row.id), row.actor, row.moment) == (response.json()["data"]["run_id"], "token:ops", NOW)


# ── How they stand ──────────────────────────────────────────────────────────────────────────────────────
def test_the_status_tells_each_job_and_a_probe_fails_when_one_does(ops: Client, install: Install) -> None:
    install(fail)
    url = "/api/admin/jobs/status"
    assert ops.get(url).json()["data"]["state"] == "ok"
    for _ in range(4):
        ops.post(RUN, content_type=JSON)

    response = ops.get(url)
    assert response.status_code == 200
    data = response.json()["data"]
    [job] = data["jobs"]
    assert (data["state"], job["state"], job["consecutive_failures"]) == ("failing", "failing", 4)
    assert job["last_run"]["status"] == "failed"
    assert job["last_run"]["error"] == "RuntimeError: the ledger is closed"
    assert job["last_run"]["duration_seconds"] is not None
    assert ops.get(url, {"probe": "1"}).status_code == 503

    install()
    ops.post(RUN, content_type=JSON)
    assert ops.get(url, {"probe": "1"}).status_code == 200


def test_the_history_comes_in_pages_without_gaps_or_doubles(ops: Client) -> None:
    wanted = [str(ran(number).pk) for number in range(7)]
    # Two runs in the same microsecond, across the end of a page.
    JobRun.objects.filter(pk=wanted[2]).update(started_at=NOW - dt.timedelta(minutes=3))

    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        query = {"limit": "3", **({"cursor": cursor} if cursor else {})}
        page = ops.get("/api/admin/jobs/runs", query).json()
        seen += [run["id"] for run in page["data"]]
        cursor = page["meta"]["next_cursor"]
    assert len(seen) == 7
    assert set(seen) == set(wanted)


def test_the_history_can_be_narrowed(ops: Client) -> None:
    ran(1)
    failed = ran(2, "failed")
    page = ops.get("/api/admin/jobs/runs", {"job": "probe", "status": "failed", "trigger": "schedule"}).json()
    [run] = page["data"]
    assert (run["id"], run["error"], run["duration_seconds"]) == (str(failed.pk), "RuntimeError: no", 2.0)
    assert ops.get("/api/admin/jobs/runs", {"job": "other"}).json()["data"] == []


@pytest.mark.parametrize(
    "query",
    [{"status": "odd"}, {"limit": 0}, {"limit": 201}, {"job": "\x00"}, {"cursor": "x"}, {"cursor": "2026-01-01_x"},
     {"cursor": "0001-01-01T00:00:00+14:00_6f9619ff-8b86-4d01-b42d-00cf4fc964ff"}],
)  # fmt: skip
def test_a_query_that_makes_no_sense_is_a_422(ops: Client, query: dict[str, Any]) -> None:
    response = ops.get("/api/admin/jobs/runs", query)
    assert response.status_code == 422
    assert set(response.json()["error"]["fields"]) == set(query)
