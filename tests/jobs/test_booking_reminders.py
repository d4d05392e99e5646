"""booking_reminders at its edges: who hears what, when by their own clock, how often, and what stops it."""

import datetime as dt
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from consent.preferences import revoke
from jobs import telling
from jobs.catalog import CATALOG, booking_reminders
from jobs.spec import JobResult, silent
from notifications.enqueue import notify_many
from notifications.models import Notification
from rentals.models import Booking
from tests.factories import BookingFactory, CustomerFactory, LogisticsTaskFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("templates")]

DAY = dt.date(2026, 11, 20)
KINDS = ("deposit", "delivery", "pickup", "return")


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


# 11:00 in Moncton (UTC-4 in winter) and 07:00 in Vancouver.
NOW = utc("2026-11-20T15:00")


def remind(now: dt.datetime = NOW) -> JobResult:
    return CATALOG["booking_reminders"].run(now=now, progress=silent)


def found(now: dt.datetime) -> list[str]:
    """The kinds for which a run at that moment finds something."""
    return [kind for kind, count in remind(now).found.items() if count]


def deposit_due(**fields: Any) -> Booking:
    return BookingFactory.create(
        **{
            "start_date": DAY + dt.timedelta(days=3),
            "status": "pending",
            "billing_status": "pending",
            **fields,
        }
    )


def delivery_due(**fields: Any) -> Booking:
    booking = BookingFactory.create(
        **{
            "start_date": DAY + dt.timedelta(days=1),
            "type": "delivery",
            "delivery_address": "1 Main Street",
            **fields,
        }
    )
    LogisticsTaskFactory.create(booking=booking, scheduled_at=utc("2026-11-21T13:00"))
    return booking


def pickup_due(**fields: Any) -> Booking:
    return BookingFactory.create(**{"start_date": DAY, **fields})


def return_due(**fields: Any) -> Booking:
    dates = {"start_date": DAY - dt.timedelta(days=4), "end_date": DAY}
    return BookingFactory.create(**{"status": "active", **dates, **fields})


DUE: dict[str, Callable[..., Booking]] = {
    "deposit": deposit_due,
    "delivery": delivery_due,
    "pickup": pickup_due,
    "return": return_due,
}
each_kind = pytest.mark.parametrize("kind", KINDS)


# ── Nothing, once, twice ────────────────────────────────────────────────────────────────────────────────
def test_nothing_due_queues_nothing() -> None:
    BookingFactory.create()
    assert remind() == JobResult(found=dict.fromkeys(KINDS, 0))
    assert not Notification.objects.exists()


@each_kind
def test_each_kind_tells_the_customer_on_their_channel_and_in_the_inbox(kind: str) -> None:
    customer = CustomerFactory.create(preferred_contact_method="sms")
    booking = DUE[kind](customer=customer)
    assert remind() == JobResult(found={**dict.fromkeys(KINDS, 0), kind: 1}, queued=2)
    rows = Notification.objects.order_by("channel")
    assert [row.channel for row in rows] == ["inapp", "sms"]
    for row in rows:
        assert row.to == {"customer_id": str(customer.pk)}
        assert row.status == "queued"
        assert row.category == "reminder"
        assert row.scheduled_at == NOW
        assert row.payload["booking_number"] == booking.booking_number
        assert row.payload["equipment"] == "Kubota KX040"
        assert row.payload["booking_url"].endswith(f"/bookings/{booking.booking_number}")
        assert row.metadata["booking_id"] == str(booking.pk)


@pytest.mark.parametrize(
    ("kind", "template", "event", "fact", "expires_at"),
    [
        (
            "deposit",
            "booking.deposit_due",
            "2026-11-23",
            {"start_date": "2026-11-23", "deposit_amount": {"amount": "500.00", "currency": "CAD"}},
            "2026-11-23T04:00",
        ),
        (
            "delivery",
            "booking.delivery_tomorrow",
            "2026-11-21T13:00Z",
            {"delivery_at": "2026-11-21T13:00:00+00:00"},
            "2026-11-21T13:00",
        ),
        ("pickup", "booking.pickup_today", "2026-11-20", {"start_date": "2026-11-20"}, "2026-11-21T04:00"),
        ("return", "booking.return_today", "2026-11-20", {"end_date": "2026-11-20"}, "2026-11-21T04:00"),
    ],
)
def test_a_reminder_names_its_event_and_dies_with_it(
    kind: str, template: str, event: str, fact: dict[str, Any], expires_at: str
) -> None:
    booking = DUE[kind]()
    remind()
    row = Notification.objects.select_related("template").get(channel="email")
    assert row.template is not None
    assert row.template.name == template
    assert row.idempotency_key == f"booking_reminders:{kind}:{booking.pk}:{event}"
    assert fact.items() <= row.payload.items()
    assert row.expires_at == utc(expires_at)


