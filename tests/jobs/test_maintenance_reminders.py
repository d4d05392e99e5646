"""maintenance_reminders at its edges: what opens an alert and what ends it, which state a machine has, and who hears of it."""

import datetime as dt
import threading
import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from jobs import telling
from jobs.catalog import CATALOG, maintenance_reminders
from jobs.runner import run
from jobs.spec import JobResult, silent
from notifications.models import Notification
from notifications.relevance import Question
from notifications.worker import drain
from rentals.models import Equipment, MaintenanceAlert, MaintenanceLog
from rentals.relevance.maintenance import over
from tests.business_factories import (
    DAY,
    MOMENT,
    MaintenanceAlertFactory,
    MaintenanceLogFactory,
    TelematicsSnapshotFactory,
)
from tests.factories import EquipmentFactory, StaffFactory
from tests.plan_reader import explained

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("swept", "templates", "mechanic")]

NAME = "maintenance_reminders"
KINDS = ("hours_based", "calendar_based", "fault_code", "overdue_and_out")


@pytest.fixture
def mechanic(db: None) -> Any:
    return StaffFactory.create(groups=("workshop",))


def remind(now: dt.datetime = MOMENT) -> JobResult:
    return CATALOG[NAME].run(now=now, progress=silent)


def due_by_date(at: dt.datetime, **fields: Any) -> Equipment:
    """A machine whose last service said: the next one is due then."""
    machine = EquipmentFactory.create(**fields)
    MaintenanceLogFactory.create(equipment=machine, next_due_at=at)
    return machine


def due_by_hours(hours: str, **fields: Any) -> Equipment:
    """A machine serviced at 1,000 hours, every 250; its engine shows so many now."""
    machine = EquipmentFactory.create(**fields)
    MaintenanceLogFactory.create(equipment=machine)
    TelematicsSnapshotFactory.create(equipment=machine, engine_hours=Decimal(hours))
    return machine


def faulty(*codes: str, **fields: Any) -> Equipment:
    machine = EquipmentFactory.create(**fields)
    TelematicsSnapshotFactory.create(equipment=machine, fault_codes=list(codes))
    return machine


def state(machine: Equipment) -> str:
    return Equipment.objects.get(pk=machine.pk).maintenance_status


def alerts(machine: Equipment) -> list[tuple[str, bool]]:
    """Kind and whether it is open, in the order of their opening."""
    rows = MaintenanceAlert.objects.filter(equipment=machine).order_by("triggered_at", "alert_type")
    return [(row.alert_type, row.resolved_at is None) for row in rows]


def served(machine: Equipment, at: dt.datetime, *, hours: str = "1300.0") -> None:
    MaintenanceLogFactory.create(
        equipment=machine, performed_at=at, next_due_at=at + 180 * DAY, engine_hours=Decimal(hours)
    )


# ── What opens an alert ─────────────────────────────────────────────────────────────────────────────────
def test_a_fleet_in_order_is_no_news() -> None:
    due_by_hours("1100.0")
    EquipmentFactory.create()
    assert remind() == JobResult(found=dict.fromkeys(KINDS, 0))
    assert not Notification.objects.exists()


@pytest.mark.parametrize(
    ("at", "wanted"),
    [
        ("2026-12-05T04:00", "normal"),  # midnight in Moncton: the fifteenth day from the 20th
        ("2026-12-05T03:59", "due"),
        ("2026-11-20T04:00", "due"),  # today, from its first minute, is not overdue
        ("2026-11-20T03:59", "overdue"),
    ],
)
def test_a_date_is_due_two_weeks_before_and_overdue_the_day_after(at: str, wanted: str) -> None:
    machine = due_by_date(dt.datetime.fromisoformat(at).replace(tzinfo=dt.UTC))
    remind()
    assert state(machine) == wanted
    assert alerts(machine) == ([] if wanted == "normal" else [("calendar_based", True)])


@pytest.mark.parametrize(
    ("hours", "wanted"), [("1224.9", "normal"), ("1225.0", "due"), ("1249.9", "due"), ("1250.0", "overdue")]
)
def test_hours_are_due_25_before_the_interval_ends_and_overdue_at_its_end(hours: str, wanted: str) -> None:
    machine = due_by_hours(hours)
    remind()
    assert state(machine) == wanted
    assert alerts(machine) == ([] if wanted == "normal" else [("hours_based", True)])


