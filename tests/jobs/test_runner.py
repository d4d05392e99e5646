"""One run of a job: what is recorded, who is refused, what a failure, a crash or a time-out leaves behind."""

import datetime as dt
import signal
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import DatabaseError, connection, connections
from django.utils import timezone

from jobs import runner
from jobs.ledger import bury_dead
from jobs.models import JobRun
from jobs.report import Outcome, RunReport
from jobs.runner import UnknownJob, run
from jobs.spec import JobResult, Progress
from notifications.enqueue import notify
from notifications.message import Address
from notifications.models import ChannelState, DeliveryAttempt, Notification
from tests.catalogue import Install

NOW = dt.datetime(2026, 11, 20, 15, 0, tzinfo=dt.UTC)
SLOT = NOW
HOUR = dt.timedelta(hours=1)


def start(**fields: Any) -> RunReport:
    return run("probe", **{"now": NOW, "trigger": "command", **fields})


def running_row(*, lease: dt.timedelta, slot: dt.datetime | None = None) -> JobRun:
    """A run that some other worker began."""
    began = timezone.now() - HOUR
    return JobRun.objects.create(
        job_name="probe",
        moment=NOW,
        trigger="schedule",
        slot=slot,
        started_at=began,
        lease_until=began + HOUR + lease,
    )


def pause_email(reason: str = "a rule's work") -> None:
    """Something a rule may write, that a test can see."""
    ChannelState.objects.create(channel="email", reason=reason)


@contextmanager
def in_thread(work: Callable[[], RunReport]) -> Iterator[list[RunReport]]:
    """Run it on a connection of its own; the list holds its answer once the block is left."""
    answers: list[RunReport] = []

    def body() -> None:
        try:
            answers.append(work())
        finally:
            connections.close_all()

    thread = threading.Thread(target=body)
    thread.start()
    try:
        yield answers
    finally:
        thread.join(15)


# ── What is recorded ────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.django_db
def test_a_run_is_told_its_moment_and_recorded_with_its_summary(install: Install) -> None:
    told: list[dt.datetime] = []

    def rule(*, now: dt.datetime, progress: Progress) -> JobResult:
        told.append(now)
        return JobResult(found={"due": 3}, queued=2, withheld=1, changed={"alerts opened": 1})

    install(rule)
    report = start(actor="staff:7", slot=SLOT)

    assert report.status is Outcome.SUCCESS
    assert told == [NOW]
    row = JobRun.objects.get()
    assert (row.id, row.status, row.moment, row.slot, row.actor) == (
        report.run_id,
        "success",
        NOW,
        SLOT,
        "staff:7",
    )
    assert row.summary == {
        "found": {"due": 3},
        "queued": 2,
        "existing": 0,
        "withheld": 1,
        "changed": {"alerts opened": 1},
        "seconds": {},
    }
    assert row.finished_at is not None
    assert row.duration == row.finished_at - row.started_at


@pytest.mark.django_db
def test_messages_carry_the_run_that_asked_for_them(install: Install) -> None:
    install(queue_two)
    report = start(trigger="api")

    origins = {tuple(sorted(row.metadata["origin"].items())) for row in Notification.objects.all()}
    assert origins == {(("job", "probe"), ("run", str(report.run_id)), ("trigger", "api"))}


@pytest.mark.django_db
def test_an_unknown_job_names_the_nearest(install: Install) -> None:
    install(name="booking_reminders")
    with pytest.raises(UnknownJob, match="Did you mean booking_reminders"):
        run("booking_reminder", now=NOW, trigger="command")


@pytest.mark.django_db
def test_a_moment_without_a_time_zone_is_refused(install: Install) -> None:
    install()
    with pytest.raises(ValueError, match="time zone"):
        start(now=dt.datetime(2026, 11, 20, 15, 0))
    assert not JobRun.objects.exists()


