"""«Why didn't she get it?» in a real browser: sent, failed, withheld, waiting, unknown and past messages, read and acted on."""

import datetime as dt
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.utils import timezone
from playwright.sync_api import Route, expect

from consent.addresses import blind_index
from consent.preferences import revoke
from notifications.channel_state import pause
from notifications.enqueue import notify
from notifications.models import Notification
from notifications.move import move_ended
from notifications.origin import origin
from notifications.replay import send_again
from notifications.retention import Retention
from notifications.webhooks.apply import apply_waiting
from notifications.worker import drain
from sandbox.testing import SandboxServer
from tests.browser.accessibility import is_sound
from tests.browser.conftest import MOST_SHIFT, Visitor
from tests.ended import finished
from tests.factories import CustomerFactory
from tests.messages import fresh, queued
from tests.notification_factories import DeliveryAttemptFactory, NotificationFactory, ProviderEventFactory
from tests.operators import CANCEL, QUEUE, READ, REPLAY, REVEAL, VIEW

pytestmark = pytest.mark.django_db(transaction=True)
Visit = Callable[..., Visitor]
SEES = ("consent.view_consentevent", "consent.view_suppression", "notifications.view_providerevent")


def page_of(row: Notification) -> str:
    return f"{QUEUE}{row.pk}/change/"


def answer(visitor: Visitor) -> str:
    return visitor.page.locator("#answer").inner_text()


@pytest.fixture
def told(templates: None, sandbox: SandboxServer, settings: Any) -> dict[str, Notification]:
    """A message of each fate, by the real street."""
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "QUIET_HOURS": {"marketing": {"sms": "08:00-21:00"}}}
    now = timezone.now()
    gone = CustomerFactory.create(email="gone@example.com", timezone="America/Moncton")
    said = CustomerFactory.create(timezone="America/Moncton")
    with origin(job="booking_reminders", run="0192f3c4-0000-7000-8000-000000000001", trigger="schedule"):
        rows = {"sent": queued(), "bounced": queued(gone)}
        drain()
    ProviderEventFactory.create(notification_id=rows["sent"].pk, occurred_at=now + dt.timedelta(seconds=3))
    ProviderEventFactory.create(
        event_type="bounced", code="bounce", notification_id=rows["bounced"].pk,
        detail={"status": "5.1.1", "reason": "550 mailbox unknown"},
        address_hmac=blind_index("email", "gone@example.com"), address_hint="g•••@e•••.com",
        occurred_at=now + dt.timedelta(seconds=20),
    )  # fmt: skip
    apply_waiting()
    rows["suppressed"] = queued(gone)
    revoke(
        customer_id=str(said.pk), channel="sms", category="reminder", source="preference_page", actor="customer",
        at=now - dt.timedelta(days=8), wording="Remind me of my bookings by text message.",
    )  # fmt: skip
    rows["withheld"] = queued(said, channel="sms", idempotency_key="pickup:17")
    rows["sibling"] = queued(said, idempotency_key="pickup:17")
    sandbox.behave("sendgrid", status=503)
    rows["failed"] = queued()
    for hours in range(3):
        drain(now=now + dt.timedelta(hours=2 * (hours + 1)))
    sandbox.behave_well()
    sandbox.behave("twilio", hang_up=True)
    rows["unknown"] = queued(channel="sms")
    drain()
    sandbox.behave_well()
    (again,) = send_again([rows["sent"].pk], by="staff:1", reason="She deleted it.").done
    rows["again"] = fresh(again)
    return {name: fresh(row) for name, row in rows.items()}


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (400, True)])
def test_the_answer_stands_at_the_top_of_each(
    visit: Visit, told: dict[str, Notification], width: int, dark: bool
) -> None:
    olive = visit(width=width, dark=dark)
    olive.sign_in("*")
    expected = {
        "sent": "Sent; the provider confirmed delivery",
        "bounced": "Sent, but it did not arrive: the provider reported it bounced",
        "suppressed": "Withheld: the address is suppressed since",
        "withheld": "Withheld: the customer revoked reminder messages by SMS on",
        "failed": "Failed after 3 attempts: 503",
        "unknown": "Nobody knows whether it arrived:",
    }
    for name, text in expected.items():
        olive.open(page_of(told[name]))
        assert answer(olive).startswith(text), name
        is_sound(olive)
        olive.shot(name)


