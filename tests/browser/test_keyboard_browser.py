"""The admin without a mouse, and without a screen: the main path by keys alone, and what is read aloud of it."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.accessibility import serious_faults
from tests.browser.conftest import PASSWORD, Visitor
from tests.messages import fresh
from tests.notification_factories import NotificationFactory
from tests.operators import QUEUE, REPLAY, VIEW, operator_user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("templates")]
Visit = Callable[..., Visitor]
# More stops than any page has before what one looks for.
FAR = 120
# What the focus changes of the element's look, or of the box that it sits in.
SHOWN = """() => {
    const one = document.activeElement;
    const boxes = [one, one.parentElement, one.closest("label")].filter(Boolean);
    const look = () => boxes.map((box) => {
        const style = getComputedStyle(box);
        return [style.outlineStyle, style.outlineWidth, style.boxShadow, style.borderColor].join(" ");
    }).join("|");
    const focused = look();
    one.blur();
    const plain = look();
    one.focus({ focusVisible: true, preventScroll: true });
    const { width, height } = one.getBoundingClientRect();
    return focused !== plain && width > 0 && height > 0;
}"""
AT = "one => one === document.activeElement"
WHERE = "() => document.activeElement.outerHTML.slice(0, 160)"
# Colours that fade in would be compared half-way.
STILL = """() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync("* { transition: none !important; }");
    document.adoptedStyleSheets.push(sheet);
}"""


def go(page: Page, target: Locator, *, key: str = "Tab") -> None:
    """By Tab alone; each stop on the way is seen, and none holds one back."""
    target.wait_for()
    page.evaluate(STILL)
    before = page.evaluate_handle("document.activeElement")
    for _ in range(FAR):
        page.keyboard.press(key)
        now = page.evaluate_handle("document.activeElement")
        assert not page.evaluate("([a, b]) => a === b", [before, now]), f"a trap: {page.evaluate(WHERE)}"
        if not page.evaluate("document.activeElement === document.body"):
            assert page.evaluate(SHOWN), f"no focus is seen on {page.evaluate(WHERE)}"
        if target.evaluate(AT):
            return
        before = now
    raise AssertionError(f"{FAR} stops, and none is {target}")


def test_a_failed_message_is_found_and_replayed_by_keys_alone(visit: Visit) -> None:
    row = NotificationFactory.create(status="failed", error="503: SendGrid is not available.", attempts=3)
    operator_user(VIEW, REPLAY, username="olive", password=PASSWORD)
    olive = visit()
    page = olive.page
    olive.open("/admin/login/?next=/admin/")
    if not page.get_by_label("Username").evaluate(AT):
        go(page, page.get_by_label("Username"))
    page.keyboard.type("olive")
    go(page, page.get_by_label("Password"))
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/")

    go(page, page.get_by_role("link", name="Queue", exact=True))
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{QUEUE}")
    go(page, page.get_by_role("navigation", name="States").get_by_role("link", name="Failed"))
    olive.shot("tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**status__exact=failed")
    go(page, page.locator(f"a[href*='{row.pk}']").first)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{row.pk}**")
    go(page, page.get_by_role("button", name="Replay…"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Replay: 1 message")).to_be_visible()
    if not page.get_by_label("Reason").evaluate(AT):
        go(page, page.get_by_label("Reason"))
    page.keyboard.type("The provider is up again")
    go(page, page.get_by_role("button", name="Replay (1)"))
    olive.shot("confirm")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 message is queued again.")).to_be_visible()
    assert fresh(row).status == "queued"


def test_the_account_menu_opens_switches_the_theme_and_closes_by_keys(visit: Visit) -> None:
    olive = visit()
    page = olive.page
    olive.sign_in(VIEW)
    account = page.get_by_role("button", name="olive")
    go(page, account)
    page.keyboard.press("Enter")
    expect(account).to_have_attribute("aria-expanded", "true")
    go(page, page.get_by_role("button", name="Dark"), key="Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_class(re.compile(r"\bdark\b"))
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Preferences")).to_be_hidden()
    expect(account).to_be_focused()


def test_icons_are_drawn_and_not_read(visit: Visit) -> None:
    NotificationFactory.create()
    olive = visit()
    page = olive.page
    olive.sign_in("*")
    for path in ("/admin/", QUEUE, "/admin/templates_app/notificationtemplate/", "/admin/auth/user/"):
        olive.open(path)
        icons = set(filter(None, page.locator(".material-symbols-outlined").all_inner_texts()))
        assert {"outgoing_mail", "space_dashboard"} <= icons
        spoken = re.findall(r"[\w…]+", page.locator("body").aria_snapshot())
        assert {icon for icon in icons if "_" in icon} & set(spoken) == set()
        assert serious_faults(page) == [], path
    olive.open(QUEUE)
    expect(page.get_by_role("link", name="Queue", exact=True)).to_be_visible()
    head = page.get_by_role("columnheader", name=re.compile("^Asked for"))
    expect(head).to_have_attribute("aria-sort", "descending")
    expect(head.get_by_role("link", name="Toggle sorting: Asked for")).to_be_visible()
    expect(head.get_by_role("link", name="Remove from sorting: Asked for")).to_be_visible()
    page.evaluate("""() => document.querySelector("#queue-tabs").insertAdjacentHTML(
        "beforeend", '<a href="#" title="Later"><span class="material-symbols-outlined">add</span></a>')""")
    expect(page.get_by_role("link", name="Later", exact=True)).to_be_visible()
    olive.context.add_cookies([{"name": "django_language", "value": "fr", "url": olive.base}])
    olive.open(QUEUE)
    expect(page.get_by_role("link", name="Enlever du tri: Demandé")).to_be_visible()


def test_a_narrow_list_says_its_labels_as_they_are_written_and_its_title_whole(visit: Visit) -> None:
    NotificationFactory.create()
    olive = visit(width=400)
    page = olive.page
    olive.sign_in("*")
    for language, labels in (("en", {"Asked for", "Message"}), ("fr", {"Erreur ou motif", "Message"})):
        olive.context.add_cookies([{"name": "django_language", "value": language, "url": olive.base}])
        olive.open(QUEUE)
        cells = page.locator("#result_list [data-label]")
        assert labels <= set(cells.evaluate_all("cells => cells.map(cell => cell.dataset.label)"))
        changed = "cells => cells.filter(cell => getComputedStyle(cell, '::before').textTransform !== 'none').length"
        assert cells.evaluate_all(changed) == 0
        olive.open("/admin/notifications/datarequest/")
        title = page.locator("#header-inner h1 > :last-child")
        assert title.evaluate("box => box.scrollWidth <= box.clientWidth + 1 && box.clientWidth > 0")
        olive.shot(f"title-{language}")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_menu_of_the_account_can_be_read(visit: Visit, dark: bool) -> None:
    olive = visit(dark=dark)
    olive.sign_in()
    olive.page.locator(".pr-account").click()
    expect(olive.page.get_by_role("button", name="System")).to_have_attribute("aria-pressed", "true")
    assert serious_faults(olive.page) == []
    olive.shot("menu")
