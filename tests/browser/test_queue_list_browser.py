"""The queue's list in a real browser: tabs, filters that survive an act, what is found and what is not, and nothing moves."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from notifications.models import Notification
from tests.browser.conftest import Visitor
from tests.notification_factories import NotificationFactory
from tests.operators import CANCEL, QUEUE, REPLAY, VIEW

pytestmark = pytest.mark.django_db(transaction=True)
Visit = Callable[..., Visitor]


def fill() -> None:
    for number in range(8):
        NotificationFactory.create(status="sent", channel=("email", "sms")[number % 2])
    NotificationFactory.create(status="failed", channel="sms", error="429: Too many requests")
    NotificationFactory.create(status="failed", error="outcome_unknown: timeout")
    NotificationFactory.create_batch(2, status="cancelled", rule="consent.revoked")
    NotificationFactory.create_batch(3, channel="sms", category="marketing")


def test_filters_are_chosen_shown_as_chips_and_survive_an_act(visit: Visit) -> None:
    fill()
    olive = visit()
    page = olive.page
    olive.sign_in(VIEW, REPLAY, CANCEL)
    olive.open(QUEUE)
    olive.shot("all")
    tabs = page.get_by_role("navigation", name="States")
    tabs.get_by_role("link", name="Due now").click()
    expect(tabs.locator("[aria-current]")).to_contain_text("Due now")
    page.locator(".pr-filters > summary").click()
    page.get_by_label("Channel", exact=True).select_option("sms")
    page.get_by_label("Category", exact=True).select_option("marketing")
    page.get_by_role("button", name="Apply the filters").click()
    chips = page.get_by_role("list", name="Chosen filters")
    expect(chips.get_by_role("link", name=re.compile("Remove the filter"))).to_have_count(2)
    expect(page.locator("#result_list .action-select")).to_have_count(3)
    olive.shot("filtered")
    filtered = page.url

    page.locator("input.action-select").first.check()
    page.locator("select[name=action]").select_option("cancel")
    page.get_by_role("button", name="Run").click()
    page.get_by_label("Reason").fill("The offer is over")
    page.get_by_role("button", name="Cancel the messages (1)").click()
    expect(page.get_by_text("1 message is cancelled.")).to_be_visible()
    assert page.url == filtered
    expect(page.locator("#result_list .action-select")).to_have_count(2)

    page.locator("#result_list tbody th a").first.click()
    page.get_by_role("link", name="Next in this list").click()
    expect(page.get_by_role("link", name="Previous in this list")).to_be_visible()
    page.get_by_role("link", name="Back to the list").click()
    assert page.url == filtered
    chips.get_by_role("link", name=re.compile("category")).click()
    expect(chips.get_by_role("link", name=re.compile("Remove the filter"))).to_have_count(1)
    assert "status__exact=due" in page.url


def test_nothing_found_says_where_it_looked_and_how_to_see_all_again(visit: Visit) -> None:
    fill()
    olive = visit()
    page = olive.page
    olive.sign_in(VIEW)
    olive.open(f"{QUEUE}?status__exact=failed")
    page.get_by_label("Search").fill("nobody@example.com")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()
    assert "example" not in page.url
    olive.shot("nothing")
    page.get_by_role("link", name="Show all of them").click()
    expect(page.locator("#result_list tbody")).to_have_count(15)


def test_what_comes_meanwhile_is_offered_and_does_not_move_the_list(visit: Visit) -> None:
    fill()
    olive = visit()
    page = olive.page
    olive.sign_in(VIEW)
    olive.open(QUEUE)
    first = page.locator("#result_list tbody").first
    before = first.bounding_box()
    NotificationFactory.create_batch(2, status="failed")
    page.evaluate("document.getElementById('queue-tabs').dispatchEvent(new Event('pr-seen'))")
    expect(page.get_by_role("link", name="2 new: show them")).to_be_visible()
    expect(page.get_by_role("navigation", name="States")).to_contain_text("Failed 4")
    assert first.bounding_box() == before
    assert page.locator("#result_list tbody").count() == 15
    olive.shot("new")
    page.get_by_role("link", name="2 new: show them").click()
    expect(page.locator("#result_list tbody")).to_have_count(17)


def test_all_that_match_are_chosen_beyond_the_page(visit: Visit) -> None:
    NotificationFactory.create_batch(60, status="failed")
    NotificationFactory.create(status="sent")
    olive = visit()
    page = olive.page
    olive.sign_in(VIEW, REPLAY)
    olive.open(f"{QUEUE}?status__exact=failed")
    page.locator("#action-toggle").check()
    page.get_by_role("link", name=re.compile("Select all 60")).click()
    page.locator("select[name=action]").select_option("replay")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_role("heading", name="Replay: 60 messages")).to_be_visible()
    page.get_by_label("Reason").fill("The provider is up again")
    page.get_by_role("button", name="Replay (60)").click()
    expect(page.get_by_text("60 messages are queued again.")).to_be_visible()
    assert page.url.endswith("?status__exact=failed")
    assert Notification.objects.filter(status="failed").count() == 0


def test_without_the_right_there_is_neither_list_nor_tabs(visit: Visit) -> None:
    fill()
    vera = visit()
    vera.expected.append("403")
    vera.sign_in("notifications.view_inboxitem", name="vera")
    vera.open(QUEUE)
    assert vera.page.locator(".pr-tabs, #result_list").count() == 0
    assert vera.page.request.get(f"{vera.base}{QUEUE}tabs/").status == 403


@pytest.mark.parametrize(
    ("width", "dark", "language"), [(400, False, "en"), (400, True, "fr"), (1440, True, "fr")]
)
def test_the_list_fits_a_narrow_window_the_dark_and_french(
    visit: Visit, width: int, dark: bool, language: str
) -> None:
    fill()
    olive = visit(width=width, dark=dark)
    olive.sign_in("*")
    olive.context.add_cookies([{"name": "django_language", "value": language, "url": olive.base}])
    for name, query in (
        ("all", ""),
        ("filtered", "?channel__exact=sms&period=week"),
        ("nothing", "?channel__exact=push"),
    ):
        olive.open(f"{QUEUE}{query}")
        olive.shot(name)
        assert olive.fits(), query
    assert olive.page.locator("html").get_attribute("lang") == language
