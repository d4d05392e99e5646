"""The page on which people read what was received: in a real browser, with hostile mail."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Page, expect, sync_playwright
from pywebpush import webpush

from sandbox import keys, push_keys
from sandbox.testing import SandboxServer
from tests.sandbox.conftest import Receiver, Send

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
HOSTILE = """<!doctype html><html><head><title>x</title></head><body>
<script>document.title = 'owned'; parent.document.title = 'owned'; top.owned = 1</script>
<img src="@TRACKER@/pixel.gif" onerror="top.owned = 1"><img src="cid:logo" alt="logo">
<form action="@TRACKER@/"><button>Win</button></form>
<p id="seen">Hello</p><a id="link" href="/_sandbox/stats">Link</a></body></html>"""
NAME = "<img src=x onerror=top.owned=1>"

browser_test = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists() and os.environ.get("POSTROOM_REQUIRE_BROWSER") != "1":
        pytest.skip(f"needs {CHROMIUM}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def problems() -> list[str]:
    """What the browser's console complained about."""
    return []


@pytest.fixture
def page(browser: Browser, server: SandboxServer, problems: list[str]) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1200, "height": 800})
    page = context.new_page()
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    context.close()


def send_push(server: SandboxServer, text: str) -> None:
    subscription: Any = push_keys.subscription("a", server.url)
    webpush(
        subscription,
        text,
        vapid_private_key=keys.vapid_private_key(),
        vapid_claims={"sub": "mailto:o@example.com"},
        ttl=1,
        timeout=10,
    )


def test_the_page_runs_nothing_but_its_own_files(server: SandboxServer, http: requests.Session) -> None:
    answer = http.get(f"{server.url}/", timeout=10)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    for path in re.findall(r'(?:src|href)="(/[^"]+)"', answer.text):
        assert http.get(f"{server.url}{path}", timeout=10).status_code == 200
    assert "http" not in re.sub(r"https?://www\.w3\.org", "", answer.text)


def test_the_html_of_a_mail_is_a_document_of_nobody(
    server: SandboxServer, send_mail: Send, http: requests.Session
) -> None:
    send_mail(content=[{"type": "text/html", "value": HOSTILE}])
    url = f"{server.url}/_sandbox/messages/{server.messages()[0]['id']}/html"
    answer = http.get(url, timeout=10)
    policy = answer.headers["Content-Security-Policy"]
    assert "sandbox allow-popups allow-popups-to-escape-sandbox;" in policy
    assert "img-src data:" in policy
    assert "script-src" not in policy
    assert answer.text.startswith('<!doctype html><html><head><base target="_blank">')
    assert http.get(f"{server.url}/_sandbox/messages/999999999/html", timeout=10).status_code == 404


@browser_test
def test_a_hostile_mail_is_shown_and_does_nothing(
    page: Page, server: SandboxServer, send_mail: Send, receiver: Receiver, problems: list[str]
) -> None:
    image = {
        "content": "R0lGODlhAQABAAAAACw=",
        "type": "image/gif",
        "filename": "a.gif",
        "content_id": "logo",
        "disposition": "inline",
    }
    to = [{"email": "ada@example.com", "name": NAME}]
    send_mail(
        subject=NAME,
        personalizations=[{"to": to}],
        content=[{"type": "text/html", "value": HOSTILE.replace("@TRACKER@", receiver.url)}],
        attachments=[image],
    )
    page.goto(server.url)
    page.get_by_role("link", name=NAME).click()
    expect(page.locator("h2")).to_have_text(NAME)
    expect(page.locator(".envelope dd").nth(1)).to_have_text(f"{NAME} <ada@example.com>")
    frame = page.frame_locator("iframe")
    expect(frame.locator("#seen")).to_have_text("Hello")
    assert page.locator("iframe").get_attribute("sandbox") == "allow-popups allow-popups-to-escape-sandbox"
    assert str(frame.locator("img[alt=logo]").get_attribute("src")).startswith("data:image/gif")
    assert page.title() == "Sandbox"
    assert page.evaluate("window.owned") is None
    assert [text for text in problems if receiver.url in text and "violates" in text]
    assert receiver.posted == [], "the picture of a stranger's server was fetched"


@browser_test
def test_links_of_a_mail_open_in_a_tab_of_their_own(
    page: Page, server: SandboxServer, send_mail: Send
) -> None:
    send_mail(content=[{"type": "text/html", "value": f'<a href="{server.url}/_sandbox/health">Go</a>'}])
    page.goto(server.url)
    page.locator("#messages a").click()
    with page.context.expect_page() as opened:
        page.frame_locator("iframe").get_by_role("link", name="Go").click()
    opened.value.wait_for_load_state()
    assert opened.value.url == f"{server.url}/_sandbox/health"
    assert opened.value.evaluate("window.opener") is None


@browser_test
def test_the_parts_of_a_mail_can_be_read(
    page: Page, server: SandboxServer, send_mail: Send, problems: list[str]
) -> None:
    send_mail(headers={"List-Unsubscribe-Post": "List-Unsubscribe=One-Click"})
    page.goto(server.url)
    page.locator("#messages a").click()
    page.get_by_role("button", name="Text").click()
    expect(page.locator("pre.text")).to_have_text("At 7:30.")
    page.get_by_role("button", name="Source").click()
    expect(page.locator("pre.text")).to_have_text("<p>At 7:30.</p>")
    page.get_by_role("button", name="Headers").click()
    expect(page.locator(".headers")).to_contain_text("List-Unsubscribe=One-Click")
    assert problems == []


