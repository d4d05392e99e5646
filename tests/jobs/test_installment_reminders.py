"""installment_reminders at its edges: who hears what, when by their own calendar, how often, and what stops it."""

import datetime as dt
import threading
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from jobs import telling
from jobs.catalog import CATALOG, installment_reminders
from jobs.catalog.installment_reminders import MILESTONES
from jobs.runner import run as start
from jobs.spec import JobResult, silent
from notifications.enqueue import notify_many
from notifications.models import Notification
from rentals.models import Alert, Booking, InstallmentSchedule
from tests.business_factories import InstallmentScheduleFactory
from tests.factories import BookingFactory, CustomerFactory, StaffFactory
from tests.plan_reader import explained

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("swept", "templates")]

DAY = dt.date(2026, 11, 20)
NAMES = [milestone.name for milestone in MILESTONES]
each_milestone = pytest.mark.parametrize("milestone", MILESTONES, ids=NAMES)


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def days(count: int) -> dt.timedelta:
    return dt.timedelta(days=count)


# 11:00 in Moncton (UTC-4 in winter).
NOW = utc("2026-11-20T15:00")


@pytest.fixture
def finance() -> User:
    return StaffFactory.create(groups=("finance",))


def remind(now: dt.datetime = NOW) -> JobResult:
    return CATALOG["installment_reminders"].run(now=now, progress=silent)


def found(now: dt.datetime = NOW) -> list[str]:
    """The milestones for which a run at that moment finds something."""
    return [name for name, count in remind(now).found.items() if count]


def due(late: int = 0, **fields: Any) -> InstallmentSchedule:
    """An instalment that is `late` days late on DAY."""
    return InstallmentScheduleFactory.create(**{"due_date": DAY - days(late), **fields})


def fresh(row: InstallmentSchedule) -> InstallmentSchedule:
    row.refresh_from_db()
    return row


def emails(**filters: Any) -> Any:
    """What customers are written to."""
    return Notification.objects.filter(channel="email", to__has_key="customer_id", **filters)


# ── Nothing, once, twice ────────────────────────────────────────────────────────────────────────────────
def test_nothing_due_queues_nothing() -> None:
    due(-21)
    assert remind() == JobResult(found=dict.fromkeys(NAMES, 0))
    assert not Notification.objects.exists()


@each_milestone
def test_each_milestone_is_told_with_what_is_owed_and_where_to_pay(milestone: Any) -> None:
    row = due(milestone.days)
    assert found() == [milestone.name]
    mail = emails().select_related("template").get()
    assert mail.template.name == f"installment.{milestone.name}"
    assert mail.to == {"customer_id": str(row.booking.customer_id)}
    assert mail.category == ("transactional" if milestone.days > 0 else "reminder")
    assert mail.idempotency_key == f"installment_reminders:{milestone.name}:{row.pk}:{row.due_date}"
    assert mail.payload == {
        "booking_number": row.booking.booking_number,
        "equipment": "Kubota KX040",
        "installment_number": row.installment_number,
        "due_date": row.due_date.isoformat(),
        "amount": {"amount": "400.00", "currency": "CAD"},
        "payment_url": f"{settings.PUBLIC_URL}/bookings/{row.booking.booking_number}/payments",
    }
    # Until the next milestone takes over, at a midnight of the customer.
    assert mail.expires_at == utc(f"{row.due_date + days(milestone.until)}T04:00")


@pytest.mark.parametrize(
    ("late", "channels"),
    [
        (0, ["inapp", "sms"]),
        (1, ["inapp", "sms"]),
        (7, ["email", "inapp", "sms"]),
        (14, ["email", "inapp", "sms"]),
    ],
)
def test_urgency_rises_with_the_channels(late: int, channels: list[str]) -> None:
    due(late, booking=BookingFactory.create(customer__preferred_contact_method="sms"))
    remind()
    assert sorted(Notification.objects.values_list("channel", flat=True)) == channels


@each_milestone
def test_a_second_run_finds_nothing_and_sends_nothing_more(milestone: Any) -> None:
    row = due(milestone.days)
    before = remind().queued
    assert fresh(row).reminder_sent_at == NOW
    again = remind(NOW + dt.timedelta(hours=1))
    assert again == JobResult(found=dict.fromkeys(NAMES, 0))
    assert Notification.objects.count() == before