def test_the_withheld_message_leads_to_what_she_said(visit: Visit, told: dict[str, Notification]) -> None:
    olive = visit()
    olive.sign_in(VIEW, *SEES)
    olive.open(page_of(told["withheld"]))
    page = olive.page
    gates = page.get_by_role("region", name="Gates")
    row = gates.get_by_role("row", name="Consent")
    expect(row.get_by_role("cell").first).to_contain_text("Withheld")
    expect(row.get_by_role("cell").nth(1)).to_contain_text("Not reached")
    expect(page.locator(".pr-story q")).to_have_text("Remind me of my bookings by text message.")
    kin = page.get_by_role("region", name="Belongs together")
    expect(kin.get_by_role("listitem").nth(1)).to_contain_text("With the same key by E-mail")
    row.get_by_role("link").click()
    page.wait_for_url("**/consent/consentevent/**")


def test_the_failed_message_says_what_followed_each_attempt(
    visit: Visit, told: dict[str, Notification]
) -> None:
    olive = visit()
    olive.sign_in(VIEW)
    olive.open(page_of(told["failed"]))
    attempts = olive.page.get_by_role("region", name="Attempts").locator("tbody")
    expect(attempts).to_have_count(3)
    expect(attempts.nth(0)).to_contain_text("SendGrid is not available.")
    expect(attempts.nth(0)).to_contain_text("Tried again")
    expect(attempts.nth(2)).to_contain_text("We gave up: that was attempt 3 of 3.")
    expect(olive.page.get_by_text("Nothing more will happen until somebody replays it.")).to_be_visible()
    olive.open(page_of(told["unknown"]))
    expect(olive.page.get_by_text("A report of the provider settles it, or a person.").first).to_be_visible()


# ── The text ────────────────────────────────────────────────────────────────────────────────────────────
HOSTILE = """<p>Hello</p><script>parent.hacked = 1; fetch("/api/x")</script><img src="https://tracker.example/p.gif">
<form action="/admin/logout/"><button>Go</button></form><a href="https://elsewhere.example/">away</a>"""


def hostile() -> Notification:
    """Nothing of it is escaped: an operator's own words in a payload would be."""
    sent = notify(
        to=str(CustomerFactory.create().pk),
        channel="email",
        category="transactional",
        subject="Hello",
        body=HOSTILE,
    )
    return Notification.objects.get(pk=sent.queued[0].id)


