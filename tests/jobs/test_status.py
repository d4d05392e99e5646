"""How each job stands: last run, failures in a row, overdue or not, and at what cost."""

import datetime as dt

import pytest
from django.db import connection
from django.utils import timezone
from django_q.models import Schedule
from pytest_django import DjangoAssertNumQueries

from jobs.models import JobRun, KnownJob
from jobs.pause import pause, resume
from jobs.schedules import schedule_name, sync_schedules
from jobs.standing import STANDING
from jobs.status import JobStatus, healthy, job_statuses
from jobs.trouble import Trouble
from jobs.watch import watch
from tests.catalogue import Install
from tests.factories import StaffFactory

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2026, 11, 20, 15, 30, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)


def ran(status: str, *, ago: dt.timedelta) -> JobRun:
    started = NOW - ago
    ended = None if status == "running" else started + MINUTE / 2
    return JobRun.objects.create(
        job_name="probe",
        status=status,
        moment=started,
        started_at=started,
        finished_at=ended,
        duration=ended and ended - started,
        error_message="RuntimeError: no" if status in ("failed", "crashed") else None,
        trigger="schedule",
        summary={"queued": 1},
        lease_until=started + 10 * MINUTE,
    )


def status(now: dt.datetime = NOW) -> JobStatus:
    [found] = job_statuses(now=now)
    return found


def test_a_job_that_never_ran_is_no_alarm(install: Install) -> None:
    install()
    assert (status().state, status().last_run, status().overdue) == ("never", None, False)
    assert healthy([status()])


def test_failures_count_from_the_last_success_on(install: Install) -> None:
    install()
    ran("failed", ago=50 * MINUTE)
    ran("success", ago=40 * MINUTE)
    for ago in (30, 20, 10):
        ran("failed" if ago != 20 else "crashed", ago=ago * MINUTE)

    found = status()
    assert (found.state, found.consecutive_failures) == ("failing", 3)
    assert found.last_success_at == NOW - 40 * MINUTE
    assert found.last_run is not None
    assert (found.last_run.status, found.last_run.error) == ("failed", "RuntimeError: no")
    assert found.last_run.summary == {"queued": 1}
    assert healthy([found])

    ran("failed", ago=5 * MINUTE)
    assert not healthy([status()])

    ran("success", ago=MINUTE)
    assert (status().state, status().consecutive_failures) == ("ok", 0)


def test_a_running_row_whose_lease_ran_out_reads_as_crashed(install: Install) -> None:
    install()
    JobRun.objects.create(
        job_name="probe", moment=NOW, trigger="schedule", lease_until=timezone.now() - MINUTE
    )
    found = status()
    assert found.last_run is not None
    assert (found.last_run.status, found.consecutive_failures) == ("crashed", 1)


@pytest.mark.parametrize(("late", "overdue"), [(dt.timedelta(0), False), (3 * MINUTE, True)])
def test_three_slots_without_a_success_are_overdue(
    install: Install, late: dt.timedelta, overdue: bool
) -> None:
    install()  # hourly
    ran("success", ago=30 * MINUTE)  # at 15:00:00; the third slot after it is 18:00
    third = dt.datetime(2026, 11, 20, 18, 0, tzinfo=dt.UTC)
    found = status(now=third + late)
    assert found.overdue is overdue
    assert found.state == ("overdue" if overdue else "ok")
    assert healthy([found]) is not overdue


def test_a_job_that_never_succeeded_is_overdue_once_its_slots_pass_by(install: Install) -> None:
    install()
    Schedule.objects.create(
        name=schedule_name("probe"), func="x", schedule_type="O", next_run=NOW - dt.timedelta(hours=4)
    )
    found = status()
    assert found.next_run_at == NOW - dt.timedelta(hours=4)
    assert found.overdue