def test_five_weeks_of_runs_tell_each_milestone_once() -> None:
    row = due(-4)
    for hour in range(0, 24 * 36, 5):  # most runs are missed
        remind(NOW + dt.timedelta(hours=hour))
    keys = emails().order_by("scheduled_at").values_list("idempotency_key", flat=True)
    assert list(keys) == [f"installment_reminders:{name}:{row.pk}:2026-11-24" for name in NAMES]


def test_a_run_for_a_past_slot_sends_nothing_that_is_behind() -> None:
    due(8)
    remind()
    assert found(NOW - days(5)) == []
    assert emails().count() == 1


@pytest.mark.parametrize(
    ("late", "name"),
    [(-1, "due_soon"), (6, "overdue"), (13, "overdue_second"), (29, "overdue_final")],
)
def test_a_missed_run_is_made_up_for_with_what_is_true_by_then(late: int, name: str) -> None:
    due(late)
    assert found() == [name]


def test_a_debt_of_a_month_is_left_to_people() -> None:
    row = due(30)
    assert found() == []
    assert fresh(row).status == "overdue"


# ── Paid, cancelled, moved ──────────────────────────────────────────────────────────────────────────────
@each_milestone
@pytest.mark.parametrize("status", ["paid", "cancelled"])
def test_what_is_paid_or_cancelled_is_not_asked_for(milestone: Any, status: str) -> None:
    row = due(milestone.days, status=status)
    assert found() == []
    assert fresh(row).status == status
    assert not Alert.objects.exists()


@each_milestone
def test_nothing_is_asked_for_a_cancelled_booking(milestone: Any) -> None:
    row = due(milestone.days, booking=BookingFactory.create(status="cancelled"))
    assert found() == []
    assert fresh(row).status == "pending"


def test_a_date_that_moved_is_told_again_earlier_or_later() -> None:
    row = due(-3)
    assert found() == ["due_soon"]
    for moved in (2, 3):
        InstallmentSchedule.objects.filter(pk=row.pk).update(due_date=DAY + days(moved))
        assert found(NOW + dt.timedelta(hours=moved)) == ["due_soon"]
    # Back on its first date: found, and its key is there already.
    assert emails().count() == 2


def test_who_is_given_more_time_is_not_late_any_more() -> None:
    row = due(1)
    remind()
    InstallmentSchedule.objects.filter(pk=row.pk).update(due_date=DAY + days(3))
    result = remind(NOW + dt.timedelta(hours=1))
    assert result.changed == {"instalments postponed": 1, "alerts resolved": 1}
    assert fresh(row).status == "pending"
    assert result.found["due_soon"] == 1


def test_more_time_counts_also_where_a_person_has_settled_the_alert() -> None:
    row = due(1)
    remind()
    Alert.objects.update(status="resolved", resolved_at=NOW)
    InstallmentSchedule.objects.filter(pk=row.pk).update(due_date=DAY + days(3))
    assert remind(NOW + dt.timedelta(hours=1)).changed == {"instalments postponed": 1}
    assert fresh(row).status == "pending"


# ── The clock of the customer ───────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("moment", "names"),
    [
        ("2026-11-17T12:59:59", []),  # 08:59:59 in Moncton
        ("2026-11-17T13:00", ["due_soon"]),
        ("2026-11-18T00:59:59", ["due_soon"]),
        ("2026-11-18T01:00", []),  # 21:00: tomorrow is another day
        ("2026-11-19T13:00", ["due_soon"]),
        ("2026-11-20T12:59:59", []),
        ("2026-11-20T13:00", ["due_today"]),
        ("2026-11-21T03:59:59", []),
        ("2026-11-21T13:00", ["overdue"]),
        ("2026-11-26T13:00", ["overdue"]),
        ("2026-11-27T13:00", ["overdue_second"]),
        ("2026-12-04T13:00", ["overdue_final"]),
        ("2026-12-19T13:00", ["overdue_final"]),
        ("2026-12-20T13:00", []),
    ],
)
def test_milestones_begin_at_nine_by_the_customers_calendar(moment: str, names: list[str]) -> None:
    due()
    assert found(utc(moment)) == names


