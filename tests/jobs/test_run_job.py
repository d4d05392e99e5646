"""`manage.py run_job`: what it prints, what it refuses, and the exit code that a script reads."""

import datetime as dt
import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from jobs.models import JobRun
from jobs.schedules import sync_schedules
from jobs.spec import JobResult, Progress
from notifications.enqueue import notify
from notifications.message import Address
from notifications.models import Notification
from tests.catalogue import Install

pytestmark = pytest.mark.django_db


def run_job(*args: str, **options: Any) -> tuple[int, str]:
    """Run the command; its exit code and what it printed."""
    out = io.StringIO()
    try:
        call_command("run_job", *args, stdout=out, **options)
    except SystemExit as stop:
        return int(str(stop.code)), out.getvalue()
    except CommandError as error:
        return error.returncode, str(error)
    return 0, out.getvalue()


def remind(*, now: dt.datetime, progress: Progress) -> JobResult:
    progress(1, 1)
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


def test_a_run_tells_what_it_found_and_exits_0(install: Install) -> None:
    install(remind)
    code, printed = run_job("probe")
    assert code == 0
    assert "found 1 pickup" in printed
    assert "messages: 1 queued, 0 existing, 0 withheld" in printed
    assert "1 bookings reminded" in printed
    assert JobRun.objects.get().trigger == "command"


def test_a_failed_run_exits_1_and_says_why(install: Install) -> None:
    install(fail)
    code, printed = run_job("probe")
    assert code == 1
    assert "failed: RuntimeError: the ledger is closed" in printed


def test_a_run_that_goes_on_elsewhere_exits_3(install: Install) -> None:
    install()
    now = timezone.now()
    JobRun.objects.create(
        job_name="probe", moment=now, trigger="schedule", lease_until=now + dt.timedelta(hours=1)
    )
    code, printed = run_job("probe")
    assert code == 3
    assert "one run at a time" in printed


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["prob"], "Did you mean probe?"),
        ([], "Name a job, or use --list"),
        (["probe", "--at", "tomorrow"], "Use ISO 8601, such as 2026-11-15T08:00"),
        (["probe", "--at", "9999-01-01"], "between 2000 and 2100"),
    ],
)
def test_wrong_usage_exits_2_and_says_what_is_right(install: Install, args: list[str], said: str) -> None:
    install()
    code, printed = run_job(*args)
    assert code == 2
    assert said in printed
    assert not JobRun.objects.exists()


@pytest.mark.parametrize("at", ["2026-11-15T08:00", "2026-11-15T08:00-04:00", "2026-11-15T12:00Z"])
def test_a_moment_without_an_offset_is_local(install: Install, at: str) -> None:
    install()
    assert run_job("probe", "--at", at)[0] == 0
    assert JobRun.objects.get().moment == dt.datetime(2026, 11, 15, 12, 0, tzinfo=dt.UTC)


def test_a_dry_run_shows_each_message_and_change_and_keeps_nothing(install: Install) -> None:
    install(remind)
    code, printed = run_job("probe", "--dry-run", "--at", "2026-11-15T08:00")
    assert code == 0
    assert "would succeed (dry run, rolled back)" in printed
    assert "MESSAGES: 1" in printed
    assert "2026-11-15 08:00 AST" in printed
    assert "anna.smith" not in printed
    assert not Notification.objects.exists()
    assert not JobRun.objects.exists()


def test_json_is_one_document(install: Install) -> None:
    install(remind)
    document = json.loads(run_job("probe", "--dry-run", "--json")[1])
    assert document["status"] == "success"
    assert document["summary"]["found"] == {"pickup": 1}
    assert [message["channel"] for message in document["messages"]] == ["email"]


def test_the_list_shows_schedule_next_run_and_last_run(install: Install) -> None:
    install(fail, cron="*/5 * * * *")
    assert "never" in run_job("--list")[1]
    sync_schedules(now=timezone.now())
    run_job("probe")

    _code, printed = run_job("--list")
    [head, line] = printed.strip().splitlines()
    assert head.split("  ")[0] == "JOB"
    assert "every 5 minutes" in line
    assert "failed" in line
    assert "not scheduled" not in line

    [job] = json.loads(run_job("--list", "--json")[1])
    assert (job["name"], job["state"], job["consecutive_failures"]) == ("probe", "failing", 1)
    assert job["last_run"]["error"] == "RuntimeError: the ledger is closed"
