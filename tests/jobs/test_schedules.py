"""django-q2's schedule rows follow the catalogue, and what its scheduler makes of them is one run a slot."""

import datetime as dt
import io
import json
import threading
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django_q.brokers import get_broker
from django_q.conf import Conf
from django_q.models import OrmQ, Schedule
from django_q.scheduler import scheduler
from django_q.signing import SignedPackage

from jobs import catalog, tasks
from jobs.models import JobRun
from jobs.schedules import ACTS, DRAIN, FEEDBACK, PREFIX, TRAFFIC, WATCHES, sync_schedules
from tests.catalogue import Install

NOW = dt.datetime(2099, 7, 1, 12, 0, tzinfo=dt.UTC)
PROBE = f"{PREFIX}probe"


def sync(**options: Any) -> tuple[int, str]:
    """Run the command; its exit code and what it printed."""
    out = io.StringIO()
    try:
        call_command("sync_schedules", stdout=out, **options)
    except SystemExit as stop:
        return int(str(stop.code)), out.getvalue()
    return 0, out.getvalue()


@pytest.mark.django_db
def test_each_job_gets_a_row_and_so_does_the_drain(install: Install) -> None:
    install(cron="30 6 * * *", timeout=dt.timedelta(minutes=10))
    code, printed = sync()

    assert code == 0
    assert "create postroom:probe: 30 6 * * *" in printed
    row = Schedule.objects.get(name=PROBE)
    assert (row.func, row.args, row.cluster) == ("jobs.tasks.run_scheduled", "'probe'", "jobs")
    assert (row.schedule_type, row.cron, row.repeats) == (Schedule.CRON, "30 6 * * *", -1)
    assert row.intended_date_kwarg == "slot"
    local = row.next_run.astimezone(dt.timezone(dt.timedelta(hours=-4)))
    assert local.minute == 30
    assert row.next_run.hour in (9, 10)  # 06:30 in Moncton, summer or winter
    drain = Schedule.objects.get(name=DRAIN)
    assert (drain.func, drain.cron, drain.cluster) == ("jobs.tasks.drain", "* * * * *", "notify")


@pytest.mark.django_db
def test_a_second_sync_changes_nothing(install: Install) -> None:
    install()
    sync()
    before = list(Schedule.objects.order_by("pk").values())
    assert sync() == (0, "Every schedule is as the code says.\n")
    assert list(Schedule.objects.order_by("pk").values()) == before


@pytest.mark.django_db
def test_a_new_cron_line_moves_the_next_run(install: Install) -> None:
    install(cron="0 6 * * *")
    sync()
    install(cron="0 18 * * *")
    _code, printed = sync()
    assert "cron is '0 6 * * *', should be '0 18 * * *'" in printed
    row = Schedule.objects.get(name=PROBE)
    assert row.next_run.hour in (21, 22)  # 18:00 in Moncton
    assert Schedule.objects.filter(name=PROBE).count() == 1


@pytest.mark.django_db
def test_a_late_slot_stays_due(install: Install) -> None:
    install()
    sync()
    late = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    Schedule.objects.filter(name=PROBE).update(next_run=late, func="somewhere.else")
    sync()
    row = Schedule.objects.get(name=PROBE)
    assert (row.next_run, row.func) == (late, "jobs.tasks.run_scheduled")


@pytest.mark.django_db
def test_a_next_run_beyond_the_next_slot_is_pulled_back(install: Install) -> None:
    install()
    sync()
    Schedule.objects.filter(name=PROBE).update(next_run=NOW)
    _code, printed = sync()
    assert "past the next slot" in printed
    assert Schedule.objects.get(name=PROBE).next_run < NOW


@pytest.mark.django_db
def test_rows_without_a_job_and_second_rows_go_and_rows_of_others_stay(install: Install) -> None:
    install()
    sync()
    row = Schedule.objects.get(name=PROBE)
    row.pk = None
    row.save()
    Schedule.objects.create(
        name=f"{PREFIX}gone", func="jobs.tasks.run_scheduled", schedule_type="C", cron="0 0 * * *"
    )
    Schedule.objects.create(name="backup", func="host.backup", schedule_type="C", cron="0 0 * * *")

    _code, printed = sync()

    assert "delete postroom:gone: has no job" in printed
    assert "delete postroom:probe: is a second row" in printed
    assert "not ours, left alone: backup" in printed
    assert sorted(Schedule.objects.values_list("name", flat=True)) == sorted(
        ["backup", PROBE, DRAIN, FEEDBACK, TRAFFIC, ACTS, *WATCHES]
    )


@pytest.mark.django_db
def test_check_tells_the_drift_writes_nothing_and_fails(install: Install) -> None:
    install()
    code, printed = sync(check=True)
    assert code == 1
    assert "would create postroom:probe" in printed
    assert not Schedule.objects.exists()

    sync()
    assert sync(check=True)[0] == 0

    Schedule.objects.filter(name=PROBE).update(args="'other'", repeats=0)
    code, printed = sync(check=True, json=True)
    assert code == 1
    [drift] = json.loads(printed)["drift"]
    assert drift["action"] == "update"
    assert "args is \"'other'\"" in drift["detail"]
    assert "repeats is 0" in drift["detail"]
    assert Schedule.objects.get(name=PROBE).args == "'other'"