@browser_test
def test_text_messages_and_pushes_as_they_look(
    page: Page, server: SandboxServer, send_sms: Send, problems: list[str]
) -> None:
    send_sms(Body="Prêt 🚜")
    send_push(
        server, '{"id": "n-7", "title": "<b>Ready</b>", "body": "At 7:30", "url": "javascript:alert(1)"}'
    )
    send_push(server, "no JSON at all")
    page.goto(server.url)
    page.locator("#messages a").nth(2).click()
    expect(page.locator(".bubble")).to_have_text("Prêt 🚜")
    expect(page.locator(".phone .hint")).to_have_text("1 segment · UCS-2 · 7 units")
    page.locator("#messages a").nth(1).click()
    expect(page.locator(".notification strong")).to_have_text("<b>Ready</b>")
    expect(page.locator(".notification .actions")).to_have_text("Open")
    assert page.locator(".notification a").count() == 0, "a javascript: address must not become a link"
    expect(page.locator(".facts")).to_contain_text("n-7")
    page.locator("#messages a").nth(0).click()
    expect(page.locator(".notification strong")).to_have_text("no JSON at all")
    assert problems == []


@browser_test
def test_new_messages_appear_by_themselves(
    page: Page, server: SandboxServer, send_mail: Send, problems: list[str]
) -> None:
    page.goto(server.url)
    expect(page.get_by_role("heading", name="Nothing received yet")).to_be_visible()
    expect(page.locator("pre")).to_contain_text(f"SENDGRID_API_URL={server.url}/sendgrid/v3/")
    send_mail()
    expect(page.locator("#messages a")).to_have_count(1, timeout=10_000)
    send_mail()
    expect(page.locator("#counts .alarm dd")).to_have_text("1", timeout=10_000)
    expect(page.locator("#announce")).to_have_text("New message: Pickup tomorrow")
    server.reset()
    expect(page.get_by_role("heading", name="Nothing received yet")).to_be_visible(timeout=10_000)
    assert problems == []


@browser_test
def test_a_hidden_page_asks_for_nothing(page: Page, server: SandboxServer) -> None:
    page.goto(server.url)
    expect(page.locator("#live")).to_have_text("Live")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate(
        "Object.defineProperty(document, 'hidden', {value: true, configurable: true}); document.dispatchEvent(new Event('visibilitychange'))"
    )
    expect(page.locator("#live")).to_have_text("Paused")
    page.wait_for_timeout(2_500)
    assert asked == []
    page.evaluate(
        "Object.defineProperty(document, 'hidden', {value: false}); document.dispatchEvent(new Event('visibilitychange'))"
    )
    expect(page.locator("#live")).to_have_text("Live")
    assert asked


@browser_test
def test_filters_search_and_older_messages(
    page: Page, server: SandboxServer, send_mail: Send, send_sms: Send
) -> None:
    send_mail(personalizations=[{"to": [{"email": f"customer{n}@example.com"}]} for n in range(60)])
    for _ in range(55):
        send_sms()
    page.goto(server.url)
    rows = page.locator("#messages a")
    expect(rows).to_have_count(50)
    page.get_by_role("button", name="Show older messages").click()
    expect(rows).to_have_count(100)
    page.wait_for_timeout(2_500)
    expect(rows).to_have_count(100)  # the next refresh must not throw the older ones away
    page.get_by_text("SMS", exact=True).first.click()
    expect(page.locator("#messages .email")).to_have_count(0)
    expect(rows).to_have_count(50)
    page.get_by_label("Duplicates only").check()
    expect(page.get_by_role("heading", name="No message matches")).to_be_visible()
    page.get_by_role("button", name="Show all messages").click()
    page.get_by_role("searchbox").fill("customer59")
    expect(rows).to_have_count(1)


@browser_test
def test_keyboard_alone_is_enough(page: Page, server: SandboxServer, send_mail: Send) -> None:
    for subject in ("Third", "Second", "First"):
        send_mail(subject=subject)
    page.goto(server.url)
    expect(page.locator("#messages a")).to_have_count(3)
    page.keyboard.press("j")
    expect(page.locator("h2")).to_have_text("First")
    page.keyboard.press("j")
    expect(page.locator("h2")).to_have_text("Second")
    page.keyboard.press("k")
    expect(page.locator("h2")).to_have_text("First")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("Third")
    expect(page.locator("#messages a")).to_have_count(1)
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.locator(".detail")).to_have_text("Choose a message to read it.")


@browser_test
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_window_shows_list_or_message(
    scheme: Any, browser: Browser, server: SandboxServer, send_mail: Send
) -> None:
    send_mail(subject="A-very-long-subject-without-a-break" * 5)
    context = browser.new_context(viewport={"width": 380, "height": 700}, color_scheme=scheme)
    page = context.new_page()
    page.goto(server.url)
    page.locator("#messages a").click()
    expect(page.locator("iframe")).to_be_visible()
    expect(page.locator("#messages")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("link", name="All messages").click()
    expect(page.locator("#messages a")).to_be_focused()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()


@browser_test
def test_a_person_answers_for_provider_and_customer(
    page: Page, server: SandboxServer, send_mail: Send, send_sms: Send, receiver: Receiver
) -> None:
    server.webhooks(sendgrid={"url": f"{receiver.url}/events"})
    send_mail()
    page.goto(server.url)
    page.locator("#messages a").click()
    page.get_by_role("button", name="bounce").click()
    expect(page.get_by_text("bounce: on its way")).to_be_visible()
    assert receiver.wait(1)[0].json[0]["event"] == "bounce"
    expect(page.locator(".facts")).to_contain_text("bounce", timeout=10_000)
