"""Who hears of a job in trouble, when, how often, and that it is over; whatever dies meanwhile."""

import datetime as dt
import io
import json
import threading
from typing import Any

import pytest
from django.contrib.auth.models import Group as AuthGroup
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection, connections
from django.utils import timezone

from jobs import tasks
from jobs.checks import check_security_centre
from jobs.escalation import escalate
from jobs.models import JobEscalation, JobRun
from jobs.pause import pause
from jobs.report import Outcome
from jobs.runner import run
from jobs.spec import JobResult, Progress
from jobs.trouble import DRAIN, Trouble
from jobs.watch import watch
from notifications.enqueue import notify
from notifications.message import Address
from notifications.models import DrainWatch, InboxItem, Notification
from notifications.worker import drain
from tests.catalogue import Install
from tests.waiting import start_and_wait_until_blocked

NOW = dt.datetime(2026, 11, 20, 15, 0, tzinfo=dt.UTC)
MINUTE, HOUR = dt.timedelta(minutes=1), dt.timedelta(hours=1)
ALERT, RECOVERED = "system.job_alert", "system.job_recovered"


@pytest.fixture
def centre(templates: None) -> User:
    """One person in the security centre."""
    user = User.objects.create_user("nadia", email="nadia@rental.example", is_staff=True)
    user.groups.add(AuthGroup.objects.get_or_create(name="security_centre")[0])
    return user


@pytest.fixture
def living_drain(db: None) -> None:
    """What waits in the queue is somebody's business already."""
    later = timezone.now() + dt.timedelta(days=1)
    DrainWatch.objects.update_or_create(pk=1, defaults={"alive_until": later, "listening_until": later})


def fail(*, now: dt.datetime, progress: Progress) -> JobResult:
    raise RuntimeError("no answer for anna.smith@example.com")


def told(template: str = ALERT) -> list[Notification]:
    """The e-mails to the security centre."""
    return list(
        Notification.objects.filter(template__name=template, channel="email").order_by("created_at", "id")
    )


def run_failing(times: int) -> None:
    for _ in range(times):
        assert run("probe", now=NOW, trigger="command").status is Outcome.FAILED


def dead_row(*, job: str = "probe") -> JobRun:
    """A run whose worker died an hour ago."""
    began = timezone.now() - HOUR
    return JobRun.objects.create(
        job_name=job, moment=NOW, trigger="schedule", started_at=began, lease_until=began + MINUTE
    )


# ── Failing ─────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.django_db
def test_three_failures_are_nobodys_business_and_the_fourth_is_told_on_more_than_one_channel(
    install: Install, centre: User
) -> None:
    install(fail)
    run_failing(3)
    assert not Notification.objects.exists()

    run_failing(1)
    rows = {row.channel: row for row in Notification.objects.all()}
    assert {channel for channel, row in rows.items() if row.status == "queued"} >= {"email", "inapp"}
    row = rows["email"]
    assert (row.category, row.to) == ("security", {"staff_id": str(centre.pk)})
    assert row.payload["failing"] == [{"job": "probe", "failures": 4}]
    assert row.payload["runs_url"].endswith("/admin/jobs/jobrun/")
    assert "anna" not in json.dumps(row.payload)

    drain(channels=["inapp"])
    assert InboxItem.objects.get().message == "probe failed 4 times in a row."


@pytest.mark.django_db
def test_it_is_told_again_only_after_a_pause_that_grows(install: Install, centre: User) -> None:
    install(fail)
    run_failing(4)
    first = timezone.now()
    moments = [
        first + 59 * MINUTE, first + 61 * MINUTE,  # after 1 h
        first + 5 * HOUR, first + 6 * HOUR,  # 4 h later
        first + 29 * HOUR, first + 31 * HOUR,  # 24 h later
        first + 54 * HOUR, first + 56 * HOUR,  # and then daily
    ]  # fmt: skip
    counts = []
    for moment in moments:
        escalate([Trouble("probe", "failing", 9)], succeeded={}, now=moment)
        counts.append(len(told()))
    assert counts == [1, 2, 2, 3, 3, 4, 4, 5]
    assert len({row.idempotency_key for row in told()}) == 5


@pytest.mark.django_db
def test_a_success_ends_it_with_one_message_and_the_next_failures_begin_anew(
    install: Install, centre: User
) -> None:
    install(fail)
    run_failing(5)
    install()
    for _ in range(2):
        run("probe", now=NOW, trigger="command")
    [row] = told(RECOVERED)
    assert row.payload["jobs"] == ["probe"]
    assert JobEscalation.objects.get().resolved_at is not None

    install(fail)
    run_failing(4)
    assert len(told()) == 2


@pytest.mark.django_db
def test_a_failure_below_the_limit_recovers_in_silence(install: Install, centre: User) -> None:
    install(fail)
    run_failing(3)
    install()
    run("probe", now=NOW, trigger="command")
    assert not Notification.objects.exists()
    assert not JobEscalation.objects.exists()