def test_the_newest_reading_and_the_newest_service_count() -> None:
    machine = due_by_hours("1300.0")
    TelematicsSnapshotFactory.create(
        equipment=machine, captured_at=MOMENT - DAY, engine_hours=Decimal("1200.0")
    )
    MaintenanceLogFactory.create(
        equipment=machine, performed_at=MOMENT - 60 * DAY, engine_hours=Decimal("100.0")
    )
    remind()
    assert MaintenanceAlert.objects.get().threshold_value == Decimal("1250.0")


def test_a_planned_service_is_due_by_its_own_date() -> None:
    machine = EquipmentFactory.create()
    MaintenanceLogFactory.create(equipment=machine, status="pending", next_due_at=MOMENT + 3 * DAY)
    remind()
    assert (state(machine), alerts(machine)) == ("due", [("calendar_based", True)])


def test_a_repair_that_says_nothing_of_the_next_service_leaves_the_plan() -> None:
    machine = due_by_date(MOMENT + 3 * DAY)
    MaintenanceLogFactory.create(
        equipment=machine,
        maintenance_type="repair",
        performed_at=MOMENT - DAY,
        next_due_at=None,
        engine_hours=None,
    )
    remind()
    assert alerts(machine) == [("calendar_based", True)]


def test_each_fault_of_the_newest_reading_is_an_alert() -> None:
    machine = faulty("P0217", "P0087", "P0217", "")
    TelematicsSnapshotFactory.create(equipment=machine, captured_at=MOMENT - DAY, fault_codes=["P9999"])
    assert remind().found["fault_code"] == 2
    assert set(MaintenanceAlert.objects.values_list("fault_code", flat=True)) == {"P0217", "P0087"}
    assert state(machine) == "due"


def test_a_retired_machine_wants_nothing() -> None:
    machine = due_by_date(MOMENT - 9 * DAY, status="retired")
    TelematicsSnapshotFactory.create(equipment=machine, fault_codes=["P0217"])
    assert remind() == JobResult(found=dict.fromkeys(KINDS, 0))


def test_what_a_person_put_out_of_service_stays_so() -> None:
    machine = due_by_date(MOMENT - 9 * DAY, status="rented", maintenance_status="out_of_service")
    remind()
    assert (state(machine), alerts(machine)) == ("out_of_service", [("calendar_based", True)])
    assert not Notification.objects.filter(template__name="maintenance.overdue_and_out").exists()


def test_a_machine_of_which_nothing_is_known_keeps_its_word() -> None:
    machine = EquipmentFactory.create(maintenance_status="due")
    remind()
    assert state(machine) == "due"


# ── What ends one ───────────────────────────────────────────────────────────────────────────────────────
def test_a_service_resolves_its_alerts_and_the_machine_is_normal_again() -> None:
    machine = due_by_hours("1260.0")
    MaintenanceLog.objects.update(next_due_at=MOMENT + DAY)
    remind()
    assert (state(machine), alerts(machine)) == (
        "overdue",
        [("calendar_based", True), ("hours_based", True)],
    )
    served(machine, MOMENT + dt.timedelta(hours=2))
    result = remind(MOMENT + DAY)
    assert result.changed == {"alerts resolved": 2, "machines now normal": 1}
    assert (state(machine), alerts(machine)) == (
        "normal",
        [("calendar_based", False), ("hours_based", False)],
    )


def test_a_service_that_leaves_the_next_one_near_opens_the_next_alert() -> None:
    machine = due_by_hours("1260.0")
    remind()
    served(machine, MOMENT + dt.timedelta(hours=2), hours="1005.0")
    assert remind(MOMENT + DAY).changed == {"alerts resolved": 1, "alerts opened": 1}
    assert alerts(machine) == [("hours_based", False), ("hours_based", True)]


def test_a_planned_service_that_moved_away_or_is_done_resolves_its_alert() -> None:
    machines = [EquipmentFactory.create() for _ in range(2)]
    plans = [
        MaintenanceLogFactory.create(equipment=machine, status="pending", next_due_at=MOMENT + DAY)
        for machine in machines
    ]
    remind()
    MaintenanceLog.objects.filter(pk=plans[0].pk).update(next_due_at=MOMENT + 90 * DAY)
    MaintenanceLog.objects.filter(pk=plans[1].pk).update(
        status="completed", performed_at=MOMENT, next_due_at=None
    )
    remind(MOMENT + DAY)
    assert [(state(machine), alerts(machine)) for machine in machines] == [
        ("normal", [("calendar_based", False)])
    ] * 2


