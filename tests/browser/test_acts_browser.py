"""Acts on many messages in a real browser: replay all that match, watch it, stop it, take it back; and the refusals."""

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from notifications.admin import confirm, selection, undo_page
from notifications.admin.criteria import matching
from notifications.bulk import order
from notifications.bulk import work as working
from notifications.bulk.work import work
from notifications.models import BulkAct, Notification
from tests.browser.accessibility import serious_faults
from tests.browser.conftest import Visitor
from tests.messages import fresh
from tests.notification_factories import NotificationFactory
from tests.operators import CANCEL, QUEUE, REPLAY, RESCHEDULE, SETTLE, VIEW

pytestmark = pytest.mark.django_db(transaction=True)
Visit = Callable[..., Visitor]
ACTS = "/admin/notifications/bulkact/"
MANY = 12


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (selection, confirm, order, undo_page):
        monkeypatch.setattr(module, "CAP", 5)
    monkeypatch.setattr(working, "CHUNK", 4)


def chunk() -> None:
    """What a worker does in a moment."""
    ends = iter((False, False, True, True))
    work(matching=matching, until=time.monotonic() + 60, stop=lambda: next(ends))


def finish() -> None:
    work(matching=matching, until=time.monotonic() + 60)


def confirm_all(olive: Visitor, act: str, reason: str = "The provider is up again") -> None:
    """Tick a page, choose all that match, and give a reason."""
    page = olive.page
    page.locator("#action-toggle").check()
    page.locator("select[name=action]").select_option(act)
    across = page.locator(".actions .question a, .question a").first
    if across.is_visible():
        across.click()
    else:
        page.evaluate("document.querySelector('input[name=select_across]').value = '1'")
    page.get_by_role("button", name="Run").click()
    page.get_by_label("Reason").fill(reason)


def test_all_that_match_are_replayed_watched_stopped_and_taken_back(visit: Visit) -> None:
    NotificationFactory.create_batch(MANY, status="failed")
    other = NotificationFactory.create(status="failed", channel="sms")
    olive = visit()
    page = olive.page
    olive.sign_in(VIEW, REPLAY)
    olive.open(f"{QUEUE}?status__exact=failed&channel__exact=email")
    confirm_all(olive, "replay")
    expect(page.get_by_text("It runs in the background, some hundred at a time")).to_be_visible()
    olive.shot("1-confirm")
    page.get_by_role("button", name=re.compile(r"^Replay")).dblclick()

    page.wait_for_url(f"**{ACTS}**")
    expect(page.locator("#act-progress").get_by_text("Waiting")).to_be_visible()
    chunk()
    expect(page.locator("#act-progress").get_by_text(f"4 of {MANY}")).to_be_visible()
    olive.shot("2-running")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("It is stopped.")).to_be_visible()
    finish()
    assert Notification.objects.filter(status="queued").count() == 4
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("It goes on where it stood.")).to_be_visible()
    finish()
    expect(page.locator("#act-progress").get_by_text(f"{MANY} of {MANY}")).to_be_visible()
    expect(page.locator("#act-progress [data-going]")).to_have_count(0)
    olive.shot("3-done")

    page.get_by_role("link", name="Undo").click()
    expect(page.get_by_role("heading", name="Undo: Replay: 5 of 5 messages")).to_be_visible()
    page.get_by_label("Reason").fill("The wrong filter")
    olive.shot("4-undo")
    page.get_by_role("button", name=re.compile("^Undo")).dblclick()
    expect(page.get_by_text("Undoes", exact=True)).to_be_visible()
    finish()
    expect(page.locator("#act-progress").get_by_text(f"{MANY} of {MANY}")).to_be_visible()
    assert Notification.objects.filter(status="failed", channel="email").count() == MANY
    assert (BulkAct.objects.count(), fresh(other).status) == (2, "failed")
    page.get_by_role("link", name="All acts").click()
    expect(page.get_by_text("Undo: Replay")).to_be_visible()
    olive.shot("5-list")


def test_a_new_moment_is_shown_on_the_recipients_clocks_first(visit: Visit) -> None:
    row = NotificationFactory.create()
    olive = visit()
    page = olive.page
    olive.sign_in(VIEW, RESCHEDULE)
    olive.open(f"{QUEUE}{row.pk}/change/")
    page.get_by_role("button", name="Reschedule…").click()
    page.get_by_label("Send it at").fill("2027-03-01T09:30")
    page.get_by_label("Reason").fill("The hall is closed")
    page.get_by_role("button", name="Show what would happen").click()
    expect(page.get_by_role("heading", name="On the recipients’ clocks")).to_be_visible()
    assert fresh(row).scheduled_at == row.scheduled_at
    olive.shot("moment")
    page.get_by_role("button", name="Reschedule (1)").click()
    expect(page.get_by_text("1 message is rescheduled.")).to_be_visible()
    assert fresh(row).scheduled_at > row.scheduled_at