@pytest.mark.parametrize(
    ("zone", "moment"),
    [
        ("America/Toronto", "2026-11-20T14:00"),
        ("America/Winnipeg", "2026-11-20T15:00"),
        ("Pacific/Kiritimati", "2026-11-19T19:00"),
        ("Pacific/Pago_Pago", "2026-11-20T20:00"),
    ],
)
@each_milestone
def test_each_customer_has_their_own_morning(milestone: Any, zone: str, moment: str) -> None:
    """Also at the ends of the Earth: the narrowing by UTC dates must not lose them."""
    due(milestone.days, booking=BookingFactory.create(customer__timezone=zone))
    assert milestone.name not in found(utc(moment) - dt.timedelta(seconds=1))
    assert found(utc(moment)) == [milestone.name]


@pytest.mark.parametrize(
    ("day", "nine", "ends_at"),
    [
        ("2026-03-08", "2026-03-08T12:00", "2026-03-09T03:00"),  # clocks go forward: a day of 23 hours
        ("2026-11-01", "2026-11-01T13:00", "2026-11-02T04:00"),  # clocks go back: a day of 25 hours
    ],
)
def test_nine_is_nine_and_a_day_a_day_when_the_clocks_change(day: str, nine: str, ends_at: str) -> None:
    row = due(due_date=dt.date.fromisoformat(day))
    assert found(utc(nine) - dt.timedelta(seconds=1)) == []
    assert found(utc(nine)) == ["due_today"]
    assert emails().get().expires_at == utc(ends_at)
    remind(utc(ends_at) - dt.timedelta(seconds=1))
    assert fresh(row).status == "pending"
    remind(utc(ends_at))
    assert fresh(row).status == "overdue"


# ── Status and alerts ───────────────────────────────────────────────────────────────────────────────────
def test_on_overdue_the_status_is_set_and_one_alert_opened() -> None:
    row = due(1)
    assert remind().changed == {"instalments overdue": 1, "alerts opened": 1}
    assert remind(NOW + dt.timedelta(hours=1)).changed == {}
    assert fresh(row).status == "overdue"
    alert = Alert.objects.get()
    assert (alert.type, alert.entity_type, alert.entity_id) == (
        "installment_overdue",
        "installment",
        str(row.pk),
    )
    assert (alert.severity, alert.status, alert.detected_at) == ("info", "open", NOW)
    assert alert.details == {
        "booking_id": str(row.booking_id),
        "installment_number": row.installment_number,
        "due_date": "2026-11-19",
        "amount": 400.0,
        "currency": "CAD",
    }


def test_severity_rises_with_age_also_of_an_acknowledged_alert() -> None:
    due(1)
    remind()
    Alert.objects.update(status="acknowledged", acknowledged_at=NOW, acknowledged_by="staff:1")
    severities = []
    for later in (5, 6, 12, 13):
        remind(NOW + days(later))
        severities.append(Alert.objects.get().severity)
    assert severities == ["info", "warning", "warning", "critical"]
    assert Alert.objects.get().status == "acknowledged"


def close_alerts() -> None:
    """As a person does in the admin."""
    Alert.objects.exclude(status="resolved").update(status="resolved", resolved_at=NOW)


def test_an_alert_that_a_person_closed_is_raised_anew_each_time_the_debt_grows_graver() -> None:
    due(1)
    opened = []
    for late in range(1, 30):
        remind(NOW + days(late - 1))
        opened += [(late, alert.severity) for alert in Alert.objects.exclude(status="resolved")]
        close_alerts()
    assert opened == [(1, "info"), (7, "warning"), (14, "critical")]
    assert Alert.objects.latest("detected_at").details["due_date"] == (DAY - days(1)).isoformat()


def test_a_closed_alert_that_was_critical_is_not_raised_anew() -> None:
    due(20)
    remind()
    close_alerts()
    assert remind(NOW + days(9)).changed == {}


@pytest.mark.parametrize("over", ["paid", "cancelled", "booking"])
def test_what_was_paid_or_cancelled_is_not_raised_anew(over: str) -> None:
    row = due(1)
    remind()
    close_alerts()
    if over == "booking":
        Booking.objects.update(status="cancelled")
    else:
        InstallmentSchedule.objects.update(status=over, paid_at=NOW if over == "paid" else None)
    assert "alerts opened" not in remind(NOW + days(8)).changed
    assert Alert.objects.filter(entity_id=str(row.pk)).count() == 1