def test_a_fault_ends_with_a_reading_without_it_and_is_news_when_it_comes_back() -> None:
    machine = faulty("P0217")
    remind()
    TelematicsSnapshotFactory.create(equipment=machine, captured_at=MOMENT + DAY)
    assert remind(MOMENT + DAY).changed == {"alerts resolved": 1, "machines now normal": 1}
    TelematicsSnapshotFactory.create(equipment=machine, captured_at=MOMENT + 2 * DAY, fault_codes=["P0217"])
    assert remind(MOMENT + 2 * DAY).queued == 2
    assert alerts(machine) == [("fault_code", False), ("fault_code", True)]


def test_a_fault_that_a_person_resolved_is_not_told_again_by_the_same_reading() -> None:
    machine = faulty("P0217")
    remind()
    MaintenanceAlert.objects.update(resolved_at=MOMENT + dt.timedelta(hours=1))
    assert remind(MOMENT + DAY).changed == {"machines now normal": 1}
    TelematicsSnapshotFactory.create(equipment=machine, captured_at=MOMENT + DAY, fault_codes=["P0217"])
    assert remind(MOMENT + 2 * DAY).found["fault_code"] == 1


@pytest.mark.parametrize("make", [lambda: due_by_date(MOMENT - DAY), lambda: due_by_hours("1260.0")])
def test_an_alert_that_a_person_resolved_does_not_come_back_and_the_machine_stays_overdue(make: Any) -> None:
    machine = make()
    remind()
    MaintenanceAlert.objects.update(resolved_at=MOMENT + dt.timedelta(hours=1))
    assert remind(MOMENT + DAY) == JobResult(found=dict.fromkeys(KINDS, 0))
    assert state(machine) == "overdue"


def test_hours_that_a_wrong_reading_showed_are_told_again_when_they_are_reached() -> None:
    machine = due_by_hours("1260.0")
    remind()
    TelematicsSnapshotFactory.create(
        equipment=machine, captured_at=MOMENT + DAY, engine_hours=Decimal("1126.0")
    )
    assert remind(MOMENT + DAY).changed == {"alerts resolved": 1, "machines now normal": 1}
    TelematicsSnapshotFactory.create(
        equipment=machine, captured_at=MOMENT + 2 * DAY, engine_hours=Decimal("1251.0")
    )
    again = remind(MOMENT + 2 * DAY)
    assert (again.changed["alerts opened"], again.queued) == (1, 2)
    assert alerts(machine) == [("hours_based", False), ("hours_based", True)]
    assert remind(MOMENT + 3 * DAY).changed == {}


def test_a_date_that_moved_away_and_back_is_told_again() -> None:
    machine = due_by_date(MOMENT + DAY)
    remind()
    MaintenanceLog.objects.update(next_due_at=MOMENT + 90 * DAY)
    remind(MOMENT + DAY)
    MaintenanceLog.objects.update(next_due_at=MOMENT + DAY)
    assert remind(MOMENT + 2 * DAY).queued == 2
    assert alerts(machine) == [("calendar_based", False), ("calendar_based", True)]
    MaintenanceAlert.objects.filter(resolved_at=None).update(resolved_at=MOMENT + 2 * DAY)  # by a person
    assert remind(MOMENT + 3 * DAY).queued == 0


def test_what_a_service_resolved_is_not_told_again_where_its_limit_comes_back() -> None:
    machine = due_by_hours("1260.0")
    MaintenanceLog.objects.update(next_due_at=MOMENT + DAY)
    remind()
    served(machine, MOMENT + dt.timedelta(hours=2))
    remind(MOMENT + DAY)
    # As if nobody had noted the service: the workshop was there all the same.
    MaintenanceLog.objects.filter(performed_at__gt=MOMENT).update(
        performed_at=MOMENT - 60 * DAY, next_due_at=None, engine_hours=None
    )
    assert remind(MOMENT + 2 * DAY).queued == 0
    assert alerts(machine) == [("calendar_based", False), ("hours_based", False)]