def test_an_unknown_outcome_is_settled_on_its_message(visit: Visit) -> None:
    row = NotificationFactory.create(status="failed", metadata={"outcome_unknown": True})
    olive = visit()
    page = olive.page
    olive.sign_in(VIEW, SETTLE)
    olive.open(f"{QUEUE}{row.pk}/change/")
    page.get_by_role("button", name="Settle the outcome…").click()
    page.get_by_label("It was sent: it counts as sent").check()
    page.get_by_label("Reason").fill("Twilio shows it as delivered")
    olive.shot("verdict")
    page.get_by_role("button", name="Settle them (1)").click()
    expect(page.get_by_text("1 outcome is settled.")).to_be_visible()
    assert fresh(row).status == "sent"


def test_two_operators_cancel_the_same_and_each_is_told_what_became_of_it(visit: Visit) -> None:
    NotificationFactory.create_batch(MANY)
    first, second = visit(), visit()
    for window, name in ((first, "olive"), (second, "vera")):
        window.sign_in(VIEW, CANCEL, name=name)
        window.open(f"{QUEUE}?status__exact=queued")
        confirm_all(window, "cancel", "The hall is closed")
    for window in (first, second):
        window.page.get_by_role("button", name=re.compile("Cancel the messages")).click()
        window.page.wait_for_url(f"**{ACTS}**")
    finish()
    for window, count in ((first, MANY), (second, 0)):
        progress = window.page.locator("#act-progress")
        expect(progress.get_by_text(f"{count} of {count}")).to_be_visible(timeout=15_000)
    assert Notification.objects.filter(status="cancelled").count() == MANY
    second.shot("second")


def test_a_page_whose_session_ended_does_nothing(visit: Visit) -> None:
    row = NotificationFactory.create()
    olive = visit()
    page = olive.page
    olive.sign_in(VIEW, CANCEL)
    olive.open(f"{QUEUE}{row.pk}/change/")
    page.get_by_role("button", name="Cancel…").click()
    page.get_by_label("Reason").fill("The hall is closed")
    olive.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name=re.compile("Cancel the messages")).click()
    expect(page.get_by_label("Password")).to_be_visible()
    assert (fresh(row).status, BulkAct.objects.count()) == ("queued", 0)


def test_who_may_not_sees_no_buttons(visit: Visit) -> None:
    row = NotificationFactory.create()
    BulkAct.objects.create(act="cancel", reason="x", by="command", total=1)
    vera = visit()
    vera.sign_in(VIEW, "notifications.view_bulkact", name="vera")
    vera.open(f"{QUEUE}{row.pk}/change/")
    assert vera.page.get_by_role("button", name=re.compile("Reschedule|Change priority|Settle")).count() == 0
    vera.open(f"{ACTS}{BulkAct.objects.get().pk}/change/")
    expect(vera.page.locator("#act-progress")).to_be_visible()
    assert vera.page.get_by_role("button", name="Stop").count() == 0


@pytest.mark.parametrize(("width", "dark"), [(400, False), (400, True), (1440, True)])
def test_the_acts_fit_a_narrow_window_and_the_dark(visit: Visit, width: int, dark: bool) -> None:
    rows = NotificationFactory.create_batch(3, status="failed")
    olive = visit(width=width, dark=dark)
    olive.sign_in("*")
    olive.open(f"{QUEUE}{rows[0].pk}/change/")
    olive.page.get_by_role("button", name="Replay…").click()
    olive.page.get_by_label("Reason").fill("The provider is up again")
    olive.page.get_by_role("button", name="Replay (1)").click()
    act = BulkAct.objects.get()
    faults: list[tuple[str, str]] = []
    for name, path in {
        "list": ACTS,
        "act": f"{ACTS}{act.pk}/change/",
        "undo": f"{ACTS}{act.pk}/undo/",
    }.items():
        olive.open(path)
        olive.shot(name)
        faults += [(name, fault) for fault in serious_faults(olive.page)]
        if not olive.fits():
            faults.append((name, "too wide"))
    assert faults == []
