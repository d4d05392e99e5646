"""A reader reports an advertisement as spam: what SendGrid posts to our site, and all that follows for her, end to end."""

import json
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from consent.models import ConsentEvent, Suppression
from consent.preferences import grant
from notifications.enqueue import notify
from notifications.models import Notification, ProviderEvent
from notifications.webhooks.apply import apply_waiting
from notifications.worker import drain
from rentals.models import Customer
from sandbox.testing import SandboxServer
from tests.factories import CustomerFactory
from tests.messages import PICKUP, fresh
from tests.waiting import eventually

OFFER = {
    "name": "Winter rates", "discount": "10 %", "ends_on": "2026-12-24", "promo_url": "https://rental.example/p",
}  # fmt: skip


@pytest.fixture
def reporting(
    transactional_db: None, templates: None, sandbox: SandboxServer, live_server: Any, settings: Any
) -> SandboxServer:
    """Providers that post their signed webhooks to our site."""
    settings.PUBLIC_URL = live_server.url
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "CAPS": {}}
    sandbox.webhooks(sendgrid={"url": f"{live_server.url}/webhooks/sendgrid/"})
    return sandbox


def ask(customer: Customer, template: str, payload: dict[str, Any]) -> Notification:
    result = notify(template, to=customer.pk, channel="email", payload=payload)
    return Notification.objects.get(pk=(*result.queued, *result.withheld)[0].id)


def test_a_complaint_ends_what_can_be_left_and_is_explained(
    reporting: SandboxServer, capsys: pytest.CaptureFixture[str]
) -> None:
    customer = CustomerFactory.create(email="ada@example.com")
    grant(
        customer_id=str(customer.pk), channel="email", category="marketing", source="web_form", actor="customer",
        at=timezone.now(),
    )  # fmt: skip
    offer = ask(customer, "promotion.announcement", OFFER)
    drain()
    (mail,) = reporting.messages(provider="sendgrid")
    for event in ("spamreport", "delivered", "processed"):
        reporting.report(mail["id"], event)
    eventually(lambda: ProviderEvent.objects.count() == 3)
    assert apply_waiting().failed == 0

    after = fresh(offer)
    assert (after.status, after.feedback) == ("sent", "complained")
    dead = Suppression.objects.get()
    assert (dead.reason, dead.scope) == ("complaint", "optional")
    said = ConsentEvent.objects.filter(source="provider_event")
    assert {(one.channel, one.category, one.action) for one in said} == {
        ("email", "marketing", "revoked"),
        ("email", "reminder", "revoked"),
    }

    refused = (
        ask(customer, "promotion.announcement", OFFER),
        ask(customer, "booking.pickup_today", dict(PICKUP)),
    )
    assert {row.metadata["withheld"]["rule"] for row in refused} == {"suppressed.complaint"}
    call_command("explain_notification", str(refused[0].pk))
    told = capsys.readouterr().out
    report = ProviderEvent.objects.get(event_type="complained")
    assert "The address is suppressed (complaint). (rule suppressed.complaint)" in told
    assert f"asked for by report {report.pk}." in told
    # What she must know still reaches her.
    receipt = ask(customer, "system.test_message", {})
    assert (receipt.status, receipt.category) == ("queued", "transactional")
    call_command("explain_notification", str(offer.pk), "--json")
    story = json.loads(capsys.readouterr().out)
    assert story["feedback"] == "complained"
    assert "The reader reported the message as spam." in json.dumps(story["story"])


def test_copies_replays_and_any_order_of_the_real_webhooks_change_nothing_more(
    reporting: SandboxServer,
) -> None:
    customer = CustomerFactory.create()
    row = ask(customer, "booking.pickup_today", dict(PICKUP))
    drain()
    reporting.webhooks(sendgrid={"copies": 5})
    (mail,) = reporting.messages(provider="sendgrid")
    for event in ("bounce", "delivered", "spamreport", "deferred", "delivered"):
        reporting.report(mail["id"], event)
        apply_waiting()
    eventually(lambda: ProviderEvent.objects.count() == 5)
    apply_waiting()
    assert fresh(row).feedback == "complained"
    assert sorted(Suppression.objects.values_list("reason", flat=True)) == ["complaint", "hard_bounce"]
    assert ConsentEvent.objects.count() == 2


def test_a_text_message_whose_answer_was_lost_is_settled_by_twilios_callback(
    reporting: SandboxServer, settings: Any
) -> None:
    customer = CustomerFactory.create()
    (receipt,) = notify("system.test_message", to=customer.pk, channel="sms").queued
    reporting.behave("twilio", hang_up=True, accept_first=True, times=1)
    drain()
    row = fresh(receipt.id)
    assert (row.status, row.metadata.get("outcome_unknown")) == ("failed", True)
    (sms,) = reporting.messages(provider="twilio")
    reporting.report(sms["id"], "delivered")
    eventually(lambda: ProviderEvent.objects.count() == 1)
    apply_waiting()
    after = fresh(receipt.id)
    assert (after.status, after.error, after.feedback) == ("sent", None, "delivered")
    assert after.metadata["history"][0]["by"] == "provider:twilio"