@pytest.mark.django_db
def test_time_outs_are_failures_too(install: Install, centre: User) -> None:
    def rule(*, now: dt.datetime, progress: Progress) -> JobResult:
        raise SystemExit("Task exceeded maximum timeout value (600 seconds)")

    install(rule)
    for _ in range(4):
        with pytest.raises(SystemExit):
            run("probe", now=NOW, trigger="command")
    assert len(told()) == 1


# ── Crashed, overdue ────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.django_db
def test_a_crash_is_told_at_once_by_the_watch_that_buries_it(install: Install, centre: User) -> None:
    install()
    dead = dead_row()
    report = watch(now=timezone.now())
    dead.refresh_from_db()
    assert (dead.status, report.buried) == ("crashed", 1)
    assert [row.payload["crashed"] for row in told()] == [["probe"]]


@pytest.mark.django_db
def test_a_crash_that_the_next_run_finds_is_told_though_that_run_succeeds(
    install: Install, centre: User
) -> None:
    install()
    dead_row()
    run("probe", now=NOW, trigger="command")
    assert len(told()) == len(told(RECOVERED)) == 1


@pytest.mark.django_db
def test_jobs_that_are_overdue_together_are_one_message(
    install: Install, centre: User, living_drain: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jobs import catalog

    jobs = {name: install(name=name) for name in ("one", "two")}
    monkeypatch.setattr(catalog, "CATALOG", jobs)
    for name in jobs:
        run(name, now=NOW, trigger="command")
    later = timezone.now() + 5 * HOUR
    report = watch(now=later)
    assert {(trouble.job, trouble.kind) for trouble in report.troubles} == {
        ("one", "overdue"),
        ("two", "overdue"),
    }
    [row] = told()
    assert row.payload["overdue"] == ["one", "two"]

    watch(now=later + 5 * MINUTE)
    assert len(told()) == 1


@pytest.mark.django_db
def test_a_paused_job_is_not_told_and_is_not_recovered_by_being_paused(
    install: Install, centre: User, living_drain: None
) -> None:
    install()
    run("probe", now=NOW, trigger="command")
    later = timezone.now() + 5 * HOUR
    watch(now=later)
    assert len(told()) == 1

    pause("probe", now=later, by="staff:1", reason="the provider moves")
    watch(now=later + 2 * HOUR)
    assert (len(told()), len(told(RECOVERED))) == (1, 0)
    assert JobEscalation.objects.get().resolved_at is None


@pytest.mark.django_db
def test_a_paused_job_may_fail_in_the_hands_of_whoever_mends_it(install: Install, centre: User) -> None:
    install(fail)
    pause("probe", now=timezone.now(), by="staff:1", reason="being mended")
    run_failing(5)
    assert told() == []


# ── The drain ───────────────────────────────────────────────────────────────────────────────────────────
def waiting_message() -> None:
    notify(
        to=Address("b@example.com"), channel="email", category="transactional", subject="x", body="y",
        now=timezone.now() - HOUR,
    )  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_a_drain_that_stands_still_is_told_and_the_watch_sends_what_waits(
    install: Install, centre: User, sandbox: Any
) -> None:
    install()
    waiting_message()
    tasks.watch_all()
    row = JobEscalation.objects.get()
    assert (row.job_name, row.kind, row.told) == (DRAIN, "overdue", 1)
    assert {row.status for row in Notification.objects.filter(channel="email")} == {"sent"}

    # What it sends itself is no recovery: each of its rounds would tell of one, and of the next standstill.
    waiting_message()
    tasks.watch_all()
    tasks.watch_all()
    assert told(RECOVERED) == []
    assert len(told()) == JobEscalation.objects.get().told == 1

    DrainWatch.objects.create(alive_until=timezone.now() + HOUR, listening_until=timezone.now() + HOUR)
    tasks.watch_all()
    assert len(told(RECOVERED)) == 1


@pytest.mark.django_db
def test_a_backlog_while_a_drain_lives_is_no_standstill(install: Install, living_drain: None) -> None:
    install()
    waiting_message()
    assert watch(now=timezone.now()).troubles == ()


# ── When telling fails ──────────────────────────────────────────────────────────────────────────────────
@pytest.mark.django_db
def test_with_nobody_to_tell_the_run_stands_the_log_is_loud_and_the_next_watch_tries_again(
    install: Install, templates: None, caplog: pytest.LogCaptureFixture
) -> None:
    AuthGroup.objects.get_or_create(name="security_centre")
    install(fail)
    run_failing(4)
    assert JobRun.objects.filter(status="failed").count() == 4
    [record] = [r for r in caplog.records if r.getMessage().startswith("job.alert_untold")]
    assert (record.levelname, "empty_group" in record.getMessage()) == ("CRITICAL", True)
    assert JobEscalation.objects.get().told == 0

    User.objects.create_user("late", email="late@rental.example").groups.add(
        AuthGroup.objects.get(name="security_centre")
    )
    watch(now=timezone.now())
    assert len(told()) == 1


@pytest.mark.django_db
def test_a_notice_that_breaks_does_not_change_the_runs_outcome(
    install: Install, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(**_kwargs: Any) -> None:
        raise KeyError("anything")

    monkeypatch.setattr("jobs.watch.job_statuses", broken)
    install(fail)
    run_failing(1)
    assert "job.notice_failed" in caplog.text
    assert JobRun.objects.get().status == "failed"


@pytest.mark.django_db
def test_a_system_check_warns_of_an_empty_security_centre() -> None:
    group, _ = AuthGroup.objects.get_or_create(name="security_centre")
    assert [found.id for found in check_security_centre(databases=["default"])] == ["jobs.W003"]
    assert check_security_centre(databases=None) == []
    User.objects.create_user("nadia").groups.add(group)
    assert check_security_centre(databases=["default"]) == []


# ── Two at once ─────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.django_db(transaction=True)
def test_two_watches_at_the_same_moment_tell_once(install: Install, centre: User) -> None:
    for number in range(5):
        ready = threading.Barrier(2)
        trouble = Trouble(f"probe{number}", "failing", 4)

        def look(ready: threading.Barrier = ready, trouble: Trouble = trouble) -> None:
            try:
                ready.wait(10)
                escalate([trouble], succeeded={}, now=NOW)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=look) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(15)
    assert [row.told for row in JobEscalation.objects.all()] == [1] * 5
    assert len(told()) == 5


@pytest.mark.django_db(transaction=True)
def test_a_watch_that_waited_for_another_to_open_the_row_finds_nothing_to_tell(
    install: Install, centre: User, other_connection: Any
) -> None:
    other_connection.execute("BEGIN")
    other_connection.execute(
        "INSERT INTO job_escalations (job_name, kind, opened_at, told, last_told_at) VALUES ('probe', 'failing', %s, 1, %s)",
        [NOW, NOW],
    )
    waiting = start_and_wait_until_blocked(
        lambda: escalate([Trouble("probe", "failing", 4)], succeeded={}, now=NOW)
    )
    other_connection.execute("COMMIT")
    waiting.join(15)
    assert JobEscalation.objects.get().told == 1
    assert told() == []


@pytest.mark.django_db(transaction=True)
def test_a_row_that_another_watch_is_telling_is_left_to_it(
    install: Install, centre: User, other_connection: Any, caplog: pytest.LogCaptureFixture
) -> None:
    JobEscalation.objects.create(job_name="probe", kind="failing", opened_at=NOW)
    with other_connection.transaction():
        other_connection.execute("SELECT 1 FROM job_escalations FOR UPDATE")
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '1s'")  # whoever waits here fails, and does not hang
            escalate([Trouble("probe", "failing", 4)], succeeded={}, now=NOW)
            cursor.execute("RESET lock_timeout")
    assert told() == []
    assert "job.alert_untold" not in caplog.text


@pytest.mark.django_db
def test_a_second_open_row_is_refused_by_the_database() -> None:
    JobEscalation.objects.create(job_name="probe", kind="failing")
    JobEscalation.objects.bulk_create(
        [JobEscalation(job_name="probe", kind="failing")], ignore_conflicts=True
    )
    assert JobEscalation.objects.count() == 1


@pytest.mark.django_db
def test_a_job_that_left_the_catalogue_is_nobodys_trouble_any_more(install: Install, centre: User) -> None:
    install(fail)
    run_failing(4)
    install(name="other")
    watch(now=timezone.now())
    assert JobEscalation.objects.get().resolved_at is not None
    assert told(RECOVERED) == []


# ── The command ─────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.django_db
def test_the_command_tells_what_is_wrong_and_its_exit_code_says_so(install: Install, centre: User) -> None:
    install()
    out = io.StringIO()
    call_command("watch_jobs", stdout=out)
    assert out.getvalue() == "Every job is on time, and so is the drain.\n"

    dead_row()
    out = io.StringIO()
    with pytest.raises(SystemExit, match="1"):
        call_command("watch_jobs", "--json", stdout=out)
    assert json.loads(out.getvalue())["troubles"] == [{"job": "probe", "kind": "crashed", "failures": 0}]


@pytest.mark.django_db
def test_a_run_that_goes_well_pays_one_look(install: Install) -> None:
    install()
    with connection.execute_wrapper(_count := _Counter()):
        run("probe", now=NOW, trigger="schedule", slot=NOW)
    assert sum("job_escalations" in sql for sql in _count.seen) == 1
    assert not any("django_q_schedule" in sql for sql in _count.seen)  # how it stands is not asked


class _Counter:
    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.seen.append(sql)
        return execute(sql, params, many, context)
