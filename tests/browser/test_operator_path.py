"""An operator's day in a real browser: find the failed message, read why, replay it, see it arrive; and the refusals."""

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from notifications.models import Notification
from notifications.worker import drain
from sandbox.testing import SandboxServer
from tests.browser.conftest import Visitor
from tests.factories import CustomerFactory
from tests.messages import fresh, queued
from tests.notification_factories import NotificationFactory
from tests.operators import CANCEL, QUEUE, READ, REPLAY, VIEW

pytestmark = pytest.mark.django_db(transaction=True)
Visit = Callable[..., Visitor]
SEE_CHANNELS = ("notifications.view_channelstate", "notifications.change_channelstate")


@pytest.fixture
def failed(templates: None, sandbox: SandboxServer) -> Notification:
    """A reminder that the provider refused three times, by the real street."""
    customer = CustomerFactory.create(first_name="Marie", email="marie@example.com")
    row = queued(customer)
    sandbox.behave("sendgrid", status=503)
    for hours in range(3):
        drain(now=timezone.now() + dt.timedelta(hours=2 * hours))
    sandbox.behave_well()
    row = fresh(row)
    assert (row.status, row.attempts) == ("failed", 3)
    return row


def test_from_the_queue_to_a_replay_that_arrives(
    visit: Visit, failed: Notification, sandbox: SandboxServer
) -> None:
    olive = visit()
    page = olive.page
    olive.sign_in(VIEW, REPLAY, CANCEL, READ)
    olive.shot("1-home")
    page.get_by_role("link", name="Queue", exact=True).click()
    page.get_by_role("navigation", name="States").get_by_role("link", name="Failed").click()
    page.wait_for_url("**status__exact=failed")
    olive.shot("2-failed")
    page.get_by_role("link", name=re.compile("booking.pickup_today")).click()

    story = page.locator(".pr-story")
    for text in (
        "Asked for by",
        "Attempt 1 through sendgrid",
        "Attempt 3 through sendgrid",
        "Failed for good: 503",
    ):
        assert text in story.inner_text()
    assert "marie@example.com" not in page.content()
    olive.shot("3-message")

    page.get_by_role("button", name="Replay…").click()
    expect(page.get_by_role("heading", name="Replay: 1 message")).to_be_visible()
    page.get_by_role("button", name="Replay (1)").click()
    assert fresh(failed).status == "failed", "the browser itself asks for the reason"
    page.get_by_label("Reason").fill("The provider is up again")
    olive.shot("4-confirm")
    page.get_by_role("button", name="Replay (1)").click()
    expect(page.get_by_text("1 message is queued again.")).to_be_visible()
    assert "Replayed by olive:" in page.locator(".pr-story").inner_text()
    expect(page.get_by_role("button", name="Cancel…")).to_be_visible()
    olive.shot("5-queued-again")

    drain(now=timezone.now() + dt.timedelta(days=1))
    page.reload()
    expect(page.locator(".pr-answer").get_by_text("Sent", exact=True)).to_be_visible()
    assert len(sandbox.messages(provider="sendgrid", recipient="marie@example.com")) == 1


def test_cancelling_from_the_list(visit: Visit, templates: None) -> None:
    rows = [queued() for _ in range(3)]
    olive = visit()
    page = olive.page
    olive.sign_in(VIEW, CANCEL)
    olive.open(f"{QUEUE}?status__exact=queued")
    for row in rows[:2]:
        page.locator(f"input.action-select[value='{row.pk}']").check()
    page.locator("select[name=action]").select_option("cancel")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_role("heading", name="Cancel: 2 messages")).to_be_visible()
    page.get_by_label("Reason").fill("The booking was moved")
    olive.shot("confirm")
    page.get_by_role("button", name="Cancel the messages (2)").click()
    expect(page.get_by_text("2 messages are cancelled.")).to_be_visible()
    assert page.url.endswith("?status__exact=queued"), "back to the filtered list"
    assert sorted(fresh(row).status for row in rows) == ["cancelled", "cancelled", "queued"]


def test_two_clicks_and_the_back_button_send_once(visit: Visit) -> None:
    row = NotificationFactory.create(status="sent")
    olive = visit()
    page = olive.page
    olive.sign_in(VIEW, REPLAY)
    olive.open(f"{QUEUE}{row.pk}/change/")
    page.get_by_role("button", name="Send again…").click()
    page.get_by_label("Reason").fill("She deleted it")
    page.get_by_role("button", name="Send again (1)").dblclick()
    page.get_by_text("The message this one repeats").or_(page.locator("#relatives")).first.wait_for()
    assert Notification.objects.filter(parent=row).count() == 1