def test_a_lost_reading_ends_no_alert() -> None:
    machine = due_by_hours("1260.0")
    remind()
    machine.telematics_snapshots.all().delete()
    assert remind(MOMENT + DAY).changed == {"machines now due": 1}
    assert alerts(machine) == [("hours_based", True)]


# ── Who hears of it, how often ──────────────────────────────────────────────────────────────────────────
def test_nobody_in_the_workshop_stops_no_alert_and_no_state(
    mechanic: Any, caplog: pytest.LogCaptureFixture
) -> None:
    mechanic.groups.clear()
    machine = due_by_hours("1300.0")
    assert remind().queued == 0
    assert state(machine) == "overdue"
    assert alerts(machine)
    assert "job.group_empty job=maintenance_reminders group=workshop" in caplog.text


def test_the_workshop_gets_one_list_of_what_is_new() -> None:
    late = due_by_date(MOMENT - 2 * DAY, unit_id="EX-2")
    due_by_hours("1230.0", unit_id="EX-3")
    faulty("P0217", unit_id="EX-1")
    result = remind()
    assert result.found == {"hours_based": 1, "calendar_based": 1, "fault_code": 1, "overdue_and_out": 0}
    assert result.changed == {"alerts opened": 3, "machines now due": 2, "machines now overdue": 1}
    rows = Notification.objects.order_by("channel")
    assert [(row.channel, row.category) for row in rows] == [
        ("email", "transactional"),
        ("inapp", "transactional"),
    ]
    payload = rows[0].payload
    assert payload["count"] == 3
    assert payload["overdue"] == [{"unit": "EX-2", "machine": "Kubota KX040", "limit": "2026-11-18"}]
    assert payload["due"] == [{"unit": "EX-3", "machine": "Kubota KX040", "limit": "1250 h"}]
    assert payload["faults"] == [{"unit": "EX-1", "machine": "Kubota KX040", "limit": "P0217"}]
    assert "more" not in payload
    alert = MaintenanceAlert.objects.get(equipment=late)
    assert str(rows[0].idempotency_key).startswith(f"maintenance_reminders:list:{alert.pk}:2026-11-20")


def test_a_long_list_is_cut_behind_the_most_urgent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintenance_reminders, "LISTED", 2)
    for days in (5, 4, -3):
        due_by_date(MOMENT + days * DAY, unit_id=f"U{days}")
    remind()
    payload = Notification.objects.get(channel="email").payload
    assert (payload["count"], payload["more"]) == (3, 1)
    assert ([line["unit"] for line in payload["overdue"]], len(payload["due"])) == (["U-3"], 1)


def test_what_was_told_is_not_told_again_today_tomorrow_or_late() -> None:
    due_by_date(MOMENT + 10 * DAY)
    assert remind().queued == 2
    for at in (MOMENT, MOMENT + DAY, MOMENT - 3 * DAY, MOMENT + 9 * DAY):
        assert (remind(at).queued, remind(at).existing) == (0, 0)


def test_news_of_a_second_run_on_the_same_day_is_told() -> None:
    due_by_date(MOMENT + DAY)
    remind()
    faulty("P0217")
    assert remind(MOMENT + dt.timedelta(hours=1)).queued == 2


def test_a_missed_day_is_made_up_for() -> None:
    machine = due_by_date(MOMENT - 5 * DAY)
    assert remind(MOMENT).found["calendar_based"] == 1
    assert state(machine) == "overdue"


def test_a_run_for_a_past_moment_takes_no_alert_back() -> None:
    machine = due_by_date(MOMENT + 10 * DAY)
    remind()
    assert remind(MOMENT - 30 * DAY).changed == {}
    assert (state(machine), alerts(machine)) == ("due", [("calendar_based", True)])


@pytest.mark.parametrize(
    "make", [lambda **f: due_by_date(MOMENT - DAY, **f), lambda **f: due_by_hours("1251", **f)]
)
def test_a_machine_overdue_at_a_customers_is_told_by_itself_once(make: Any) -> None:
    machine = make(status="rented", unit_id="EX-7")
    result = remind()
    assert (result.queued, result.withheld) == (2 + 2, 1)  # the mechanic has no browser for the push
    rows = Notification.objects.filter(template__name="maintenance.overdue_and_out").order_by("channel")
    assert [row.channel for row in rows] == ["email", "inapp", "push"]
    assert rows[0].payload["unit"] == "EX-7"
    assert rows[0].payload["equipment_url"].endswith(f"/admin/rentals/equipment/{machine.pk}/change/")
    again = remind(MOMENT + DAY)
    # Found, it would be asked for again: so many keys to look up, each day, as there are people and channels.
    assert (again.queued, again.existing, again.found["overdue_and_out"]) == (0, 0, 0)