def test_what_was_said_of_another_due_date_is_no_reason_to_be_silent() -> None:
    row = due(20)
    remind()
    close_alerts()
    InstallmentSchedule.objects.update(due_date=DAY + days(10))
    remind()
    for late, severity in ((1, "info"), (8, "warning")):
        remind(NOW + days(10 + late))
        assert Alert.objects.get(entity_id=str(row.pk), resolved_at=None).severity == severity
        close_alerts()


def test_finance_hears_of_an_alert_that_is_raised_anew(finance: User) -> None:
    due(1)
    remind()
    close_alerts()
    remind(NOW + days(6))
    assert [row.payload["count"] for row in digests().order_by("scheduled_at")] == [1, 1]


def test_closed_alerts_of_long_ago_are_not_read() -> None:
    row = due(1)
    remind()
    close_alerts()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO alerts (type, severity, entity_type, entity_id, summary, details, detected_at, acknowledged_by,"
            " status, resolved_at) SELECT 'installment_overdue', 'info', 'installment', gen_random_uuid()::text, '', '{}',"
            " now(), '', 'resolved', now() FROM generate_series(1, 20000)"
        )
        cursor.execute("ANALYZE")
    with explained("WITH silent") as plans:
        remind(NOW + days(6))
    [plan] = plans
    assert "alerts_resolved" in plan.indexes, plan
    assert plan.blocks < 100, plan
    assert Alert.objects.get(entity_id=str(row.pk), resolved_at=None).severity == "warning"


def test_an_old_debt_that_is_found_late_is_critical_at_once() -> None:
    due(20)
    remind()
    assert Alert.objects.get().severity == "critical"


@pytest.mark.parametrize("settled", ["paid", "cancelled", "booking"])
def test_an_alert_resolves_itself(settled: str) -> None:
    row = due(1)
    remind()
    if settled == "booking":
        Booking.objects.update(status="cancelled")
    else:
        InstallmentSchedule.objects.update(status=settled, paid_at=NOW if settled == "paid" else None)
    later = NOW + dt.timedelta(hours=1)
    assert remind(later).changed == {"alerts resolved": 1}
    alert = Alert.objects.get()
    assert (alert.status, alert.resolved_at) == ("resolved", later)
    assert fresh(row).status == ("overdue" if settled == "booking" else settled)


def test_other_alerts_are_left_alone() -> None:
    other = Alert.objects.create(
        type="payout_delay", entity_type="payout", entity_id="po_1", severity="info", detected_at=NOW
    )
    due(8)
    remind()
    other.refresh_from_db()
    assert (other.status, other.severity) == ("open", "info")


# ── Finance ─────────────────────────────────────────────────────────────────────────────────────────────
def digests() -> Any:
    return Notification.objects.filter(template__name="finance.installments_overdue", channel="email")


def test_finance_gets_one_digest_with_sums_by_currency_and_the_first_twenty(finance: User) -> None:
    for number in range(1, 25):
        due(number % 3 + 1, amount=Decimal("1250.50"))
    due(9, amount=Decimal("80.00"), booking=BookingFactory.create(currency="USD", booking_number="FR-USD"))
    remind()
    payload = digests().get().payload
    assert (payload["count"], payload["shown"], payload["day"]) == (25, 20, "2026-11-20")
    assert payload["totals"] == [
        {"sum": "30\xa0012.00\xa0CAD", "count": "24"},
        {"sum": "80.00\xa0USD", "count": "1"},
    ]
    assert len(payload["installments"]) == 20
    first = payload["installments"][0]
    assert (first["booking_number"], first["due_date"], first["sum"]) == (
        "FR-USD",
        "2026-11-11",
        "80.00\xa0USD",
    )
    assert digests().get().to == {"staff_id": str(finance.pk)}


@pytest.mark.usefixtures("finance")
def test_the_digest_comes_once_a_day_and_leaves_nothing_out() -> None:
    due(1)
    remind()
    due(1)
    remind(NOW + dt.timedelta(hours=1))
    assert digests().count() == 1
    remind(NOW + days(1))
    remind(NOW + days(2))
    assert list(digests().order_by("scheduled_at").values_list("payload__count", flat=True)) == [1, 1]


@pytest.mark.usefixtures("finance")
def test_the_digest_waits_for_eight_oclock() -> None:
    due(1)
    remind(utc("2026-11-20T11:59"))
    assert not digests().exists()
    remind(utc("2026-11-20T12:00"))
    assert digests().count() == 1