@each_kind
def test_a_second_run_finds_it_again_and_sends_nothing_more(kind: str) -> None:
    DUE[kind]()
    remind()
    again = remind(NOW + dt.timedelta(hours=1))
    assert (again.queued, again.existing) == (0, 2)
    assert Notification.objects.count() == 2


def test_all_kinds_are_found_in_one_run() -> None:
    for make in DUE.values():
        make()
    assert remind() == JobResult(found=dict.fromkeys(KINDS, 1), queued=8)


# ── Moved, cancelled, settled ───────────────────────────────────────────────────────────────────────────
def test_a_booking_that_moved_is_spoken_of_again() -> None:
    booking = pickup_due()
    remind()
    Booking.objects.filter(pk=booking.pk).update(
        start_date=DAY + dt.timedelta(days=5), end_date=DAY + dt.timedelta(days=9)
    )
    assert found(NOW + dt.timedelta(hours=1)) == []
    assert remind(NOW + dt.timedelta(days=5)).queued == 2
    assert Notification.objects.filter(channel="email").values("idempotency_key").distinct().count() == 2


def test_a_delivery_moved_within_its_day_is_news() -> None:
    task = LogisticsTaskFactory.create(scheduled_at=NOW + dt.timedelta(hours=20))
    remind()
    task.scheduled_at += dt.timedelta(hours=3)
    task.save()
    assert remind(NOW + dt.timedelta(hours=1)).queued == 2


@each_kind
@pytest.mark.parametrize("status", ["cancelled", "completed"])
def test_a_booking_that_no_longer_stands_is_not_spoken_of(kind: str, status: str) -> None:
    DUE[kind](status=status)
    assert found(NOW) == []


@pytest.mark.parametrize(
    "settled", [{"billing_status": "deposit_paid"}, {"billing_status": "balance_paid"}, {"deposit_amount": 0}]
)
def test_no_deposit_is_asked_for_that_is_paid_or_not_wanted(settled: dict[str, Any]) -> None:
    deposit_due(**settled)
    assert found(NOW) == []


@pytest.mark.parametrize("status", ["en_route", "completed", "cancelled"])
def test_a_delivery_under_way_done_or_cancelled_is_not_announced(status: str) -> None:
    LogisticsTaskFactory.create(scheduled_at=NOW + dt.timedelta(hours=20), status=status, completed_at=NOW)
    assert found(NOW) == []


def test_the_transport_back_is_no_delivery() -> None:
    LogisticsTaskFactory.create(scheduled_at=NOW + dt.timedelta(hours=20), task_type="pickup")
    assert found(NOW) == []


@pytest.mark.parametrize("unlike", [{"type": "delivery"}, {"status": "pending"}, {"status": "active"}])
def test_only_a_confirmed_booking_that_is_fetched_is_reminded_to_be_fetched(unlike: dict[str, Any]) -> None:
    pickup_due(**unlike)
    assert found(NOW) == []


def test_a_machine_out_without_being_marked_so_is_asked_back() -> None:
    return_due(status="confirmed")
    assert found(NOW) == ["return"]


def test_a_one_day_booking_is_asked_back_only_once_the_machine_is_out() -> None:
    booking = return_due(status="confirmed", start_date=DAY)
    assert found(NOW) == ["pickup"]
    Booking.objects.filter(pk=booking.pk).update(status="active")
    assert found(NOW) == ["return"]


# ── The clock of the customer ───────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("make", [pickup_due, return_due])
@pytest.mark.parametrize(
    ("moment", "is_due"),
    [
        ("2026-11-20T10:59:59", False),  # 06:59:59 in Moncton
        ("2026-11-20T11:00", True),
        ("2026-11-21T03:59:59", True),  # late is better than never: until the day ends
        ("2026-11-21T04:00", False),
        ("2026-11-19T15:00", False),
    ],
)
def test_the_morning_begins_at_seven_and_a_late_run_still_tells(
    make: Callable[..., Booking], moment: str, is_due: bool
) -> None:
    make()
    assert bool(found(utc(moment))) is is_due


@pytest.mark.parametrize(
    ("moment", "is_due"),
    [
        ("2026-11-19T15:00", False),  # four days before
        ("2026-11-20T12:59:59", False),  # 08:59:59 in Moncton
        ("2026-11-20T13:00", True),
        ("2026-11-21T05:00", False),  # 01:00: nobody is woken for it
        ("2026-11-21T13:00", True),  # the run of the day before was missed
        ("2026-11-23T03:59:59", True),
        ("2026-11-23T13:00", False),  # the booking has begun
    ],
)
def test_a_deposit_is_asked_for_from_the_third_day_before_to_the_last(moment: str, is_due: bool) -> None:
    deposit_due()
    assert bool(found(utc(moment))) is is_due


@pytest.mark.parametrize(
    ("before", "is_due"),
    [
        (dt.timedelta(hours=24, seconds=1), False),
        (dt.timedelta(hours=24), True),
        (dt.timedelta(seconds=1), True),
        (dt.timedelta(0), False),
    ],
)
def test_a_delivery_is_announced_in_its_last_24_hours(before: dt.timedelta, is_due: bool) -> None:
    LogisticsTaskFactory.create(scheduled_at=NOW + before)
    assert bool(found(NOW)) is is_due


