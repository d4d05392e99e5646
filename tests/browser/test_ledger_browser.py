"""Confirming, a customer's ledger and «what decided» as people meet them, in a real browser."""

import datetime as dt
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import expect

from consent import double_opt_in
from consent.models import ConsentEvent
from consent.preferences import current, grant, request, revoke
from notifications.models import Notification
from tests.browser.conftest import Visitor
from tests.factories import CustomerFactory
from tests.messages import queued

Visit = Callable[..., Visitor]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def question(settings: Any, monkeypatch: pytest.MonkeyPatch) -> double_opt_in.Question:
    """What the message that asks was given."""
    asked: list[double_opt_in.Question] = []
    monkeypatch.setattr("notifications.ask_to_confirm.ask_to_confirm", asked.append)
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "DOUBLE_OPT_IN": {"marketing": ["email"]}}
    request(
        customer_id="c1", channel="email", category="marketing", source="web_form", actor="customer", at=timezone.now(),
        wording="Send me offers.", locale="en",
    )  # fmt: skip
    [found] = asked
    return found


def path_of(question: double_opt_in.Question) -> str:
    return question.url[question.url.index("/confirm/") :]


@pytest.mark.parametrize("dark", [False, True])
def test_a_reader_confirms_with_the_keyboard(
    visit: Visit, question: double_opt_in.Question, dark: bool
) -> None:
    visitor = visit(width=360, height=700, dark=dark)
    page = visitor.page
    visitor.open(path_of(question))
    expect(page.get_by_role("heading", level=1)).to_have_text("Do you want to receive these messages?")
    assert Axe().run(page).response["violations"] == []
    visitor.shot(f"confirm-{'dark' if dark else 'light'}")
    page.get_by_role("button", name="Yes, send me these messages").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Thank you, it is confirmed")
    assert current("c1")["email", "marketing"].enabled
    visitor.shot(f"confirmed-{'dark' if dark else 'light'}")


def test_a_reader_reads_it_in_french(visit: Visit, question: double_opt_in.Question) -> None:
    visitor = visit()
    visitor.open(path_of(question))
    visitor.page.get_by_role("link", name="Français").click()
    expect(visitor.page.get_by_role("button", name="Oui, envoyez-moi ces messages")).to_be_visible()


@pytest.mark.usefixtures("templates")
def test_an_operator_goes_from_a_message_to_the_ledger_and_takes_a_receipt(visit: Visit) -> None:
    customer = CustomerFactory.create()
    key: dict[str, Any] = {"customer_id": str(customer.pk), "channel": "email", "category": "reminder"}
    said: dict[str, Any] = {
        "source": "preference_page",
        "actor": "customer",
        "wording": "Rental reminders\nE-mail",
        "locale": "en",
    }
    grant(**key, **said, at=timezone.now() - dt.timedelta(days=2))
    revoke(**key, **said, at=timezone.now())
    row: Notification = queued(customer)
    visitor = visit()
    visitor.sign_in("notifications.view_notification", "consent.view_consentevent")
    visitor.open(f"/admin/notifications/notification/{row.pk}/change/")
    why = visitor.page.get_by_role("region", name="Gates")
    expect(why.get_by_role("row", name="Consent")).to_contain_text("consent.revoked")
    expect(why.get_by_role("row", name="Consent").get_by_role("cell").first).to_contain_text("Withheld")
    visitor.shot("message")
    why.get_by_role("link", name="Consent event").click()
    visitor.page.get_by_role("link", name="Every event of this customer").click()
    expect(visitor.page.get_by_role("region", name="What may be sent")).to_contain_text(
        "the customer switched it off"
    )
    visitor.shot("ledger")
    with visitor.page.expect_download() as waiting:
        visitor.page.get_by_role("link", name="Receipt as text").click()
    assert "Consent receipt" in waiting.value.path().read_text()
    visitor.page.set_viewport_size({"width": 380, "height": 800})
    visitor.open(f"/admin/consent/consentevent/customer/?id={quote(str(customer.pk))}")
    visitor.shot("ledger-narrow")
    assert visitor.fits()


def test_an_event_with_its_long_hashes_fits_a_phone(visit: Visit) -> None:
    key: dict[str, Any] = {"customer_id": "c1", "channel": "sms", "category": "marketing"}
    grant(**key, source="admin", actor="staff:1", at=timezone.now())
    visitor = visit(width=400)
    visitor.sign_in("consent.view_consentevent")
    visitor.open(f"/admin/consent/consentevent/{ConsentEvent.objects.get().pk}/change/")
    expect(visitor.page.get_by_text(re.compile("^[0-9a-f]{64}$"))).to_be_visible()
    assert visitor.fits()
