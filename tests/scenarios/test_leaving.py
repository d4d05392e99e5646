"""Somebody leaves, through the real doors: a mail program's one-click POST, a text message. What waits is withheld, and says why."""

import datetime as dt
import io
import uuid
from typing import Any

import pytest
import requests
from django.core.management import call_command
from django.utils import timezone

from consent.preferences import current, grant
from notifications.enqueue import notify
from notifications.models import Notification
from notifications.worker import drain
from rentals.models import Customer
from sandbox.testing import SandboxServer
from tests.factories import CustomerFactory
from tests.messages import PICKUP, fresh

NUMBER = "+15065550142"


@pytest.fixture(autouse=True)
def surroundings(transactional_db: None, templates: None, live_server: Any, settings: Any) -> None:
    """The site where its links say it is."""
    settings.PUBLIC_URL = live_server.url


def queued(customer: Customer, *, channel: str, minutes: int = 0, **message: Any) -> Notification:
    """A pick-up reminder, unless another message is given; `minutes` from now."""
    given: dict[str, Any] = message or {"template": "booking.pickup_today", "payload": PICKUP}
    at = timezone.now() + dt.timedelta(minutes=minutes)
    result = notify(to=customer.pk, channel=channel, scheduled_at=at, **given)
    receipt = (*result.queued, *result.withheld)[0]
    return Notification.objects.get(pk=receipt.id)


def later(minutes: int = 10) -> None:
    drain(now=timezone.now() + dt.timedelta(minutes=minutes))


def explained(row: Notification) -> str:
    out = io.StringIO()
    call_command("explain_notification", str(row.pk), stdout=out)
    return out.getvalue()


def essential(what: str = "security") -> dict[str, Any]:
    return {"body": "Your account was opened on a new device.", "category": what, "subject": "New device"}


# ── One click ───────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("as_multipart", [True, False], ids=["multipart", "urlencoded"])
def test_one_click_and_no_more_mail_of_that_category(sandbox: SandboxServer, as_multipart: bool) -> None:
    customer = CustomerFactory.create(email="zoe@example.com")
    for category in ("marketing", "reminder"):
        grant(
            customer_id=str(customer.pk),
            channel="email",
            category=category,
            source="web_form",
            actor="customer",
            at=timezone.now(),
        )
    first, waiting = queued(customer, channel="email"), queued(customer, channel="email", minutes=5)
    drain()
    assert fresh(first).status == "sent"
    (line,) = sandbox.messages(provider="sendgrid")
    mail = sandbox.message(line["id"])["content"]
    link = mail["headers"]["List-Unsubscribe"].strip("<>")
    assert mail["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert link in mail["text"]
    assert f'href="{link}"' in mail["html"]

    # As Gmail posts it: no cookie, no login, no redirect followed; twice, since programs retry.
    for _ in range(2):
        body = {"List-Unsubscribe": (None, "One-Click")} if as_multipart else None
        data = None if as_multipart else {"List-Unsubscribe": "One-Click"}
        answer = requests.post(link, files=body, data=data, allow_redirects=False, timeout=10)
        assert (answer.status_code, answer.text) == (200, "You are unsubscribed.\n")
        assert not answer.cookies

    later()
    assert fresh(waiting).status == "cancelled"
    assert fresh(waiting).metadata["withheld"]["rule"] == "consent.revoked"
    assert "switched reminder messages off" in explained(waiting)
    assert len(sandbox.messages(provider="sendgrid")) == 1
    # Of that category and channel alone.
    assert current(str(customer.pk))["email", "marketing"].enabled
    kept = queued(customer, channel="email", **essential("transactional"))
    drain()
    assert fresh(kept).status == "sent"


# ── Text messages ───────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture
def customer() -> Customer:
    known: Customer = CustomerFactory.create(phone=NUMBER, preferred_contact_method="sms", locale="en")
    return known


@pytest.fixture
def says(sandbox: SandboxServer, live_server: Any) -> Any:
    """The customer texts us; answers the texts that came back to their telephone."""

    def say(body: str, **details: Any) -> list[str]:
        before = {line["id"] for line in sandbox.messages(channel="sms")}
        answer = sandbox.inbound(NUMBER, body, f"{live_server.url}/webhooks/twilio/inbound/", **details)
        assert answer["status"] == 200
        new = [line for line in sandbox.messages(channel="sms", recipient=NUMBER) if line["id"] not in before]
        return [sandbox.message(line["id"])["content"]["body"] for line in new]

    return say


def test_stop_and_no_more_texts(customer: Customer, sandbox: SandboxServer, says: Any) -> None:
    first, waiting = queued(customer, channel="sms"), queued(customer, channel="sms", minutes=5)
    drain()
    assert fresh(first).status == "sent"

    (confirmation,) = says("STOP")
    assert confirmation.startswith("You have successfully been unsubscribed"), (
        "Twilio's own, and no second one"
    )
    assert says("STOP") == []
    assert says("I said stop texting me") == []

    later()
    assert fresh(waiting).status == "cancelled"
    assert fresh(waiting).metadata["withheld"]["rule"] == "suppressed.opted_out"
    assert "opted out" in explained(waiting)
    # Twilio would refuse this one with 21610, so nobody tries.
    blocked = queued(customer, channel="sms", **essential())
    assert fresh(blocked).metadata["withheld"]["rule"] == "suppressed.opted_out"
    # By e-mail they are still reached.
    assert queued(customer, channel="email", **essential()).status == "queued"

    (welcome,) = says("START")
    assert welcome.startswith("You have successfully been re-subscribed")
    again = queued(customer, channel="sms")
    drain()
    assert fresh(again).status == "sent"


@pytest.mark.parametrize(
    ("words", "details"),
    [("Please stop texting me!", {}), ("arrêtez svp", {}), ("STOP", {"opt_out_handling": False})],
)
def test_where_twilio_blocks_nothing_what_must_be_known_still_gets_through(
    words: str, details: Any, customer: Customer, sandbox: SandboxServer, says: Any, settings: Any
) -> None:
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "TWILIO_ANSWERS_KEYWORDS": not details}
    waiting = queued(customer, channel="sms", minutes=5)
    (confirmation,) = says(words, **details)
    assert confirmation == (
        "Fundy Equipment Rental: you will get no more reminders and no offers by text. Reply START to undo this."
    )
    assert says(words, **details) == []
    known = queued(customer, channel="sms", **essential())
    later()
    assert fresh(waiting).metadata["withheld"]["rule"] == "consent.revoked"
    assert "reminder" in explained(waiting)
    assert fresh(known).status == "sent"

    (welcome,) = says("START", **details)
    assert welcome.startswith("Fundy Equipment Rental: you will get our texts again")
    assert says("START", **details) == []
    again = queued(customer, channel="sms")
    drain()
    assert fresh(again).status == "sent"
    received = [line["notification_id"] for line in sandbox.messages(provider="twilio", recipient=NUMBER)]
    assert sorted(filter(None, received)) == sorted(map(str, ids(known, again)))


def test_help_is_answered_once_by_one_of_us(says: Any, customer: Customer) -> None:
    (theirs,) = says("HELP")
    assert theirs.startswith("Reply STOP")
    (ours,) = says("aide")
    assert "hello@rental.example" in ours


def test_what_cannot_be_understood_changes_nothing(says: Any, customer: Customer) -> None:
    assert says("don't stop, I like it") == []
    assert says("can I cancel my booking?") == []
    row = queued(customer, channel="sms")
    drain()
    assert fresh(row).status == "sent"


def ids(*rows: Notification) -> list[uuid.UUID]:
    return [row.pk for row in rows]