def test_each_customer_is_told_in_their_own_morning() -> None:
    for zone in ("America/Moncton", "America/Toronto", "America/Vancouver"):
        pickup_due(customer=CustomerFactory.create(timezone=zone))
    assert [remind(utc(f"2026-11-20T{hour:02d}:00")).found["pickup"] for hour in (10, 11, 12, 15)] == [
        0,
        1,
        2,
        3,
    ]
    # Past midnight in Moncton, 20:30 of the same day in Vancouver.
    assert remind(utc("2026-11-21T04:30")).found["pickup"] == 2


@pytest.mark.parametrize(
    ("zone", "moment"),
    [("Pacific/Kiritimati", "2026-11-19T17:00"), ("Pacific/Pago_Pago", "2026-11-20T18:00")],
)
def test_the_ends_of_the_earth_have_mornings_too(zone: str, moment: str) -> None:
    """UTC+14 and UTC-11: the narrowing by UTC dates must not lose them."""
    customer = CustomerFactory.create(timezone=zone)
    for make in (pickup_due, return_due):
        make(customer=customer)
    assert found(utc(moment) - dt.timedelta(seconds=1)) == []
    assert found(utc(moment)) == ["pickup", "return"]


@pytest.mark.parametrize(
    ("day", "seven_oclock", "ends_at"),
    [
        ("2026-03-07", "2026-03-07T11:00", "2026-03-08T04:00"),
        ("2026-03-08", "2026-03-08T10:00", "2026-03-09T03:00"),  # clocks go forward: a day of 23 hours
        ("2026-10-31", "2026-10-31T10:00", "2026-11-01T03:00"),
        ("2026-11-01", "2026-11-01T11:00", "2026-11-02T04:00"),  # clocks go back: a day of 25 hours
    ],
)
def test_seven_is_seven_on_the_days_the_clocks_change(day: str, seven_oclock: str, ends_at: str) -> None:
    pickup_due(start_date=dt.date.fromisoformat(day))
    assert found(utc(seven_oclock) - dt.timedelta(minutes=1)) == []
    assert found(utc(seven_oclock)) == ["pickup"]
    assert {row.expires_at for row in Notification.objects.all()} == {utc(ends_at)}


def test_the_third_day_before_is_counted_in_days_across_a_clock_change() -> None:
    deposit_due(start_date=dt.date(2026, 3, 10))
    # 09:00 of 7 March is in winter time, the first midnight of 10 March in summer time.
    assert found(utc("2026-03-07T12:59")) == []
    assert found(utc("2026-03-07T13:00")) == ["deposit"]
    assert Notification.objects.get(channel="email").expires_at == utc("2026-03-10T03:00")


# ── Gates, failures, races, scale ───────────────────────────────────────────────────────────────────────
def test_a_customer_who_switched_reminders_off_is_counted_as_withheld() -> None:
    booking = pickup_due()
    revoke(
        customer_id=str(booking.customer_id),
        channel="email",
        category="reminder",
        source="preference_page",
        actor="customer",
        at=NOW,
    )
    result = remind()
    assert (result.queued, result.withheld) == (1, 1)
    assert Notification.objects.get(channel="email").status == "cancelled"


def test_a_failure_half_way_leaves_nothing_half_done(monkeypatch: pytest.MonkeyPatch) -> None:
    for make in DUE.values():
        make()
    calls: list[int] = []

    def fail_on_the_third(*args: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise RuntimeError("no more")
        return notify_many(*args, **options)

    monkeypatch.setattr(telling, "notify_many", fail_on_the_third)
    assert CATALOG["booking_reminders"].atomic
    with pytest.raises(RuntimeError), transaction.atomic():
        remind()
    assert not Notification.objects.exists()
    monkeypatch.undo()
    assert remind().queued == 8


def test_pages_lose_nothing_and_progress_reaches_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "PAGE", 2)
    for _ in range(5):
        pickup_due()
    seen: list[tuple[int, int]] = []
    result = booking_reminders.run(now=NOW, progress=lambda done, total: seen.append((done, total)))
    assert (result.found["pickup"], result.queued) == (5, 10)
    assert seen == [(2, 5), (4, 5), (5, 5)]


def test_the_number_of_statements_does_not_grow_with_the_rows() -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            remind()
        return len(queries)

    pickup_due()
    few = statements()
    for _ in range(20):
        pickup_due(), return_due(), deposit_due(total_amount=Decimal(900))
    assert statements() <= few + 2 * 12  # two more kinds, one batch each


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_tell_once() -> None:
    for make in DUE.values():
        make()
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
    assert sum(result.queued for result in results) == 8
    assert sum(result.existing for result in results) == 8
    assert Notification.objects.count() == 8