@pytest.mark.usefixtures("finance")
def test_what_was_paid_before_the_digest_is_not_in_it() -> None:
    row = due(1)
    remind(utc("2026-11-20T06:00"))
    InstallmentSchedule.objects.filter(pk=row.pk).update(status="paid", paid_at=NOW)
    remind()
    assert not digests().exists()


@pytest.mark.usefixtures("finance")
def test_a_second_digest_of_a_day_is_not_lost_where_the_first_was_settled() -> None:
    row = due(1)
    remind()
    InstallmentSchedule.objects.filter(pk=row.pk).update(status="paid", paid_at=NOW)
    due(1)
    remind(NOW + dt.timedelta(hours=1))
    assert digests().count() == 2


def test_an_empty_finance_group_costs_no_customer_a_reminder(caplog: pytest.LogCaptureFixture) -> None:
    due(1)
    assert remind().queued == 2
    assert "job.group_empty job=installment_reminders group=finance" in caplog.text
    StaffFactory.create(groups=("finance",))
    remind(NOW + dt.timedelta(hours=1))
    assert digests().count() == 1


# ── Failures, races, dry runs, scale ────────────────────────────────────────────────────────────────────
@pytest.mark.usefixtures("finance")
def test_a_failure_half_way_leaves_nothing_half_done(monkeypatch: pytest.MonkeyPatch) -> None:
    for milestone in MILESTONES:
        due(milestone.days)
    calls: list[int] = []

    def fail_on_the_third(*args: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise RuntimeError("no more")
        return notify_many(*args, **options)

    monkeypatch.setattr(telling, "notify_many", fail_on_the_third)
    assert CATALOG["installment_reminders"].atomic
    with pytest.raises(RuntimeError), transaction.atomic():
        remind()
    assert not Notification.objects.exists()
    assert not Alert.objects.exists()
    assert set(InstallmentSchedule.objects.values_list("status", "reminder_sent_at")) == {("pending", None)}
    monkeypatch.undo()
    assert emails().count() == 0
    remind()
    assert (emails().count(), digests().count()) == (5, 1)


@pytest.mark.usefixtures("finance")
def test_a_dry_run_changes_nothing_and_shows_its_rows() -> None:
    row = due(1)
    report = start("installment_reminders", now=NOW, trigger="command", dry_run=True)
    assert report.status == "success", report.error
    assert report.row_counts == {"installment_schedules": {"update": 2}, "alerts": {"insert": 1, "update": 1}}
    statuses = [change.columns.get("status") for change in report.rows]
    assert ("pending", "overdue") in statuses
    assert {message.template for message in report.messages} == {
        "installment.overdue",
        "finance.installments_overdue",
    }
    assert (fresh(row).status, row.reminder_sent_at) == ("pending", None)
    assert not Notification.objects.exists()
    assert not Alert.objects.exists()


def test_pages_lose_nothing_and_progress_reaches_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "PAGE", 2)
    monkeypatch.setattr(installment_reminders, "PAGE", 2)
    for _ in range(5):
        due(1)
    seen: list[tuple[int, int]] = []
    result = installment_reminders.run(now=NOW, progress=lambda done, total: seen.append((done, total)))
    assert (result.found["overdue"], result.queued) == (5, 10)
    assert seen == [(2, 5), (4, 5), (5, 5)]
    assert not InstallmentSchedule.objects.filter(reminder_sent_at=None).exists()


@pytest.mark.usefixtures("finance")
def test_the_number_of_statements_does_not_grow_with_the_rows() -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            remind()
        return len(queries)

    for milestone in MILESTONES:
        due(milestone.days)
    few = statements()
    for milestone in MILESTONES * 10:
        due(milestone.days)
    assert statements() <= few


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_tell_once() -> None:
    StaffFactory.create(groups=("finance",))
    for milestone in MILESTONES:
        due(milestone.days, booking=BookingFactory.create(customer=CustomerFactory.create(phone="")))
    barrier, results = threading.Barrier(2), []

    def one() -> None:
        try:
            with transaction.atomic():
                barrier.wait(timeout=10)
                results.append(remind())
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(results) == 2
    assert sorted(sum(result.found.values()) for result in results) == [0, 5]
    assert emails().count() == 5
    assert digests().count() == 1
    assert Alert.objects.count() == 3
