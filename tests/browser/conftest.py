"""A real Chromium at a live server: in, a test; out, signed-in pages whose console stayed silent, and screenshots.

Without a Chromium these tests are skipped, unless POSTROOM_REQUIRE_BROWSER=1 (CI), where they fail.
"""

import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.operators import operator_user

PLACES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# What moved after it had been shown, as browsers count it (https://web.dev/articles/cls): 0.1 is «good», and nothing is better.
SHIFTS = """
    () => new Promise(done => {
        let moved = 0
        new PerformanceObserver(list => list.getEntries().forEach(entry => { moved += entry.hadRecentInput ? 0 : entry.value }))
            .observe({ type: 'layout-shift', buffered: true })
        setTimeout(() => done(moved), 150)
    })
"""
MOST_SHIFT = 0.02
PATIENCE = 10  # seconds
ARTIFACTS = Path(__file__).resolve().parents[2] / "test-artifacts"
PASSWORD = "correct horse battery"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


def chromium() -> str | None:
    """The browser to use: CHROMIUM, or the first that is installed."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, PLACES)), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = chromium()
    if path is None:
        text = "no Chromium found: install it, or name one in CHROMIUM"
        if os.environ.get("POSTROOM_REQUIRE_BROWSER") == "1":
            pytest.fail(text)
        pytest.skip(text)
    # Playwright's sync API keeps an event loop in this thread, and Django would refuse the ORM beside one.
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    try:
        with sync_playwright() as playwright:
            launched = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
            yield launched
            launched.close()
    finally:
        if before is None:
            del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


class Visitor:
    """One person's browser window. `complaints` are console errors, exceptions and answers of 500 and above."""

    def __init__(self, context: BrowserContext, base: str, name: str) -> None:
        self.context, self.base, self.name = context, base, name
        self.page: Page = context.new_page()
        self.page.set_default_timeout(10_000)
        self.complaints: list[str] = []
        self.expected: list[str] = []
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"exception: {error}"))
        self.page.on("response", self._response)

    def open(self, path: str) -> None:
        self.page.goto(f"{self.base}{path}")

    def sign_in(self, *permissions: str, name: str = "olive") -> None:
        """As a staff member with these permissions, through the login form."""
        user = operator_user(*permissions, username=name, password=PASSWORD)
        self.open("/admin/login/?next=/admin/")
        self.page.get_by_label("Username").fill(user.username)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name=re.compile("log in", re.IGNORECASE)).click()
        self.page.wait_for_url("**/admin/")

    def shot(self, name: str) -> None:
        """A screenshot for people, into test-artifacts/."""
        ARTIFACTS.mkdir(exist_ok=True)
        self.page.screenshot(path=str(ARTIFACTS / f"{self.name}-{name}.png"), full_page=True)

    def fits(self) -> bool:
        """Does the page fit its window, without scrolling sideways?"""
        return bool(
            self.page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        )

    def shift(self) -> float:
        """How much of the page moved since it was opened without anybody's doing: 0 is still."""
        return float(self.page.evaluate(SHIFTS))

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning") and not any(text in message.text for text in self.expected):
            self.complaints.append(f"{message.type}: {message.text}")

    def _response(self, response: Any) -> None:
        if response.status >= 500:
            self.complaints.append(f"{response.status} {response.url}")


@pytest.fixture
def answering() -> Iterator[set[threading.Thread]]:
    """The threads of the live server that have a request in hand."""
    busy: set[threading.Thread] = set()

    def begun(**_: Any) -> None:
        busy.add(threading.current_thread())

    def ended(**_: Any) -> None:
        busy.discard(threading.current_thread())

    request_started.connect(begun)
    request_finished.connect(ended)
    yield busy
    request_started.disconnect(begun)
    request_finished.disconnect(ended)


@pytest.fixture
def visit(
    browser: Browser, live_server: Any, request: pytest.FixtureRequest, answering: set[threading.Thread]
) -> Iterator[Callable[..., Visitor]]:
    """Open a window: `visit(width=400, dark=True)`. At the end no window may have complained."""
    opened: list[Visitor] = []

    def new(*, width: int = 1440, height: int = 900, dark: bool = False) -> Visitor:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            locale="en-CA",
        )
        visitor = Visitor(context, live_server.url, request.node.name.replace("[", "-").rstrip("]"))
        opened.append(visitor)
        return visitor

    yield new
    for visitor in opened:
        visitor.context.close()
    # A window that is closed does not end what it asked for, and the tables are emptied next.
    until = time.monotonic() + PATIENCE
    while any(thread.is_alive() for thread in tuple(answering)) and time.monotonic() < until:
        time.sleep(0.01)
    assert [visitor.complaints for visitor in opened if visitor.complaints] == []