# ── Failures ────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.django_db
def test_a_failure_half_way_leaves_nothing_half_done_and_says_why(install: Install) -> None:
    def rule(*, now: dt.datetime, progress: Progress) -> JobResult:
        pause_email()
        raise RuntimeError("no answer for anna.smith@example.com\nsecond line with details")

    install(rule)
    report = start()

    assert not ChannelState.objects.exists()
    assert report.status is Outcome.FAILED
    row = JobRun.objects.get()
    assert row.status == "failed"
    assert row.error_message == report.error == "RuntimeError: no answer for [e-mail]"


@pytest.mark.django_db
def test_a_job_that_commits_by_itself_keeps_what_it_did(install: Install) -> None:
    def rule(*, now: dt.datetime, progress: Progress) -> JobResult:
        pause_email()
        raise RuntimeError("later")

    install(rule, atomic=False)
    start()
    assert ChannelState.objects.exists()
    assert JobRun.objects.get().status == "failed"


@pytest.mark.django_db
def test_what_the_database_quotes_of_a_row_is_not_kept(
    install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    def rule(*, now: dt.datetime, progress: Progress) -> JobResult:
        pause_email("Anna Smith")
        pause_email("Anna Smith")
        return JobResult()

    install(rule)
    report = start()
    assert report.error.startswith("IntegrityError: duplicate key value violates unique constraint")
    assert "DETAIL" not in report.error
    assert "already exists" not in caplog.text
    assert "test_runner.py" in caplog.text  # the place is told, the values are not


@pytest.mark.django_db
def test_an_end_that_cannot_be_written_does_not_hide_why_the_job_failed(
    install: Install, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def rule(*, now: dt.datetime, progress: Progress) -> JobResult:
        raise RuntimeError("the first cause")

    def broken(*_args: Any, **_kwargs: Any) -> bool:
        raise DatabaseError("connection lost")

    install(rule)
    monkeypatch.setattr(runner, "finish", broken)
    assert start().error == "RuntimeError: the first cause"
    assert "job.finish_failed" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_time_out_in_the_middle_of_a_statement_is_recorded_and_raised_again(install: Install) -> None:
    class TimeoutException(SystemExit):
        """What django-q2 raises from SIGALRM."""

    def ring(_signum: int, _frame: Any) -> None:
        raise TimeoutException("Task exceeded maximum timeout value (1 seconds)")

    def rule(*, now: dt.datetime, progress: Progress) -> JobResult:
        pause_email()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(20)")
        return JobResult()

    install(rule)
    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(TimeoutException):
            start()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    row = JobRun.objects.get()
    assert row.status == "failed"
    assert (row.error_message or "").startswith("timeout: TimeoutException: Task exceeded")
    assert not ChannelState.objects.exists()


@pytest.mark.django_db
def test_ctrl_c_is_recorded_and_raised_again(install: Install) -> None:
    def rule(*, now: dt.datetime, progress: Progress) -> JobResult:
        raise KeyboardInterrupt

    install(rule)
    with pytest.raises(KeyboardInterrupt):
        start()
    assert JobRun.objects.get().error_message == "interrupted: KeyboardInterrupt"


# ── One run at a time, one run a slot ───────────────────────────────────────────────────────────────────
@pytest.mark.django_db
def test_a_slot_has_one_run(install: Install) -> None:
    install()
    assert start(slot=SLOT).status is Outcome.SUCCESS
    second = start(slot=SLOT)
    assert (second.status, second.reason) == (Outcome.SKIPPED, "slot_taken")
    assert start(slot=SLOT + HOUR).status is Outcome.SUCCESS
    assert JobRun.objects.count() == 2


@pytest.mark.django_db
def test_a_failed_slot_is_not_run_again_by_the_clock(install: Install) -> None:
    def rule(*, now: dt.datetime, progress: Progress) -> JobResult:
        raise RuntimeError("no")

    install(rule)
    start(slot=SLOT)
    assert start(slot=SLOT).reason == "slot_taken"


@pytest.mark.django_db
def test_a_second_run_is_refused_while_one_goes_on(install: Install) -> None:
    install()
    running_row(lease=HOUR)
    report = start()
    assert (report.status, report.reason) == (Outcome.SKIPPED, "already_running")
    assert "one run at a time" in report.error


@pytest.mark.django_db
def test_a_run_handed_out_twice_under_one_id_runs_once(install: Install) -> None:
    install()
    run_id = uuid.uuid4()
    assert start(run_id=run_id).status is Outcome.SUCCESS
    assert start(run_id=run_id).reason == "slot_taken"


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_at_the_same_moment_one_runs(install: Install) -> None:
    entered, leave = threading.Event(), threading.Event()

    def rule(*, now: dt.datetime, progress: Progress) -> JobResult:
        entered.set()
        assert leave.wait(10)
        return JobResult()

    install(rule)
    with in_thread(lambda: start(slot=SLOT)) as first:
        assert entered.wait(10)
        second = start(slot=SLOT + HOUR)
        leave.set()
    assert second.reason == "already_running"
    assert first[0].status is Outcome.SUCCESS


# ── Crashes ─────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.django_db
def test_a_dead_run_is_buried_and_its_slot_can_be_finished(install: Install) -> None:
    install()
    dead = running_row(lease=-dt.timedelta(seconds=1), slot=SLOT)
    assert start(slot=SLOT).status is Outcome.SUCCESS
    dead.refresh_from_db()
    assert dead.status == "crashed"
    assert dead.finished_at is not None


@pytest.mark.django_db
def test_a_slot_that_crashed_three_times_is_given_up(install: Install) -> None:
    install()
    for _ in range(3):
        running_row(lease=-dt.timedelta(seconds=1), slot=SLOT)
        bury_dead("probe")
    assert start(slot=SLOT).reason == "gave_up"
    assert start(slot=SLOT + HOUR).status is Outcome.SUCCESS


@pytest.mark.django_db(transaction=True)
def test_a_slow_run_whose_lease_ran_out_is_not_taken_for_dead_while_it_works(install: Install) -> None:
    entered, leave = threading.Event(), threading.Event()

    def rule(*, now: dt.datetime, progress: Progress) -> JobResult:
        entered.set()
        assert leave.wait(10)
        return JobResult(queued=5)

    # The lease is over before the work begins.
    install(rule, timeout=-dt.timedelta(hours=2))
    with in_thread(start) as first:
        assert entered.wait(10)
        rival = start()
        leave.set()
    assert rival.reason == "already_running"
    assert first[0].status is Outcome.SUCCESS
    assert JobRun.objects.get().summary["queued"] == 5


@pytest.mark.django_db
def test_a_run_declared_dead_undoes_its_work_and_does_not_overwrite_the_verdict(
    install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    def rule(*, now: dt.datetime, progress: Progress) -> JobResult:
        pause_email()
        JobRun.objects.update(
            status="crashed", finished_at=timezone.now() + HOUR, error_message="declared dead"
        )
        return JobResult()

    install(rule, atomic=False)
    report = start()
    assert report.status is Outcome.FAILED
    assert report.error.startswith("Lost: probe took longer")
    assert JobRun.objects.get().error_message == "declared dead"
    assert "job.stale_finish" in caplog.text


# ── Dry runs ────────────────────────────────────────────────────────────────────────────────────────────
def queue_two(*, now: dt.datetime, progress: Progress) -> JobResult:
    for number, scheduled_at in enumerate((now + HOUR, now)):
        notify(
            to=Address("anna.smith@example.com"),
            channel="email",
            category="transactional",
            subject="Hello",
            body=f"Number {number}",
            scheduled_at=scheduled_at,
            now=now,
        )
    return JobResult(found={"due": 2}, queued=2, changed={"bookings reminded": 1})


@pytest.mark.django_db
def test_a_dry_run_tells_each_message_and_change_and_keeps_nothing(install: Install) -> None:
    install(queue_two)
    report = start(dry_run=True)

    assert report.status is Outcome.SUCCESS
    assert [(m.channel, m.scheduled_at, m.status) for m in report.messages] == [
        ("email", NOW, "queued"),
        ("email", NOW + HOUR, "queued"),
    ]
    assert report.message_count == 2
    assert not any("anna.smith" in message.recipient for message in report.messages)
    assert not Notification.objects.exists()
    assert not JobRun.objects.exists()


@pytest.mark.django_db
def test_a_dry_run_does_not_show_what_others_queued(install: Install) -> None:
    notify(
        to=Address("b@example.com"), channel="email", category="transactional", subject="x", body="y", now=NOW
    )
    install(queue_two)
    assert start(dry_run=True).message_count == 2


@pytest.mark.django_db
def test_a_dry_run_that_fails_says_why_and_keeps_nothing(install: Install) -> None:
    def rule(*, now: dt.datetime, progress: Progress) -> JobResult:
        pause_email()
        raise RuntimeError("no")

    install(rule)
    report = start(dry_run=True)
    assert (report.status, report.error) == (Outcome.FAILED, "RuntimeError: no")
    assert not ChannelState.objects.exists()
    assert not JobRun.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_dry_run_finds_what_only_the_commit_would_have_found(install: Install) -> None:
    def rule(*, now: dt.datetime, progress: Progress) -> JobResult:
        DeliveryAttempt.objects.create(
            notification_id=uuid.uuid4(),
            number=1,
            provider="x",
            outcome="sent",
            started_at=now,
            finished_at=now,
        )
        return JobResult()

    install(rule)
    report = start(dry_run=True)
    assert report.status is Outcome.FAILED
    assert "foreign key" in report.error


@pytest.mark.django_db
def test_a_job_that_commits_as_it_goes_has_no_dry_run_unless_it_says_so(install: Install) -> None:
    install(queue_two, atomic=False)
    assert start(dry_run=True).reason == "no_dry_run"
    install(queue_two, atomic=False, rehearsable=True)
    assert start(dry_run=True).message_count == 2
    assert not Notification.objects.exists()


@pytest.mark.django_db
def test_a_dry_run_is_refused_while_a_run_goes_on(install: Install) -> None:
    install()
    running_row(lease=HOUR)
    assert start(dry_run=True).reason == "already_running"


@pytest.mark.django_db(transaction=True)
def test_a_run_is_refused_while_a_long_dry_run_goes_on(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, leave = threading.Event(), threading.Event()

    def rule(*, now: dt.datetime, progress: Progress) -> JobResult:
        entered.set()
        assert leave.wait(10)
        return JobResult()

    install(rule)
    monkeypatch.setattr("jobs.ledger.PATIENCE", dt.timedelta(milliseconds=200))
    with in_thread(lambda: start(dry_run=True)) as dry:
        assert entered.wait(10)
        real = start()
        leave.set()
    assert (real.reason, dry[0].status) == ("already_running", Outcome.SUCCESS)
    assert not JobRun.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_clock_waits_for_a_dry_run_because_its_slot_does_not_come_back(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, leave = threading.Event(), threading.Event()

    def rule(*, now: dt.datetime, progress: Progress) -> JobResult:
        if not entered.is_set():
            entered.set()
            assert leave.wait(10)
        return JobResult()

    install(rule)
    monkeypatch.setattr("jobs.ledger.PATIENCE", dt.timedelta(milliseconds=1))
    with in_thread(lambda: start(dry_run=True)):
        assert entered.wait(10)
        threading.Timer(0.3, leave.set).start()
        scheduled = run("probe", now=NOW, trigger="schedule", slot=NOW)
    assert scheduled.status is Outcome.SUCCESS
    assert JobRun.objects.get().slot == NOW


@pytest.mark.django_db
def test_a_run_that_no_cluster_stops_ends_at_its_time_limit(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rule(*, now: dt.datetime, progress: Progress) -> JobResult:
        for done in range(3):
            progress(done, 3)
            clock.append(clock[-1] + 3600)
        return JobResult()

    clock = [1000.0]
    monkeypatch.setattr("jobs.limit.time.monotonic", lambda: clock[-1])
    install(rule)
    report = start()
    assert (report.status, report.error.split(":")[0]) == (Outcome.FAILED, "OutOfTime")
    assert clock == [1000.0, 4600.0]
