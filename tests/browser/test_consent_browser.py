"""Leaving and choosing as a person does it: by keyboard, by screen reader, in the dark, on a small telephone."""

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect, sync_playwright

from consent.preferences import current, grant
from consent.tokens import TokenRequest, issue_many

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
# WCAG 2.2, success criterion 1.4.3: every text against the nearest background that is not transparent.
POOR_CONTRAST = """() => {
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = node => {
    for (; node; node = node.parentElement) {
      const colour = parse(getComputedStyle(node).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  return [...document.body.querySelectorAll('*')]
    .filter(node => [...node.childNodes].some(child => child.nodeType === 3 && child.textContent.trim()))
    .map(node => {
      const [a, b] = [parse(getComputedStyle(node).color), ground(node)].map(light).sort((x, y) => y - x);
      return [node.textContent.trim(), (a + 0.05) / (b + 0.05)];
    })
    .filter(([, ratio]) => ratio < 4.5);
}"""

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists() and os.environ.get("POSTROOM_REQUIRE_BROWSER") != "1":
        pytest.skip(f"needs {CHROMIUM}")
    # Playwright keeps an event loop in this thread, which Django takes for a caller that must not wait.
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def problems() -> list[str]:
    """What the console complained about, and what the page asked of others than us."""
    return []


@pytest.fixture
def page(browser: Browser, live_server: Any, problems: list[str]) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 900, "height": 700}, base_url=live_server.url)
    page = context.new_page()
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "request",
        lambda request: (
            None if request.url.startswith((live_server.url, "data:")) else problems.append(request.url)
        ),
    )
    yield page
    context.close()


@pytest.fixture
def token(page: Page) -> str:
    now = timezone.now()
    grant(
        customer_id="c1",
        channel="email",
        category="marketing",
        source="web_form",
        actor="customer",
        at=now - dt.timedelta(days=1),
    )
    [issued] = issue_many([TokenRequest("c1", "email", "marketing", None, "en")], now=now)
    return issued


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.innerText || document.activeElement.name || ''")).strip()


def test_a_reader_leaves_by_keyboard_alone(page: Page, token: str, problems: list[str]) -> None:
    page.goto(f"/u/{token}")
    for _ in range(5):
        page.keyboard.press("Tab")
        if focused(page) == "Stop these messages":
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("You are unsubscribed")
    assert not current("c1")["email", "marketing"].enabled
    assert problems == []


def test_a_screen_reader_hears_which_switch_of_which_group_and_that_it_was_saved(
    page: Page, token: str, problems: list[str]
) -> None:
    page.goto(f"/preferences/{token}")
    offers = page.get_by_role("group", name="Offers and news")
    expect(offers.get_by_role("switch")).to_have_count(3)
    expect(offers.get_by_role("switch", name="E-mail")).to_be_checked()
    offers.get_by_role("switch", name="Text message").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Offers and news by text message: on")
    expect(
        page.get_by_role("group", name="Offers and news").get_by_role("switch", name="Text message")
    ).to_be_checked()
    assert current("c1")["sms", "marketing"].enabled
    assert problems == []


def test_reloading_the_answer_does_not_do_it_again(page: Page, token: str) -> None:
    page.goto(f"/preferences/{token}")
    page.get_by_role("group", name="Offers and news").get_by_role("switch", name="E-mail").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("Offers and news by e-mail: off")
    before = current("c1")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert current("c1") == before


def test_the_language_stays_chosen_through_the_form(page: Page, token: str) -> None:
    page.goto(f"/u/{token}")
    page.get_by_role("link", name="Français").click()
    page.get_by_role("button", name="Ne plus recevoir ces messages").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Vous êtes désabonné(e)")
    page.get_by_role("link", name="Changer cela").click()
    expect(page.locator("html")).to_have_attribute("lang", "fr")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_axe_finds_no_fault_on_any_page(page: Page, token: str, language: str) -> None:
    [fixed] = issue_many([TokenRequest("c1", "email", "security", None, "en")], now=timezone.now())
    past = timezone.now() - dt.timedelta(days=4_000)
    [old] = issue_many([TokenRequest("c1", "email", "marketing", None, "en")], now=past)
    [nobody] = issue_many([TokenRequest("", "email", "reminder", None, "en", "ab12")], now=timezone.now())
    paths = [
        f"/preferences/{nobody}",
        f"/u/{nobody}",
        f"/preferences/{token}",
        f"/u/{fixed}",
        f"/u/{old}",
        "/u/lost",
        f"/u/{token}",
    ]
    for path in paths:
        page.goto(f"{path}?lang={language}")
        assert faults(page) == [], path
    page.get_by_role("button").click()  # the one button of /u/
    expect(page.get_by_role("status")).to_be_visible()
    assert faults(page) == []
    page.goto(f"/preferences/{token}?lang={language}")
    page.locator("summary").click()
    page.locator("details button").click()
    expect(page.get_by_role("status")).to_be_visible()
    assert faults(page) == []


def faults(page: Page) -> list[str]:
    """What axe-core finds against WCAG 2.2 A and AA and its own best practices."""
    found = Axe().run(page).response["violations"]
    return [f"{fault['id']}: {node['html']}" for fault in found for node in fault["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_a_small_screen_and_can_be_read(
    page: Page, token: str, problems: list[str], scheme: Any
) -> None:
    page.set_viewport_size({"width": 320, "height": 600})
    page.emulate_media(color_scheme=scheme)
    for path in ("/u/{}", "/preferences/{}", "/u/{}?lang=fr", "/preferences/{}?lang=fr", "/u/lost"):
        page.goto(path.format(token))
        if page.locator("summary").count():
            page.locator("summary").click()
        assert page.evaluate("document.documentElement.scrollWidth") == 320, path
        assert page.evaluate(POOR_CONTRAST) == [], path
    assert [problem for problem in problems if "404" not in problem] == []