def test_the_text_is_read_by_keyboard_in_tabs_and_in_a_frame_where_nothing_runs(
    visit: Visit, templates: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "notifications.render.render_inline",
        lambda **_given: {
            "subject": "Hello",
            "text": "Hello",
            "html": f"<html><body>{HOSTILE}</body></html>",
        },
    )
    row = hostile()
    olive = visit()
    olive.expected += ["Blocked script execution", "Refused to", "violates the following", "Blocked form"]
    asked: list[str] = []
    # Not «request»: what the policy stops is announced, and goes nowhere.
    olive.page.on("requestfinished", lambda request: asked.append(request.url))
    olive.sign_in(VIEW, READ)
    olive.open(page_of(row))
    page = olive.page
    assert LogEntry.objects.filter(object_id=str(row.pk)).count() == 0, (
        "nothing is read before it is asked for"
    )
    page.get_by_role("link", name="Read the message").focus()
    page.keyboard.press("Enter")
    tabs = page.get_by_role("tablist", name="Parts of the message")
    expect(tabs.get_by_role("tab", name="HTML")).to_be_focused()
    frame = page.frame_locator("iframe.pr-frame")
    frame.get_by_text("Hello").first.wait_for()
    frame.get_by_role("button", name="Go").click()
    frame.get_by_role("link", name="away").click()
    assert page.evaluate("window.hacked") is None
    assert page.evaluate("document.querySelector('iframe').contentDocument") is None, "an origin of its own"
    ours = olive.base.removeprefix("http://")
    assert [url for url in asked if ours not in url and not url.startswith(("data:", "chrome-error:"))] == []
    assert [url for url in asked if "/api/x" in url or "/logout/" in url] == []
    assert page.url.endswith("/change/"), "a link in the frame leads nowhere"

    page.get_by_role("tab", name="HTML").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Text")).to_be_focused()
    expect(page.get_by_role("tabpanel", name="Text")).to_be_visible()
    expect(page.locator("iframe.pr-frame")).to_be_hidden()
    page.keyboard.press("End")
    headers = page.get_by_role("tabpanel", name="Headers")
    expect(headers).to_contain_text("none: an answer goes to the sender")
    expect(headers).to_contain_text("none: nobody leaves such messages by a link")
    assert LogEntry.objects.filter(
        object_id=str(row.pk), change_message="read the text of the message"
    ).exists()
    is_sound(olive)


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (400, True)])
def test_a_mail_is_shown_wide_narrow_and_dark(
    visit: Visit, told: dict[str, Notification], width: int, dark: bool
) -> None:
    olive = visit(width=width, dark=dark)
    olive.sign_in(VIEW, READ)
    olive.open(page_of(told["sent"]))
    page = olive.page
    page.get_by_role("link", name="Read the message").click()
    expect(page.get_by_text("the text that went out is not stored")).to_be_visible()
    frame = page.frame_locator("iframe.pr-frame")
    frame.get_by_text("Hello").first.wait_for()
    olive.shot("wide")
    page.get_by_role("button", name="Phone").press("Enter")
    assert page.locator("iframe.pr-frame").bounding_box()["width"] < 400  # type: ignore[index]
    with page.expect_response("**/body/html/?scheme=dark"):
        page.get_by_role("button", name="Dark").press("Space")
    frame.get_by_text("Hello").first.wait_for()
    olive.shot("phone-dark")
    is_sound(olive)
    page.get_by_role("tab", name="Headers").click()
    expect(page.get_by_role("tabpanel", name="Headers")).to_contain_text("List-Unsubscribe=One-Click")
    olive.shot("headers")


def test_the_page_of_a_text_stands_still_while_its_script_is_slow_and_says_all_without_it(
    visit: Visit, told: dict[str, Notification]
) -> None:
    olive = visit()
    olive.sign_in(VIEW, READ)
    page = olive.page
    parts = [page.locator(f"#part-{part}") for part in ("html", "text", "headers")]

    def late(route: Route) -> None:
        time.sleep(0.5)  # the browser goes on, and would show what it has
        route.continue_()

    page.route("**/message*.js", late)
    olive.open(f"{QUEUE}{told['sent'].pk}/body/")
    assert [part.is_visible() for part in parts] == [True, False, False]
    assert olive.shift() <= MOST_SHIFT
    page.route("**/message*.js", lambda route: route.abort())
    olive.expected.append("net::ERR_FAILED")
    olive.open(f"{QUEUE}{told['sent'].pk}/body/")
    assert [part.is_visible() for part in parts] == [True, True, True]
    expect(page.get_by_role("tab")).to_have_count(0)
    expect(page.get_by_role("button", name="Phone")).to_have_count(0)


