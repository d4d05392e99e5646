"""What the booking reminders say, against the booking as it is when they would go out."""

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from jobs.catalog.booking_reminders import run
from jobs.spec import silent
from notifications.models import Notification
from notifications.relevance import Question
from rentals.models import Booking, LogisticsTask
from rentals.relevance import bookings
from tests.factories import BookingFactory, LogisticsTaskFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("templates")]

DAY = dt.date(2026, 11, 20)
NOW = dt.datetime(2026, 11, 20, 15, tzinfo=dt.UTC)
LATER = dt.timedelta(days=2)


def _deposit() -> Booking:
    return BookingFactory.create(
        start_date=DAY + dt.timedelta(days=3), status="pending", billing_status="pending"
    )


def _delivery() -> Booking:
    return LogisticsTaskFactory.create(scheduled_at=NOW + dt.timedelta(hours=22)).booking


def _pickup() -> Booking:
    return BookingFactory.create(start_date=DAY)


def _return() -> Booking:
    return BookingFactory.create(start_date=DAY - dt.timedelta(days=4), end_date=DAY, status="active")


DUE: dict[str, Callable[[], Booking]] = {
    "deposit": _deposit,
    "delivery": _delivery,
    "pickup": _pickup,
    "return": _return,
}


def reminded(kind: str) -> tuple[Booking, list[Question]]:
    """A booking and the questions about the messages that the real job queued for it."""
    booking = DUE[kind]()
    run(now=NOW, progress=silent)
    rows = Notification.objects.filter(metadata__reminder=kind)
    assert rows.count() == 2
    return booking, [
        Question(row.pk, "booking.any", row.payload, row.metadata, row.recipient_key) for row in rows
    ]


def judged(questions: list[Question]) -> str:
    """The one reason for all of them, or nothing."""
    answers = bookings.over(questions, now=NOW)
    assert not answers or set(answers) == {question.id for question in questions}
    return " ".join(set(answers.values()))


@pytest.mark.parametrize("kind", DUE)
def test_a_reminder_holds_as_long_as_nothing_changed(kind: str) -> None:
    assert judged(reminded(kind)[1]) == ""


@pytest.mark.parametrize("kind", DUE)
@pytest.mark.parametrize("status", ["cancelled", "completed"])
def test_no_reminder_of_a_booking_that_is_over(kind: str, status: str) -> None:
    booking, questions = reminded(kind)
    Booking.objects.filter(pk=booking.pk).update(status=status)
    assert judged(questions) == f"The booking is {status}."


@pytest.mark.parametrize(
    ("kind", "changes", "says"),
    [
        ("deposit", {"start_date": DAY + LATER}, "moved to 2026-11-22"),
        ("deposit", {"billing_status": "deposit_paid"}, "No deposit is open"),
        ("deposit", {"billing_status": "balance_paid"}, "No deposit is open"),
        ("deposit", {"deposit_amount": 0}, "No deposit is open"),
        ("deposit", {"status": "active"}, "has begun"),
        ("deposit", {"status": "confirmed"}, ""),
        ("pickup", {"start_date": DAY + LATER}, "moved to 2026-11-22"),
        ("pickup", {"type": "delivery"}, "is delivered"),
        ("pickup", {"status": "active"}, "was picked up"),
        ("pickup", {"status": "pending"}, "not confirmed"),
        ("pickup", {"billing_status": "balance_paid"}, ""),
        ("return", {"end_date": DAY + LATER}, "moved to 2026-11-22"),
        ("return", {"status": "pending"}, "not confirmed"),
        ("return", {"status": "confirmed"}, ""),
    ],
)
def test_what_ends_a_reminder(kind: str, changes: dict[str, Any], says: str) -> None:
    booking, questions = reminded(kind)
    last = dict.fromkeys({"start_date"} & set(changes), DAY + 5 * LATER)
    Booking.objects.filter(pk=booking.pk).update(
        **({"end_date": last["start_date"]} if last else {}) | changes
    )
    answer = judged(questions)
    assert says in answer
    assert bool(says) == bool(answer)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"scheduled_at": NOW + dt.timedelta(hours=23)}, "The delivery was moved."),
        ({"status": "cancelled"}, "The delivery is cancelled."),
        ({"status": "en_route"}, "The delivery is en route."),
        ({"task_type": "pickup"}, "The delivery was moved."),
        ({"scheduled_at": NOW + dt.timedelta(hours=22, seconds=30)}, ""),  # the same minute
    ],
)
def test_what_ends_the_announcement_of_a_delivery(changes: dict[str, Any], says: str) -> None:
    booking, questions = reminded("delivery")
    LogisticsTask.objects.filter(booking=booking).update(**changes)
    assert judged(questions) == says


def test_a_second_transport_at_the_same_minute_keeps_it() -> None:
    booking, questions = reminded("delivery")
    LogisticsTask.objects.filter(booking=booking).update(status="cancelled")
    LogisticsTaskFactory.create(booking=booking, scheduled_at=NOW + dt.timedelta(hours=22))
    assert judged(questions) == ""


def test_a_deleted_booking_ends_it() -> None:
    booking, questions = reminded("pickup")
    booking.delete()
    assert judged(questions) == "The booking is gone."


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"reminder": "pickup", "booking_id": "B-1001", "event": "2026-11-20"},
        {"reminder": "pickup", "booking_id": str(uuid.uuid4())},
        {"reminder": "thanks", "booking_id": str(uuid.uuid4()), "event": "2026-11-20"},
        {"reminder": ["pickup"], "booking_id": str(uuid.uuid4()), "event": "2026-11-20"},
    ],
)
def test_somebody_elses_message_is_not_judged_and_costs_nothing(
    metadata: dict[str, Any], django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        assert bookings.over([Question(uuid.uuid4(), "booking.x", {}, metadata, "customer:1")], now=NOW) == {}


def test_two_queries_whatever_the_number(django_assert_num_queries: Any) -> None:
    def question(kind: str) -> Question:
        metadata = {"reminder": kind, "booking_id": str(DUE[kind]().pk), "event": str(DAY)}
        return Question(uuid.uuid4(), "booking.any", {}, metadata, "customer:1")

    questions = [question(kind) for kind in ("pickup", "pickup", "pickup", "delivery")]
    with django_assert_num_queries(2):
        assert bookings.over(questions, now=NOW) == {questions[-1].id: "The delivery was moved."}