@pytest.mark.parametrize(("late", "overdue"), [(dt.timedelta(0), False), (3 * MINUTE, True)])
def test_a_job_that_never_ran_is_overdue_three_slots_after_it_was_deployed(
    install: Install, late: dt.timedelta, overdue: bool
) -> None:
    install()  # hourly
    sync_schedules(now=NOW)  # at 15:30; the third slot after it is 18:00
    third = dt.datetime(2026, 11, 20, 18, 0, tzinfo=dt.UTC)
    # The clock ticks, and hands each slot to workers that are not there.
    Schedule.objects.filter(name=schedule_name("probe")).update(next_run=third + 60 * MINUTE)
    sync_schedules(now=third)  # a later deploy is no excuse
    found = status(now=third + late)
    assert (found.overdue, found.state) == (overdue, "overdue" if overdue else "never")


def test_where_nobody_wrote_the_schedules_the_watch_begins_to_count(install: Install) -> None:
    install()
    StaffFactory.create(groups=("security_centre",))
    assert watch(now=NOW).troubles == ()
    assert watch(now=NOW + 180 * MINUTE).troubles == (Trouble("probe", "overdue"),)


def test_a_job_that_never_ran_is_not_overdue_while_it_is_paused_nor_right_after(install: Install) -> None:
    install()
    sync_schedules(now=NOW)
    pause("probe", by="command", reason="not yet", until=None, now=NOW)
    assert status(now=NOW + 600 * MINUTE).state == "paused"
    resume("probe", by="command", reason="now", now=NOW + 600 * MINUTE)
    assert status(now=NOW + 610 * MINUTE).state == "never"
    assert status(now=NOW + 900 * MINUTE).state == "overdue"


def test_a_check_of_the_schedules_notes_nothing_and_a_job_that_comes_back_starts_anew(
    install: Install,
) -> None:
    install()
    sync_schedules(now=NOW, check=True)
    assert not KnownJob.objects.exists()
    sync_schedules(now=NOW)
    install(name="other")
    sync_schedules(now=NOW + 60 * MINUTE)
    install()
    sync_schedules(now=NOW + 6000 * MINUTE)
    assert KnownJob.objects.get().since == NOW + 6000 * MINUTE


def test_a_job_that_only_ever_fails_is_overdue_from_its_first_run_on(install: Install) -> None:
    install()
    for hours in (5, 4, 3, 2, 1):
        ran("failed", ago=hours * 60 * MINUTE)
    Schedule.objects.create(name=schedule_name("probe"), func="x", schedule_type="O", next_run=NOW + MINUTE)
    assert status().overdue


def test_crashes_are_counted_among_the_failures(install: Install) -> None:
    install()
    ran("crashed", ago=30 * MINUTE)
    ran("failed", ago=20 * MINUTE)
    assert (status().consecutive_failures, status().crashes) == (2, 1)
    ran("success", ago=10 * MINUTE)
    assert (status().consecutive_failures, status().crashes) == (0, 0)


def test_the_cost_does_not_grow_with_the_runs(
    install: Install, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    install()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO job_runs (id, job_name, started_at, finished_at, status, error_message, moment, trigger, actor,
                                  summary, lease_until)
            SELECT gen_random_uuid(), CASE n %% 13 WHEN 0 THEN 'probe' ELSE 'job' || n %% 13 END, %s - n * interval '1 minute',
                   %s - n * interval '1 minute', CASE n %% 7 WHEN 0 THEN 'failed' ELSE 'success' END, 'x', now(),
                   'schedule', '', '{}', now()
            FROM generate_series(1, 100000) AS n
            """,
            [NOW, NOW],
        )
        cursor.execute(
            """
            INSERT INTO job_pauses (job_name, paused_at, paused_by, reason, resumed_at, resumed_by)
            SELECT 'probe', %s - n * interval '1 hour', 'staff:1', 'why', %s - n * interval '1 hour', 'staff:1'
            FROM generate_series(1, 5000) AS n
            """,
            [NOW, NOW],
        )
        cursor.execute("ANALYZE job_runs, job_pauses")
        cursor.execute("EXPLAIN (ANALYZE, FORMAT TEXT) " + STANDING, [["probe"], ["postroom:probe"]])
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "Seq Scan on job_runs" not in plan
    assert "Seq Scan on job_pauses" not in plan
    assert "job_runs_latest" in plan
    assert "job_runs_successes" in plan
    with django_assert_num_queries(1):
        status()
