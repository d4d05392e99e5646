"""The first page in a real browser: what is wrong shows up by itself, charts stay where they are, and nothing pretends to be new."""

import datetime as dt
import re
from collections.abc import Callable

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone
from playwright.sync_api import expect

from jobs.runner import run
from notifications.channel_state import pause
from tests.browser.accessibility import serious_faults
from tests.browser.conftest import Visitor
from tests.catalogue import Install
from tests.notification_factories import DeliveryAttemptFactory, NotificationFactory

pytestmark = pytest.mark.django_db(transaction=True)
MINUTE = dt.timedelta(minutes=1)
# The tab is looked at again.
SEEN = "document.querySelector('#home').dispatchEvent(new Event('pr-seen'))"
DRAWN = "id => Chart.getChart(document.querySelector(id + ' canvas')).data.datasets[0].data.reduce((a, b) => a + b, 0)"


def sent(count: int) -> None:
    now = timezone.now()
    for place in range(count):
        row = NotificationFactory.create(status="sent", scheduled_at=now - (3 + place * 20) * MINUTE)
        DeliveryAttemptFactory.create(
            notification=row, outcome="sent", provider_code="", error="", started_at=row.scheduled_at + dt.timedelta(seconds=1 + place)
        )  # fmt: skip


def a_busy_day(install: Install) -> None:
    sent(30)
    for rule in ("consent.revoked", "expired"):
        NotificationFactory.create_batch(4, status="cancelled", rule=rule)
    for row in NotificationFactory.create_batch(
        3, status="failed", channel="sms", error="30005: unknown handset"
    ):
        DeliveryAttemptFactory.create(
            notification=row, provider="twilio", outcome="permanent", provider_code="30005"
        )
    NotificationFactory.create(status="queued", scheduled_at=timezone.now() - 12 * MINUTE)
    pause("push", until=timezone.now() + 60 * MINUTE, reason="The keys are changed", by="staff:1")

    def fail(**_given: object) -> None:
        raise RuntimeError("the ledger is closed")

    install(fail)
    run("probe", now=timezone.now(), trigger="command")


def test_news_come_in_without_a_reload_and_leave_focus_charts_and_what_is_open(
    visit: Callable[..., Visitor],
) -> None:
    sent(4)
    olive = visit()
    page = olive.page
    olive.sign_in("*")
    expect(page.get_by_role("region", name="Traffic")).to_contain_text("Sent 4")
    assert page.evaluate(DRAWN, "#ho-traffic") == 4
    page.evaluate("document.querySelector('#ho-traffic canvas').dataset.mark = 'mine'")
    page.get_by_role("region", name="Traffic").get_by_text("As a table").click()
    link = page.get_by_role("region", name="Channels").get_by_role("link", name="SMS")
    link.focus()
    before = page.locator("#traffic").bounding_box()

    sent(2)
    pause("sms", until=None, reason="Twilio is down", by="staff:1")
    page.evaluate(SEEN)
    expect(page.get_by_role("region", name="What needs you first")).to_contain_text("Twilio is down")
    expect(page.get_by_role("region", name="Traffic")).to_contain_text("Sent 6")
    assert page.evaluate(DRAWN, "#ho-traffic") == 6
    assert page.locator("#ho-traffic canvas").get_attribute("data-mark") == "mine"
    expect(page.locator("#ho-traffic-table")).to_have_attribute("open", "")
    expect(link).to_be_focused()
    assert before is not None
    olive.shot("live")


def test_a_hidden_tab_asks_for_nothing_and_asks_when_it_is_seen_again(visit: Callable[..., Visitor]) -> None:
    olive = visit()
    page = olive.page
    page.clock.install()
    olive.sign_in("*")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/admin/home/" in request.url else None)
    hide = "state => { Object.defineProperty(document, 'hidden', {value: state, configurable: true}); document.dispatchEvent(new Event('visibilitychange')) }"
    page.evaluate(hide, True)
    page.clock.run_for(65_000)
    assert asked == []
    with page.expect_response("**/admin/home/**"):
        page.evaluate(hide, False)
    with page.expect_response("**/admin/home/**"):
        page.clock.run_for(10_500)


def test_who_was_signed_out_keeps_the_figures_and_is_told_how_old_they_are(
    visit: Callable[..., Visitor],
) -> None:
    sent(4)
    olive = visit()
    page = olive.page
    olive.sign_in("*")
    note = page.get_by_text("Not up to date since")
    expect(note).to_be_hidden()
    Session.objects.all().delete()
    page.evaluate(SEEN)
    expect(note).to_be_visible()
    expect(page.get_by_role("region", name="Traffic")).to_contain_text("Sent 4")
    expect(page.get_by_label("Password")).to_have_count(0)
    olive.shot("signed-out")


def test_another_period_is_a_click_away_and_stays_in_the_address(visit: Callable[..., Visitor]) -> None:
    sent(4)
    olive = visit()
    page = olive.page
    olive.sign_in("*")
    page.get_by_role("navigation", name="Period").get_by_role("link", name="Month").click()
    expect(page).to_have_url(f"{olive.base}/admin/?period=month#traffic")
    expect(page.get_by_role("region", name="Traffic")).to_contain_text("last 30 days")
    assert (
        page.evaluate("Chart.getChart(document.querySelector('#ho-traffic canvas')).data.labels.length") == 30
    )
    page.get_by_role("region", name="Traffic").get_by_role("link", name="Sent").click()
    expect(page).to_have_url(
        re.compile(r"/admin/notifications/notification/\?status__exact=sent&ended__gte=")
    )
    expect(page.get_by_text("4 in all")).to_be_visible()


def test_who_may_see_no_figures_is_told_so(visit: Callable[..., Visitor]) -> None:
    oscar = visit()
    oscar.sign_in(name="oscar")
    expect(oscar.page.get_by_text("Your account may not see any figures")).to_be_visible()
    expect(oscar.page.locator("canvas")).to_have_count(0)


@pytest.mark.parametrize("is_busy", [True, False], ids=["busy", "empty"])
def test_it_fits_each_window_and_axe_finds_no_serious_fault(
    visit: Callable[..., Visitor], install: Install, is_busy: bool
) -> None:
    if is_busy:
        a_busy_day(install)
    for width, dark in ((1440, False), (1440, True), (1024, False), (400, False)):
        olive = visit(width=width, dark=dark)
        olive.sign_in("*", name=f"olive{width}{dark}")
        expect(olive.page.locator("canvas").first).to_be_visible()
        assert olive.fits(), width
        assert serious_faults(olive.page) == [], (width, dark)
        olive.shot(f"{width}{'-dark' if dark else ''}")