def test_a_machine_overdue_in_both_ways_is_one_message_today_and_tomorrow() -> None:
    machine = due_by_hours("1260.0", status="rented")
    MaintenanceLog.objects.filter(equipment=machine).update(next_due_at=MOMENT - DAY)
    assert remind().found["overdue_and_out"] == 1
    assert remind(MOMENT + DAY).found["overdue_and_out"] == 0
    # Once what it was told of is over, the other is news.
    MaintenanceAlert.objects.exclude(told_out_at=None).update(resolved_at=MOMENT + DAY)
    assert remind(MOMENT + 2 * DAY).queued == 2


def test_nobody_in_the_workshop_is_told_once_somebody_is(mechanic: Any) -> None:
    mechanic.groups.clear()
    due_by_date(MOMENT - DAY, status="rented")
    assert remind().queued == 0
    StaffFactory.create(groups=("workshop",))
    assert remind(MOMENT + DAY).found["overdue_and_out"] == 1


@pytest.mark.parametrize("days", [0, 3])
def test_due_is_not_overdue_and_in_the_yard_is_not_out(days: int) -> None:
    due_by_date(MOMENT + days * DAY, status="rented")
    due_by_date(MOMENT - 5 * DAY, status="available")
    assert remind().found["overdue_and_out"] == 0


def test_a_machine_that_becomes_overdue_while_out_is_told_then() -> None:
    due_by_date(MOMENT + 2 * DAY, status="rented")
    assert remind().queued == 2
    assert remind(MOMENT + 2 * DAY).queued == 0
    assert remind(MOMENT + 3 * DAY).queued == 2


# ── The days on which the clocks change ─────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("run_at", "last_due", "first_normal"),
    [
        # 06:30 in Moncton; the fifteenth midnight lies behind a change of the clocks, or before none.
        ("2026-02-28T10:30", "2026-03-15T02:59", "2026-03-15T03:00"),  # forward on 8 March
        ("2026-10-25T09:30", "2026-11-09T03:59", "2026-11-09T04:00"),  # back on 1 November
        ("2026-06-01T09:30", "2026-06-16T02:59", "2026-06-16T03:00"),
    ],
)
def test_two_weeks_are_counted_in_days(run_at: str, last_due: str, first_normal: str) -> None:
    def moment(text: str) -> dt.datetime:
        return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)

    machines = []
    for at in (last_due, first_normal):
        machine = EquipmentFactory.create()
        MaintenanceLogFactory.create(
            equipment=machine, performed_at=moment("2026-01-01T12:00"), next_due_at=moment(at)
        )
        machines.append(machine)
    remind(moment(run_at))
    assert [state(machine) for machine in machines] == ["due", "normal"]


# ── Stopped on the way ──────────────────────────────────────────────────────────────────────────────────
def _ended(template: str) -> set[str]:
    drain(now=MOMENT)
    rows = Notification.objects.filter(template__name=template).exclude(channel="push")
    assert {row.status for row in rows} == {"cancelled"}
    return {row.metadata["withheld"]["reason"] for row in rows}


def test_a_list_of_which_all_is_resolved_stays_behind() -> None:
    due_by_date(MOMENT + DAY)
    remind()
    MaintenanceAlert.objects.update(resolved_at=MOMENT)
    assert _ended("maintenance.worklist") == {"It no longer holds: What it speaks of is resolved."}


def test_a_list_of_which_something_is_open_goes_out(sandbox: Any) -> None:
    due_by_date(MOMENT + DAY)
    settled = due_by_date(MOMENT + DAY)
    remind()
    MaintenanceAlert.objects.filter(equipment=settled).update(resolved_at=MOMENT)
    drain(now=MOMENT)
    assert set(Notification.objects.values_list("status", flat=True)) == {"sent"}
    [message] = sandbox.messages()
    assert "New for the workshop" in str(message)


def test_word_of_a_machine_that_came_back_stays_behind() -> None:
    due_by_date(MOMENT - DAY, status="rented")
    remind()
    Notification.objects.filter(template__name="maintenance.worklist").delete()
    Equipment.objects.update(status="available")
    assert _ended("maintenance.overdue_and_out") == {"It no longer holds: The machine is back."}


