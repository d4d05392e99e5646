"""What the messages about promised times say, against the ticket as it is when they would go out."""

import datetime as dt
import uuid
from typing import Any

import pytest

from jobs.catalog.sla_monitor import run
from jobs.spec import silent
from notifications.models import Notification
from notifications.relevance import Question
from notifications.worker import drain
from rentals.models import SupportSla, SupportTicket
from rentals.relevance import tickets
from sandbox.testing import SandboxServer
from tests.business_factories import SupportSlaFactory, SupportTicketFactory
from tests.factories import StaffFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("templates")]

NOW = dt.datetime(2026, 11, 20, 15, tzinfo=dt.UTC)
# Minutes after which a normal ticket stands so: (target, is it past it).
AGES = {"warned": 400, "breached": 500}
SOLVED = {"status": "resolved", "resolved_at": NOW}


@pytest.fixture(autouse=True)
def _lead() -> None:
    StaffFactory.create(groups=("support_leads",))


def told(age: int, **fields: Any) -> SupportTicket:
    """A ticket with the messages that the real job queued for it."""
    row = SupportTicketFactory.create(created_at=NOW - dt.timedelta(minutes=age), **fields)
    run(now=NOW, progress=silent)
    assert Notification.objects.filter(metadata__ticket_id=str(row.pk), status="queued").exists()
    return row


def reasons() -> set[str]:
    return {row.metadata["withheld"]["reason"] for row in Notification.objects.filter(status="cancelled")}


@pytest.mark.parametrize(
    ("age", "fields", "words"),
    [
        (400, {}, "needs an answer by 12:20 PM"),
        (500, {}, "is past its answer time"),
        (4000, {"first_response_at": NOW}, "needs a solution by"),
        (5000, {"first_response_at": NOW - dt.timedelta(minutes=4900)}, "is past its solution time"),
    ],
)
def test_a_message_that_holds_is_sent_in_these_words(
    age: int, fields: dict[str, Any], words: str, sandbox: SandboxServer
) -> None:
    row = told(age, **fields)
    drain(now=NOW)
    (mail,) = sandbox.messages(provider="sendgrid")
    subject = sandbox.message(mail["id"])["content"]["subject"]
    assert row.ticket_number in subject
    assert words in subject


@pytest.mark.parametrize("age", AGES.values(), ids=AGES)
@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (SOLVED, "The ticket is resolved."),
        ({**SOLVED, "status": "closed"}, "The ticket is closed."),
        ({"first_response_at": NOW}, "The ticket was answered."),
    ],
)
def test_what_ends_a_message(age: int, changes: dict[str, Any], says: str, sandbox: SandboxServer) -> None:
    row = told(age)
    SupportTicket.objects.filter(pk=row.pk).update(**changes)
    drain(now=NOW)
    assert sandbox.messages() == []
    assert reasons() == {f"It no longer holds: {says}"}


@pytest.mark.parametrize("age", AGES.values(), ids=AGES)
def test_another_priority_ends_it(age: int, sandbox: SandboxServer) -> None:
    row = told(age)
    SupportTicket.objects.filter(pk=row.pk).update(priority="low")
    run(now=NOW, progress=silent)
    drain(now=NOW)
    assert sandbox.messages() == []
    assert reasons() == {"It no longer holds: The ticket has another target by now."}


def test_an_answer_leaves_the_word_about_the_solution(sandbox: SandboxServer) -> None:
    row = told(4000, first_response_at=NOW - dt.timedelta(minutes=3990))
    SupportTicket.objects.filter(pk=row.pk).update(first_response_at=NOW)
    drain(now=NOW)
    assert len(sandbox.messages(provider="sendgrid")) == 1


def test_a_deleted_ticket_ends_it() -> None:
    row = told(400)
    SupportSla.objects.all().delete()
    row.delete()
    message = Notification.objects.filter(channel="email").get()
    question = Question(message.pk, "sla.warning", {}, message.metadata, "staff:1")
    assert tickets.over([question], now=NOW) == {message.pk: "The ticket is gone."}


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"sla": "response", "ticket_id": "T-1", "event": NOW.isoformat()},
        {"sla": "response", "ticket_id": str(uuid.uuid4())},
        {"sla": ["response"], "ticket_id": str(uuid.uuid4()), "event": NOW.isoformat()},
        {"sla": "pickup", "ticket_id": str(uuid.uuid4()), "event": NOW.isoformat()},
    ],
)
def test_somebody_elses_message_is_not_judged_and_costs_nothing(
    metadata: dict[str, Any], django_assert_num_queries: Any
) -> None:
    question = Question(uuid.uuid4(), "sla.x", {}, metadata, "staff:1")
    with django_assert_num_queries(0):
        assert tickets.over([question], now=NOW) == {}


def test_one_query_whatever_the_number(django_assert_num_queries: Any) -> None:
    rows = [SupportSlaFactory.create(ticket__status="closed").ticket for _ in range(4)]
    questions = [
        Question(
            uuid.uuid4(),
            "sla.breached",
            {},
            {"sla": "resolution", "ticket_id": str(row.pk), "event": NOW.isoformat()},
            "staff:1",
        )
        for row in rows
    ]
    with django_assert_num_queries(1):
        assert set(tickets.over(questions, now=NOW).values()) == {"The ticket is closed."}
