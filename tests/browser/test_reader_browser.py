"""The admin by its reader's clock and in their language: chosen on a page, seen in a list, switched from the menu."""

import datetime as dt
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.accessibility import is_sound
from tests.browser.conftest import Visitor
from tests.notification_factories import NotificationFactory
from tests.operators import QUEUE, VIEW

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Visit = Callable[..., Visitor]
AT = dt.datetime(2026, 11, 20, 17, 30, tzinfo=dt.UTC)


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (400, True)])
def test_a_zone_is_chosen_by_keyboard_and_the_list_follows(visit: Visit, width: int, dark: bool) -> None:
    NotificationFactory.create(scheduled_at=AT)
    olive = visit(width=width, dark=dark)
    olive.sign_in(VIEW)
    olive.open(QUEUE)
    expect(olive.page.get_by_text("2026-11-20 13:30").first).to_be_visible()
    olive.page.get_by_title("Times are in America/Moncton").click()
    olive.shot("preferences")
    is_sound(olive)
    olive.page.get_by_label("Time zone").select_option("Asia/Kolkata")
    olive.page.get_by_label("Time zone").press("Enter")
    olive.page.get_by_role("button", name="Save").press("Enter")
    expect(olive.page.get_by_text("Saved. Times are in Asia/Kolkata.")).to_be_visible()
    olive.open(QUEUE)
    expect(olive.page.get_by_text("2026-11-20 23:00").first).to_be_visible()
    olive.shot("list")


def test_the_zone_of_the_device_is_offered(visit: Visit) -> None:
    olive = visit()
    olive.sign_in(VIEW)
    device = olive.page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
    olive.open("/admin/preferences/")
    olive.page.get_by_label("Time zone").select_option("Asia/Kolkata")
    olive.page.get_by_role("button", name="Use it").click()
    expect(olive.page.get_by_label("Time zone")).to_have_value(device)
    olive.page.get_by_role("button", name="Save").click()
    expect(olive.page.get_by_text(f"Saved. Times are in {device}.")).to_be_visible()


@pytest.mark.parametrize("width", [1440, 400])
def test_the_menu_switches_to_french_and_back(visit: Visit, width: int) -> None:
    olive = visit(width=width)
    olive.sign_in(VIEW)
    olive.open(QUEUE)
    for language, lang in (("Français", "fr"), ("English", "en")):
        if width < 1280:
            olive.page.locator("#header-inner .material-symbols-outlined:visible").first.click()
        olive.page.get_by_text("olive", exact=True).last.click()
        button = olive.page.get_by_role("button", name=re.compile(language, re.IGNORECASE)).last
        expect(button).to_be_visible()
        olive.shot(f"menu-{lang}")
        button.click()
        expect(olive.page.locator("html")).to_have_attribute("lang", lang)
        assert olive.page.url.endswith(QUEUE), "it leads back to where one was"
    is_sound(olive)


def test_the_account_menu_and_the_palette_answer_the_keyboard(visit: Visit) -> None:
    olive = visit()
    olive.sign_in(VIEW)
    account = olive.page.get_by_role("button", name="olive")
    account.press("Enter")
    expect(account).to_have_attribute("aria-expanded", "true")
    expect(olive.page.get_by_role("link", name="Preferences")).to_be_visible()
    olive.shot("menu")
    is_sound(olive)
    account.press("Escape")
    expect(olive.page.get_by_role("link", name="Preferences")).to_be_hidden()
    olive.page.keyboard.press("Control+k")
    olive.page.locator("#search-input-command").press_sequentially("queue")
    expect(olive.page.locator("#command-results-list a").first).to_be_visible()
    olive.shot("palette")
    olive.page.locator("#search-input-command").press("ArrowDown")
    olive.page.locator("#search-input-command").press("Enter")
    olive.page.wait_for_url(f"**{QUEUE}")