@pytest.mark.parametrize(
    "metadata",
    [{}, {"alert_ids": []}, {"alert_ids": "x"}, {"alert_ids": ["A-1"]}, {"while_out": str(uuid.uuid4())}],
)
def test_somebody_elses_message_is_not_judged_and_costs_nothing(
    metadata: dict[str, Any], django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        assert over([Question(uuid.uuid4(), "maintenance.x", {}, metadata, "staff:1")], now=MOMENT) == {}


# ── Failures, races, scale ──────────────────────────────────────────────────────────────────────────────
def test_a_failure_half_way_leaves_nothing_half_done(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = due_by_date(MOMENT - DAY, status="rented")

    def fail(*args: Any, **options: Any) -> Any:
        raise RuntimeError("no more")

    monkeypatch.setattr(telling, "notify_many", fail)
    assert CATALOG[NAME].atomic
    with pytest.raises(RuntimeError), transaction.atomic():
        remind()
    assert (state(machine), alerts(machine)) == ("normal", [])
    monkeypatch.undo()
    assert remind().queued == 4


def test_the_number_of_statements_does_not_grow_with_the_fleet() -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            remind()
        return len(queries)

    def more(count: int) -> None:
        for _ in range(count):
            due_by_date(MOMENT - DAY, status="rented"), faulty("P0217")

    more(2)
    few = statements()
    more(20)
    assert statements() <= few + 1  # it asks which keys were there already


@pytest.mark.django_db(transaction=True)
def test_a_dry_run_shows_alerts_and_states_and_changes_nothing() -> None:
    machine = due_by_date(MOMENT - DAY, status="rented")
    report = run(NAME, now=MOMENT, trigger="command", dry_run=True)
    assert report.status == "success", report.error
    assert report.row_counts == {
        "maintenance_alerts": {"insert": 1, "update": 1},
        "equipment": {"update": 1},
    }
    assert report.message_count == 5
    assert (state(machine), alerts(machine)) == ("normal", [])
    assert not Notification.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_tell_once() -> None:
    machine = due_by_date(MOMENT - DAY, status="rented")
    faulty("P0217")
    start, results = threading.Barrier(2), []

    def one() -> None:
        try:
            with transaction.atomic():
                start.wait(timeout=10)
                results.append(remind())
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert [result.changed.get("alerts opened", 0) for result in results].count(2) == 1
    assert sum(result.queued for result in results) == 4
    assert alerts(machine) == [("calendar_based", True)]


HISTORY = """
INSERT INTO telematics_snapshots (equipment_id, captured_at, engine_hours, fault_codes)
    SELECT id, timestamptz '2026-11-20 15:00Z' - n * interval '1 hour', 1100, '{}' FROM equipment, generate_series(1, 200) AS n;
INSERT INTO maintenance_logs
    (equipment_id, maintenance_type, status, performed_at, next_due_at, engine_hours, technician, notes, cost)
    SELECT id, 'routine', 'completed', timestamptz '2026-11-20 15:00Z' - n * interval '1 day', timestamptz '2030-01-01', 1000,
        '', '', 0 FROM equipment, generate_series(1, 200) AS n;
INSERT INTO maintenance_alerts (equipment_id, alert_type, due_at, fault_code, triggered_at, resolved_at)
    SELECT id, 'calendar_based', timestamptz '2026-11-20 15:00Z' - n * interval '1 day', '',
        timestamptz '2026-11-20 15:00Z' - n * interval '1 day', now() FROM equipment, generate_series(1, 100) AS n;
ANALYZE;
"""


def test_the_history_of_readings_and_services_is_not_read() -> None:
    EquipmentFactory.create_batch(60)
    MaintenanceAlertFactory.create()
    with connection.cursor() as cursor:
        cursor.execute(HISTORY)
    with explained("telematics_snapshots", "maintenance_alerts") as plans:
        remind()
    assert {"telematics_snapshots_newest", "maintenance_logs_newest", "maintenance_logs_planned"} <= plans[
        0
    ].indexes, plans[0]
    faults = [
        str(plan)
        for plan in plans
        if plan.whole_tables & {"telematics_snapshots", "maintenance_logs", "maintenance_alerts"}
    ]
    assert faults == [], "\n".join(faults)