@pytest.mark.django_db
def test_a_cron_line_that_never_fires_writes_nothing_at_all(install: Install) -> None:
    install(cron="0 0 31 2 *")
    with pytest.raises(CommandError, match="postroom:probe"):
        sync()
    assert not Schedule.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_deploys_at_once_make_one_row_each(install: Install) -> None:
    install()
    ready = threading.Barrier(2)

    def deploy() -> None:
        try:
            ready.wait(10)
            sync_schedules(now=dt.datetime.now(dt.UTC))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=deploy) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(15)
    assert sorted(Schedule.objects.values_list("name", flat=True)) == sorted(
        [PROBE, DRAIN, FEEDBACK, TRAFFIC, ACTS, *WATCHES]
    )


@pytest.mark.django_db
def test_the_real_catalogue_can_be_scheduled() -> None:
    report = sync_schedules(now=dt.datetime.now(dt.UTC))
    assert {drift.name for drift in report.drift} == {
        DRAIN,
        FEEDBACK,
        TRAFFIC,
        ACTS,
        *WATCHES,
        *(PREFIX + name for name in catalog.CATALOG),
    }


# ── What django-q2 makes of a row ───────────────────────────────────────────────────────────────────────
def tick(cluster: str, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """One turn of django-q2's own scheduler, as that cluster; the tasks it queued."""
    monkeypatch.setattr(Conf, "CLUSTER_NAME", cluster)
    OrmQ.objects.all().delete()
    scheduler(broker=get_broker(cluster))
    return [SignedPackage.loads(row.payload) for row in OrmQ.objects.filter(key=cluster)]


@pytest.mark.django_db(transaction=True)  # its scheduler closes old connections
def test_the_scheduler_hands_out_the_slot_and_the_time_limit(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(timeout=dt.timedelta(minutes=10))
    sync()
    slot = dt.datetime(2026, 11, 20, 15, 0, tzinfo=dt.UTC)
    Schedule.objects.filter(name=PROBE).update(next_run=slot)

    [task] = tick("jobs", monkeypatch)

    assert (task["func"], task["args"], task["timeout"]) == ("jobs.tasks.run_scheduled", ("probe",), 600)
    assert dt.datetime.fromisoformat(task["kwargs"]["slot"]) == slot
    tasks.run_scheduled(*task["args"], **task["kwargs"])
    tasks.run_scheduled(*task["args"], **task["kwargs"])  # handed out twice
    row = JobRun.objects.get()
    assert (row.status, row.slot, row.trigger) == ("success", slot, "schedule")
    assert row.moment > slot  # a late run looks at the present


@pytest.mark.django_db(transaction=True)  # its scheduler closes old connections
def test_each_cluster_gets_its_own_schedules(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    install()
    sync()
    Schedule.objects.update(next_run=dt.datetime(2026, 11, 20, 15, 0, tzinfo=dt.UTC))
    assert {task["func"] for task in tick("notify", monkeypatch)} == {
        "jobs.tasks.drain",
        "jobs.tasks.apply_feedback",
        "jobs.tasks.watch_all",
    }
    assert {(task["func"], task["args"]) for task in tick("jobs", monkeypatch)} == {
        ("jobs.tasks.run_scheduled", ("probe",)),
        ("jobs.tasks.watch_all", ()),
        ("jobs.tasks.fold_traffic", ()),
        ("jobs.tasks.work_off_acts", ()),
    }


@pytest.mark.django_db
def test_a_run_asked_for_by_a_person_goes_to_the_jobs_cluster_under_its_id(install: Install) -> None:
    install(timeout=dt.timedelta(minutes=10))
    moment = dt.datetime(2026, 11, 20, 15, 0, tzinfo=dt.UTC)
    run_id = tasks.run_later("probe", trigger="admin", actor="staff:7", moment=moment)

    task = SignedPackage.loads(OrmQ.objects.get(key="jobs").payload)
    assert task["timeout"] == 600
    tasks.run_requested(*task["args"], **task["kwargs"])
    tasks.run_requested(*task["args"], **task["kwargs"])
    row = JobRun.objects.get()
    assert (row.id, row.trigger, row.actor, row.moment) == (run_id, "admin", "staff:7", moment)


@pytest.mark.django_db
def test_a_kick_queues_a_drain_and_a_broken_broker_is_only_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tasks.kick_drain()
    task = SignedPackage.loads(OrmQ.objects.get(key="notify").payload)
    assert task["func"] == "jobs.tasks.drain"

    def broken(*_args: Any, **_kwargs: Any) -> None:
        raise ConnectionError("no broker")

    monkeypatch.setattr(tasks, "async_task", broken)
    tasks.kick_drain()
    assert "drain.kick_failed" in caplog.text
