"""A provider is down: see it, pause the channel, be told what somebody else did meanwhile, resume, test the way to oneself."""

import datetime as dt
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import expect

from notifications.channel_state import pause, report, resume
from notifications.errors import Transient
from notifications.models import ChannelEvent, Notification
from tests.browser.accessibility import serious_faults
from tests.browser.conftest import Visitor
from tests.notification_factories import DeliveryAttemptFactory, NotificationFactory

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/admin/notifications/channelstate/"
SEE, CHANGE = "notifications.view_channelstate", "notifications.change_channelstate"


def trouble() -> None:
    report("sms", [Transient("503")] * 20)
    for _ in range(3):
        DeliveryAttemptFactory.create(
            notification=NotificationFactory.create(channel="sms"), outcome="transient", provider_code="503"
        )
        NotificationFactory.create(channel="sms", scheduled_at=timezone.now() - dt.timedelta(minutes=4))


def test_a_channel_is_paused_by_one_and_the_other_is_told(visit: Callable[..., Visitor]) -> None:
    trouble()
    olive, peter = visit(), visit()
    olive.sign_in(SEE, CHANGE)
    peter.sign_in(SEE, CHANGE, name="peter")
    for visitor in (olive, peter):
        visitor.open(PAGE)
    sms = olive.page.get_by_role("region", name="SMS", exact=True)
    expect(sms).to_contain_text("Breaker open")
    expect(sms).to_contain_text("503 × 3")
    sms.get_by_text("Pause…").click()
    sms.get_by_label("Reason").last.fill("Twilio has an incident")
    assert serious_faults(olive.page) == []
    sms.get_by_role("button", name="Pause", exact=True).dblclick()
    expect(olive.page.get_by_text("SMS is paused.").first).to_be_visible()
    olive.shot("1-paused")
    assert ChannelEvent.objects.filter(what="paused").count() == 1

    # The other's page still offers to pause: the server tells what happened meanwhile.
    theirs = peter.page.get_by_role("region", name="SMS", exact=True)
    theirs.get_by_text("Pause…").click()
    theirs.get_by_label("Reason").last.fill("Twilio is down")
    sooner = timezone.localtime(timezone.now() + dt.timedelta(minutes=20))
    theirs.get_by_label("Until").fill(sooner.strftime("%Y-%m-%dT%H:%M"))
    theirs.get_by_role("button", name="Pause", exact=True).click()
    expect(peter.page.get_by_text("is paused for longer already")).to_be_visible()


def test_a_card_follows_its_channel_by_itself(visit: Callable[..., Visitor]) -> None:
    olive = visit()
    olive.sign_in(SEE)
    olive.open(PAGE)
    email = olive.page.locator("#channel-email-facts")
    expect(email).to_contain_text("Open")
    expect(olive.page.get_by_role("button", name="Send a test to myself")).to_have_count(0)
    pause("email", until=None, reason="Contract ended", by="staff:99999")
    expect(email).to_contain_text("Contract ended", timeout=20_000)
    resume("email", by="staff:99999", reason="A new one")
    expect(email).not_to_contain_text("Contract ended", timeout=20_000)


def test_a_test_to_oneself_shows_its_outcome_as_it_comes(visit: Callable[..., Visitor]) -> None:
    olive = visit()
    page = olive.page
    olive.sign_in(SEE, CHANGE)
    User.objects.filter(username="olive").update(email="olive@example.com")
    olive.open(PAGE)
    page.get_by_role("region", name="E-mail", exact=True).get_by_role("button", name="Send a test").dblclick()
    tested = page.get_by_role("region", name="Your test")
    expect(tested).to_contain_text("Queued")
    row = Notification.objects.get()
    Notification.objects.update(status="failed", error="503: The provider is down.")
    DeliveryAttemptFactory.create(notification=row, outcome="transient", provider_code="503")
    expect(tested).to_contain_text("Failed", timeout=15_000)
    olive.shot("tested")


@pytest.mark.parametrize(("width", "dark"), [(400, False), (400, True), (1440, True)])
def test_the_page_fits(visit: Callable[..., Visitor], width: int, dark: bool) -> None:
    trouble()
    olive = visit(width=width, dark=dark)
    olive.sign_in(SEE, CHANGE)
    olive.open(PAGE)
    assert olive.fits()
    assert serious_faults(olive.page) == []
    olive.shot(f"channels-{width}-{'dark' if dark else 'light'}")