def test_an_address_finds_its_messages_and_stays_out_of_the_address_bar(
    visit: Visit, templates: None
) -> None:
    mine, other = queued(CustomerFactory.create(email="marie@example.com")), queued()
    olive = visit()
    page = olive.page
    olive.sign_in(VIEW)
    olive.open(QUEUE)
    page.get_by_label("Search").fill("Marie@Example.com")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**q=customer**")
    assert "example" not in page.url
    assert page.locator(f"input.action-select[value='{mine.pk}'], a[href*='{mine.pk}']").count() > 0
    assert page.locator(f"a[href*='{other.pk}']").count() == 0
    page.get_by_role("link", name="Clear").click()
    page.locator(f"a[href*='{other.pk}']").first.wait_for()


def test_the_message_is_read_in_a_frame_where_nothing_runs(visit: Visit, templates: None) -> None:
    row = queued(CustomerFactory.create(first_name="<script>parent.hacked=1</script>Marie"))
    olive = visit()
    page = olive.page
    olive.sign_in(VIEW, READ)
    olive.open(f"{QUEUE}{row.pk}/change/")
    page.get_by_role("link", name="Read the message").click()
    frame = page.frame_locator("iframe.pr-frame")
    frame.get_by_text("Hello").first.wait_for()
    assert page.evaluate("window.hacked") is None
    assert page.evaluate("document.querySelector('iframe').contentDocument") is None, "an origin of its own"
    page.locator("iframe.pr-frame").scroll_into_view_if_needed()
    olive.shot("body")


def test_without_the_right_there_is_no_button_and_a_post_is_refused(
    visit: Visit, failed: Notification
) -> None:
    vera = visit()
    page = vera.page
    vera.sign_in(VIEW, name="vera")
    vera.open(f"{QUEUE}{failed.pk}/change/")
    expect(page.locator(".pr-story")).to_be_visible()
    assert page.get_by_role("button", name=re.compile("Replay|Send again|Cancel")).count() == 0
    assert page.get_by_role("link", name="Read the message").count() == 0
    vera.open(QUEUE)
    assert page.locator("select[name=action]").count() == 0
    token = next(cookie["value"] for cookie in vera.context.cookies() if cookie["name"] == "csrftoken")
    for path in ("act/replay/", "act/send_again/", "act/cancel/"):
        response = page.request.post(
            f"{vera.base}{QUEUE}{path}",
            form={"ids": str(failed.pk), "confirmed": "1", "reason": "x", "csrfmiddlewaretoken": token},
            headers={"Referer": vera.base},
        )
        assert response.status == 403
    assert fresh(failed).status == "failed"


def test_two_operators_at_once_do_it_once(visit: Visit, failed: Notification) -> None:
    first, second = visit(), visit()
    for window, name in ((first, "olive"), (second, "vera")):
        window.sign_in(VIEW, REPLAY, name=name)
        window.open(f"{QUEUE}{failed.pk}/change/")
        window.page.get_by_role("button", name="Replay…").click()
        window.page.get_by_label("Reason").fill("Both of us saw it")
    for window in (first, second):
        window.page.get_by_role("button", name="Replay (1)").click()
        window.page.locator(".pr-story").wait_for()
    expect(first.page.get_by_text("1 message is queued again.")).to_be_visible()
    expect(second.page.get_by_text("Left alone: it is queued (1).")).to_be_visible()
    assert len(fresh(failed).metadata["history"]) == 1


def test_a_channel_is_paused_and_resumed(visit: Visit) -> None:
    olive = visit()
    page = olive.page
    olive.sign_in(*SEE_CHANNELS)
    page.get_by_role("link", name="Channels").click()
    card = page.locator("section", has=page.get_by_role("heading", name="SMS"))
    card.get_by_text("Pause…").click()
    card.get_by_label("Reason").fill("Twilio is down")
    card.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("SMS is paused.")).to_be_visible()
    assert "Twilio is down" in card.inner_text()
    olive.shot("paused")
    card.get_by_text("Resume…").click()
    card.get_by_label("Reason").fill("It works again")
    card.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("SMS sends again.")).to_be_visible()


@pytest.mark.parametrize(("width", "dark"), [(400, False), (400, True), (1440, True)])
def test_every_page_fits_a_narrow_window_and_the_dark(
    visit: Visit, failed: Notification, width: int, dark: bool
) -> None:
    olive = visit(width=width, dark=dark)
    olive.sign_in("*")
    pages: dict[str, Any] = {
        "home": "/admin/",
        "queue": QUEUE,
        "message": f"{QUEUE}{failed.pk}/change/",
        "body": f"{QUEUE}{failed.pk}/body/",
        "history": f"{QUEUE}{failed.pk}/history/",
        "channels": "/admin/notifications/channelstate/",
        "attempts": "/admin/notifications/deliveryattempt/",
        "inbox": "/admin/notifications/inboxitem/",
    }
    too_wide = []
    for name, path in pages.items():
        olive.open(path)
        olive.shot(name)
        if not olive.fits():
            too_wide.append(name)
    assert too_wide == []
    is_dark = olive.page.evaluate("document.documentElement.classList.contains('dark')")
    assert is_dark == dark