@pytest.mark.parametrize("channel", ["sms", "push", "inapp"])
def test_other_channels_show_what_a_reader_sees(
    visit: Visit, templates: None, sandbox: SandboxServer, channel: str
) -> None:
    row = queued(
        channel=channel,
    )
    drain()
    olive = visit()
    olive.sign_in(VIEW, READ)
    olive.open(page_of(row))
    olive.page.get_by_role("link", name="Read the message").click()
    told = {
        "sms": "characters of GSM-7",
        "push": "Nobody",
        "inapp": "Exactly as it was written into the inbox",
    }
    expect(olive.page.locator("#message-text")).to_contain_text(
        told[channel] if channel != "push" else "Title"
    )
    expect(olive.page.locator("#message-text")).to_be_focused()
    is_sound(olive)
    olive.shot("text")


def test_who_may_not_read_sees_the_answer_and_no_word_of_the_text(
    visit: Visit, told: dict[str, Notification]
) -> None:
    vera = visit()
    vera.sign_in(VIEW, name="vera")
    vera.open(page_of(told["withheld"]))
    page = vera.page
    assert answer(vera).startswith("Withheld: the customer revoked")
    expect(page.get_by_text("You may not read the text of messages.")).to_be_visible()
    assert page.get_by_role("link", name="Consent event").count() == 0, "no link that would be refused"
    assert page.get_by_role("button", name="Reveal").count() == 0
    for path in ("body/", "body/parts/", "body/html/"):
        assert page.request.get(f"{vera.base}{QUEUE}{told['sent'].pk}/{path}").status == 403
    assert not LogEntry.objects.filter(object_id=str(told["sent"].pk)).exists()


# ── While it moves, by keyboard, in the history ─────────────────────────────────────────────────────────
def test_a_message_in_hand_keeps_itself_up_to_date_and_then_rests(
    visit: Visit, templates: None, sandbox: SandboxServer
) -> None:
    row = queued(channel="inapp")
    olive = visit()
    olive.sign_in(VIEW, CANCEL)
    olive.open(page_of(row))
    page = olive.page
    assert answer(olive).startswith("Due for")
    button = page.get_by_role("button", name="Cancel…")
    button.focus()
    drain()
    expect(page.locator("#answer")).to_contain_text("Sent: it is in their inbox", timeout=15_000)
    expect(page.locator("#message-news")).to_contain_text("Sent: it is in their inbox")
    assert page.get_by_role("button", name="Cancel…").count() == 0, "the acts follow the state"
    again: list[str] = []
    page.on("request", lambda request: again.append(request.url))
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_timeout(100)
    page.clock.install()
    page.clock.run_for(60_000)
    assert len([url for url in again if "/live/" in url]) <= 1, "nothing moves, so nothing is asked"


def test_a_signed_out_page_says_so_instead_of_showing_a_form(visit: Visit, templates: None) -> None:
    row = queued()
    olive = visit()
    olive.sign_in(VIEW, READ)
    olive.open(page_of(row))
    page = olive.page
    olive.context.clear_cookies()
    expect(page.get_by_text("Not up to date since")).to_be_visible(timeout=15_000)
    assert answer(olive).startswith("Due for")
    page.get_by_role("link", name="Read the message").click()
    page.wait_for_url("**/admin/login/**")


def test_ids_are_copied_by_keyboard(visit: Visit) -> None:
    row = NotificationFactory.create(status="sent", idempotency_key="pickup:17")
    olive = visit()
    olive.context.grant_permissions(["clipboard-read", "clipboard-write"])
    olive.sign_in(VIEW)
    olive.open(page_of(row))
    page = olive.page
    page.get_by_role("button", name="Copy : Id", exact=True).press("Enter")
    expect(page.get_by_role("button", name="Copied : Id", exact=True)).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == str(row.pk)
    page.get_by_role("button", name="Copy : Idempotency key").press("Space")
    page.wait_for_function("async () => await navigator.clipboard.readText() === 'pickup:17'")


