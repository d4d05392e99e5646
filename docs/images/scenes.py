"""What each picture shows: in, a browser signed in at the demo; out, a page ready to be taken, and then left as it was found."""

import datetime as dt
import json
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from playwright.sync_api import Page

QUEUE = "/admin/notifications/notification/"
CHANNELS = "/admin/notifications/channelstate/"
ROWS = "#result_list tbody tr a[href*='/change/']"


@dataclass(frozen=True)
class Demo:
    """The window, and where the demo answers."""

    page: Page
    admin: str
    sandbox: str

    def log_in(self, password: str) -> None:
        self.page.goto(f"{self.admin}/admin/login/?next=/admin/")
        self.page.fill("#id_username", "admin")
        self.page.fill("#id_password", password)
        self.page.press("#id_password", "Enter")
        self.page.wait_for_url(f"{self.admin}/admin/", timeout=60_000)

    def open(self, path: str) -> None:
        answer = self.page.goto(f"{self.admin}{path}", wait_until="networkidle")
        if answer is None or not answer.ok:
            raise RuntimeError(f"{path} is no page: {answer and answer.status}")

    def first_of(self, query: str) -> None:
        """The page of the first message of a filtered list."""
        self.open(f"{QUEUE}?{query}")
        self.page.locator(ROWS).first.click()
        self.page.wait_for_load_state("networkidle")

    def choose_all(self, query: str, act: str) -> None:
        """Tick every message that matches, and ask for an act on them."""
        self.open(f"{QUEUE}?{query}")
        self.page.locator("#action-toggle").check()
        across = self.page.locator(".question a, .question button").first
        if across.count() and across.is_visible():
            across.click()
        self.page.locator("select[name=action]").select_option(act)
        self.page.locator("#changelist-actions button[type=submit]").first.click()
        self.page.wait_for_load_state("networkidle")

    def tell_sandbox(self, method: str, path: str, order: object = None) -> None:
        """An order to the providers; see sandbox/README.md."""
        body = None if order is None else json.dumps(order).encode()
        request = urllib.request.Request(  # noqa: S310 (our own loopback address)
            f"{self.sandbox}/_sandbox/{path}", body, {"Content-Type": "application/json"}, method=method
        )
        urllib.request.urlopen(request, timeout=10).close()  # noqa: S310


def nothing(_demo: Demo) -> None:
    """There is nothing to tidy up."""


@dataclass(frozen=True)
class Scene:
    """`show` brings the page up, `tidy` undoes what was done for it; `height` of the window in pixels."""

    show: Callable[[Demo], None]
    tidy: Callable[[Demo], None] = nothing
    height: int = 900


def home(demo: Demo) -> None:
    demo.open("/admin/?period=week")


def message(demo: Demo) -> None:
    """A reminder that arrived: consent decided, twice, and the provider reported back."""
    demo.first_of("feedback=delivered&channel__exact=email&category__exact=reminder")


def sandbox(demo: Demo) -> None:
    demo.page.goto(f"{demo.sandbox}/?channel=email")
    demo.page.get_by_text("E-mail", exact=True).first.click()
    # The newest are for staff.
    mails = demo.page.locator(".list li", has_text="E-mail").filter(has_not_text="@rental.example")
    mails.first.click()
    demo.page.wait_for_timeout(1500)


def why(demo: Demo) -> None:
    demo.first_of("withheld=consent.revoked")


def provider_is_down(demo: Demo) -> None:
    """SendGrid answers 503; an operator pauses the channel, with a reason."""
    demo.tell_sandbox("POST", "behaviour", {"provider": "sendgrid", "status": 503})
    demo.open(CHANNELS)
    demo.page.get_by_role("button", name="Send a test to myself").first.click()
    demo.page.wait_for_timeout(4000)
    pause = demo.page.locator("details", has_text="Pause").first
    pause.locator("summary").click()
    pause.locator("[name=reason]").fill("SendGrid's status page: e-mail is delayed")
    pause.locator("button[type=submit]").click()
    demo.page.wait_for_load_state("networkidle")


def provider_is_back(demo: Demo) -> None:
    demo.tell_sandbox("DELETE", "behaviour")
    demo.open(CHANNELS)
    resume = demo.page.locator("details", has_text="Resume").first
    resume.locator("summary").click()
    resume.locator("[name=reason]").fill("SendGrid is back")
    resume.locator("button[type=submit]").click()
    demo.page.wait_for_load_state("networkidle")


def again(demo: Demo) -> None:
    demo.choose_all("status__exact=failed&error_class=503", "replay")
    demo.page.locator("[name=reason]").fill("SendGrid was out on Thursday morning; the campaign still holds")


def tonight(demo: Demo) -> None:
    demo.open("/admin/jobs/jobrun/job/booking_reminders/")
    demo.page.get_by_role("link", name="tonight").click()
    demo.page.get_by_role("button", name="Dry run").click()
    demo.page.wait_for_load_state("networkidle")


def put_off(demo: Demo) -> None:
    demo.choose_all("status__exact=scheduled", "reschedule")
    later = dt.datetime.now(ZoneInfo("America/Moncton")) + dt.timedelta(hours=3)
    demo.page.locator("input[type=datetime-local]").fill(f"{later:%Y-%m-%dT%H:00}")
    demo.page.locator("[name=reason]").fill("Snow: the yard is closed until noon")
    demo.page.get_by_role("button", name="Show what would happen").click()
    demo.page.wait_for_load_state("networkidle")


def unknown(demo: Demo) -> None:
    demo.first_of("status__exact=outcome_unknown")


def wording(demo: Demo) -> None:
    """A draft, with a placeholder that is not there: told at its line, with the last good preview beside it."""
    demo.open("/admin/templates_app/notificationtemplate/?q=booking.pickup_today")
    demo.page.locator(ROWS).first.click()
    demo.page.get_by_role("button", name="New draft").click()
    demo.page.wait_for_selector("form textarea")
    demo.page.locator("[name='en:email:text']").press_sequentially("Bring {{ID}} along. ", delay=20)
    demo.page.wait_for_timeout(3000)


def discard(demo: Demo) -> None:
    demo.page.once("dialog", lambda dialog: dialog.accept())
    demo.open("/admin/templates_app/notificationtemplateversion/?status__exact=draft")


def job(demo: Demo) -> None:
    demo.open("/admin/jobs/jobrun/job/payout_reconciliation/")


def who(demo: Demo) -> None:
    demo.open("/admin/config/auditentry/")


SCENES = {
    "home": Scene(home, height=1080),
    "message": Scene(message, height=1160),
    "sandbox": Scene(sandbox),
    "why": Scene(why, height=1100),
    "provider-is-down": Scene(provider_is_down, provider_is_back),
    "again": Scene(again),
    "tonight": Scene(tonight, height=1300),
    "put-off": Scene(put_off),
    "unknown": Scene(unknown, height=1000),
    "wording": Scene(wording, height=1100),
    "job": Scene(job, height=1100),
    "who": Scene(who),
}
