"""What the reminders of instalments say, against the instalment as it is when they would go out."""

import datetime as dt
import uuid
from typing import Any

import pytest

from jobs.catalog.installment_reminders import MILESTONES, run
from jobs.spec import silent
from notifications.models import Notification
from notifications.relevance import Question
from notifications.worker import drain
from rentals.models import Booking, InstallmentSchedule
from rentals.relevance import installments
from sandbox.testing import SandboxServer
from tests.business_factories import InstallmentScheduleFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("templates")]

DAY = dt.date(2026, 11, 20)
NOW = dt.datetime(2026, 11, 20, 15, tzinfo=dt.UTC)
each_milestone = pytest.mark.parametrize("milestone", MILESTONES, ids=[m.name for m in MILESTONES])


def reminded(milestone: Any) -> InstallmentSchedule:
    """An instalment with the messages that the real job queued for it."""
    row = InstallmentScheduleFactory.create(due_date=DAY - dt.timedelta(days=milestone.days))
    run(now=NOW, progress=silent)
    assert Notification.objects.filter(metadata__installment_id=str(row.pk), status="queued").exists()
    return row


@each_milestone
def test_a_reminder_that_holds_is_sent(milestone: Any, sandbox: SandboxServer) -> None:
    reminded(milestone)
    drain(now=NOW)
    (mail,) = sandbox.messages(provider="sendgrid")
    content = sandbox.message(mail["id"])["content"]
    assert "$400.00" in content["subject"]
    assert "/payments" in content["text"]


@each_milestone
@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"status": "paid", "paid_at": NOW}, "The instalment is paid."),
        ({"status": "cancelled"}, "The instalment is cancelled."),
        ({"due_date": DAY + dt.timedelta(days=40)}, "The instalment moved to 2026-12-30."),
    ],
)
def test_what_ends_a_reminder(
    milestone: Any, changes: dict[str, Any], says: str, sandbox: SandboxServer
) -> None:
    row = reminded(milestone)
    InstallmentSchedule.objects.filter(pk=row.pk).update(**changes)
    drain(now=NOW)
    assert sandbox.messages() == []
    for message in Notification.objects.filter(channel__in=["email", "inapp"]):
        assert message.status == "cancelled"
        assert says in message.metadata["withheld"]["reason"]


@each_milestone
def test_a_cancelled_booking_ends_it(milestone: Any, sandbox: SandboxServer) -> None:
    row = reminded(milestone)
    Booking.objects.filter(pk=row.booking_id).update(status="cancelled")
    drain(now=NOW)
    assert sandbox.messages() == []


def test_a_deleted_instalment_ends_it() -> None:
    row = reminded(MILESTONES[0])
    row.delete()
    message = Notification.objects.filter(channel="email").get()
    question = Question(message.pk, "installment.due_soon", {}, message.metadata, "customer:1")
    assert installments.over([question], now=NOW) == {message.pk: "The instalment is gone."}


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"reminder": "due_soon", "installment_id": "2", "event": "2026-11-20"},
        {"reminder": "due_soon", "installment_id": str(uuid.uuid4())},
        {"reminder": "pickup", "installment_id": str(uuid.uuid4()), "event": "2026-11-20"},
        {"reminder": ["due_soon"], "installment_id": str(uuid.uuid4()), "event": "2026-11-20"},
    ],
)
def test_somebody_elses_message_is_not_judged_and_costs_nothing(
    metadata: dict[str, Any], django_assert_num_queries: Any
) -> None:
    question = Question(uuid.uuid4(), "installment.x", {}, metadata, "customer:1")
    with django_assert_num_queries(0):
        assert installments.over([question], now=NOW) == {}


def test_one_query_whatever_the_number(django_assert_num_queries: Any) -> None:
    rows = InstallmentScheduleFactory.create_batch(5, status="paid")
    questions = [
        Question(
            uuid.uuid4(),
            "installment.overdue",
            {},
            {"reminder": "overdue", "installment_id": str(row.pk), "event": row.due_date.isoformat()},
            "customer:1",
        )
        for row in rows
    ]
    with django_assert_num_queries(1):
        assert len(installments.over(questions, now=NOW)) == 5
