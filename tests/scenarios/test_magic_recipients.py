"""Test recipients from end to end: a message to each, the provider's own signed webhooks, and what they come to on our side."""

from collections.abc import Iterator
from typing import Any

import pytest

from consent.addresses import blind_index
from consent.models import ConsentEvent, Suppression
from consent.preferences import current
from notifications.enqueue import notify
from notifications.message import Address
from notifications.models import InboundText, Notification, ProviderEvent
from notifications.webhooks.apply import apply_waiting
from notifications.worker import drain
from sandbox import magic
from sandbox.testing import SandboxServer
from tests.factories import CustomerFactory
from tests.messages import fresh
from tests.waiting import eventually

# What the message shows in the end, and why its address is suppressed, how far.
MAIL = {
    "delivered": ("delivered", None), "opened": ("delivered", None), "clicked": ("delivered", None), "deferred": ("delivered", None),
    "blocked": ("bounced", None), "unreachable": ("bounced", None), "dropped": ("dropped", ("hard_bounce", "all")),
    "bounced": ("bounced", ("hard_bounce", "all")), "complained": ("complained", ("complaint", "optional")),
    "opted-out": ("unsubscribed", ("opted_out", "optional")),
}  # fmt: skip
TEXTS = {
    "+15005553003": ("bounced", None), "+15005553004": ("bounced", None), "+15005553005": ("bounced", ("invalid", "all")),
    "+15005553006": ("bounced", ("landline", "all")), "+15005553007": ("bounced", None), "+15005553008": ("dropped", None),
    "+15005557867": ("delivered", ("opted_out", "all")),
}  # fmt: skip


@pytest.fixture
def providers(
    transactional_db: None, templates: None, live_server: Any, settings: Any
) -> Iterator[SandboxServer]:
    """Providers that report to our site, as in the demo."""
    webhooks = f"{live_server.url}/webhooks"
    settings.PUBLIC_URL = live_server.url
    settings.EMAIL_BACKEND = "anymail.backends.sendgrid.EmailBackend"
    options: dict[str, Any] = {
        "webhook_url": f"{webhooks}/sendgrid/",
        "inbound_url": f"{webhooks}/twilio/inbound/",
    }
    with SandboxServer(status_callbacks=True, **options) as server:
        settings.ANYMAIL = {**settings.ANYMAIL, "SENDGRID_API_URL": f"{server.url}/sendgrid/v3/"}
        settings.TWILIO_API_URL = f"{server.url}/twilio"
        yield server


def send(address: str, channel: str) -> Notification:
    result = notify("system.test_message", to=Address(address), channel=channel)
    return Notification.objects.get(pk=result.queued[0].id)


def all_heard() -> bool:
    """Is every report here? Who opened or followed a link is not kept; the answered STOP is one more."""
    told = [
        event
        for fate in (*magic.MAILBOXES.values(), *magic.NUMBERS.values())
        for event in fate.outcome.events
    ]
    return ProviderEvent.objects.count() == len([e for e in told if e not in ("open", "click")]) + 1


def test_each_fares_as_it_says(providers: SandboxServer) -> None:
    assert (set(MAIL), set(TEXTS)) == (set(magic.MAILBOXES), set(magic.NUMBERS))
    rows = {f"{name}@sandbox.example": send(f"{name}@sandbox.example", "email") for name in MAIL}
    rows |= {number: send(number, "sms") for number in TEXTS}
    drain()
    eventually(all_heard)
    assert providers.stats()["webhooks"]["refused"] == 0
    apply_waiting()
    assert not ProviderEvent.objects.filter(applied_at=None).exists()
    fates = {f"{name}@sandbox.example": fate for name, fate in MAIL.items()} | TEXTS
    for address, (feedback, dead) in fates.items():
        channel = "email" if "@" in address else "sms"
        assert fresh(rows[address]).feedback == feedback, address
        found = Suppression.objects.filter(address_hmac=blind_index(channel, address), lifted_at=None)
        assert list(found.values_list("reason", "scope")) == ([dead] if dead else []), address
    assert InboundText.objects.get(event_type="inbound").outcome == "stop"


def test_a_customer_who_answers_stop_is_withdrawn_and_one_more_message_is_not_tried(
    providers: SandboxServer,
) -> None:
    customer = CustomerFactory.create(phone="+15005557867")
    notify("system.test_message", to=customer.pk, channel="sms")
    drain()
    eventually(lambda: ConsentEvent.objects.filter(source="sms_keyword").count() == 2)
    assert not current(str(customer.pk))["sms", "reminder"].enabled
    again = notify("system.test_message", to=customer.pk, channel="sms")
    assert [withheld.reason for withheld in again.withheld] == ["The address is suppressed (opted out)."]


@pytest.mark.parametrize("number", ["+15005550004", "+15005550009"])
def test_what_twilio_refuses_at_once_is_told_by_its_answer(number: str, providers: SandboxServer) -> None:
    row = send(number, "sms")
    drain()
    assert fresh(row).status == "failed"
    reasons = {"+15005550004": "opted_out", "+15005550009": "landline"}
    assert Suppression.objects.get().reason == reasons[number]