def test_many_acts_leave_two_beside_each_other_and_a_menu_for_the_keyboard(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from notifications.admin import acts
    from notifications.bulk import kinds

    further = {
        name: replace(acts.CANCEL, name=name, title=name.title(), tone="")
        for name in ("later", "sooner", "aside", "away")
    }
    for name in further:
        monkeypatch.setitem(kinds.KINDS, name, kinds.KINDS["cancel"])
    monkeypatch.setattr("notifications.admin.detail.ACTS", {"cancel": acts.CANCEL, **further})
    row = NotificationFactory.create()
    olive = visit(width=400)
    olive.sign_in(VIEW, CANCEL)
    olive.open(page_of(row))
    page = olive.page
    expect(page.get_by_role("button", name="Later…")).to_be_visible()
    expect(page.get_by_role("button", name="Aside…")).to_be_hidden()
    menu = page.locator(".pr-more > summary")
    menu.press("Enter")
    expect(page.get_by_role("button", name="Aside…")).to_be_visible()
    assert olive.fits()
    olive.shot("menu")
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Aside…")).to_be_hidden()
    expect(menu).to_be_focused()


def test_an_act_starts_here_and_comes_back(visit: Visit, told: dict[str, Notification]) -> None:
    olive = visit()
    olive.sign_in(VIEW, REPLAY, REVEAL)
    olive.open(page_of(told["failed"]))
    page = olive.page
    page.get_by_role("button", name="Replay…").click()
    page.get_by_label("Reason").fill("The provider is up again")
    page.get_by_role("button", name="Replay (1)").dblclick()
    expect(page.locator(".pr-story")).to_contain_text("Replayed by olive: The provider is up again")
    expect(page.get_by_role("region", name="Attempts").locator("tbody").nth(2)).to_contain_text(
        "We gave up; a person replayed it at"
    )
    page.get_by_role("button", name="Reveal…").click()
    expect(page.get_by_label("Reason")).to_be_visible()


def test_a_past_message_says_what_is_gone(visit: Visit) -> None:
    row = finished("failed", 14, error="550: no such box", idempotency_key="job:17")
    DeliveryAttemptFactory.create(
        notification=row, outcome="permanent", provider_code="550", error="no such box"
    )
    child = NotificationFactory.create(parent=row)
    move_ended(Retention(), now=timezone.now(), until=time.monotonic() + 20)
    olive = visit()
    olive.sign_in("*")
    olive.open(page_of(row))
    page = olive.page
    assert answer(olive) == "Failed after 1 attempt: 550: no such box."
    expect(page.get_by_text("It is too old to be replayed")).to_be_visible()
    expect(page.get_by_text("Gone since", exact=False).first).to_be_visible()
    assert page.get_by_role("link", name="Read the message").count() == 0
    assert page.get_by_role("button", name="Replay").count() == 0
    is_sound(olive)
    olive.shot("past")
    page.get_by_role("region", name="Belongs together").get_by_role("link").click()
    page.wait_for_url(f"**/{child.pk}/change/")


@pytest.mark.parametrize(("width", "dark"), [(1440, True), (400, False)])
def test_the_page_speaks_french(visit: Visit, told: dict[str, Notification], width: int, dark: bool) -> None:
    olive = visit(width=width, dark=dark)
    olive.sign_in("*")
    by = f"staff:{get_user_model().objects.get(username='olive').pk}"
    pause("email", until=None, reason="Nous changeons d’expéditeur.", by=by)
    olive.context.add_cookies([{"name": "django_language", "value": "fr", "url": olive.base}])
    begins = {
        "sent": "Envoyé ; le fournisseur a confirmé la remise",
        "withheld": "Retenu : le client a refusé les messages « rappel » par Texto le",
        "failed": "Échoué après 3 tentatives : 503",
        "unknown": "Personne ne sait s’il est arrivé :",
        "again": "À envoyer, mais le canal Courriel est arrêté par olive : Nous changeons",
    }
    for name, text in begins.items():
        olive.open(page_of(told[name]))
        assert answer(olive).startswith(text), name
        assert olive.fits()
        olive.shot(name)
