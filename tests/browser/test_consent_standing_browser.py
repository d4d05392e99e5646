"""«May we write to her, and why not?» at the counter: found by address, read at a glance, a decision by phone, a lift by one of two."""

from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from consent.preferences import current, grant
from consent.suppress import suppress
from tests.browser.accessibility import serious_faults
from tests.browser.conftest import Visitor
from tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db(transaction=True)
READ, KNOW = "consent.view_consentevent", "consent.view_customerconsent"
DECIDE, SEE, LIFT = "consent.change_customerconsent", "consent.view_suppression", "consent.change_suppression"


def test_a_customer_is_found_by_address_and_a_decision_is_recorded(visit: Callable[..., Visitor]) -> None:
    customer = CustomerFactory.create(email="anna.smith@example.com")
    grant(
        customer_id=str(customer.pk), channel="email", category="marketing", source="preference_page", actor="customer",
        at=timezone.now(), wording="Send me offers.", locale="en",
    )  # fmt: skip
    suppress(channel="email", address="anna.smith@example.com", reason="complaint", scope="marketing")
    olive = visit()
    page = olive.page
    olive.sign_in(READ, KNOW, DECIDE, SEE)
    olive.open("/admin/consent/consentevent/")
    page.get_by_label("Find a customer").fill("anna.smith@example.com")
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_role("region", name="What may be sent")).to_contain_text(
        "the address is suppressed: Complaint"
    )
    assert "anna" not in page.url
    assert serious_faults(page) == []
    olive.shot("1-standing")

    row = page.get_by_role("row", name="Reminder")
    row.get_by_role("link", name="Change…").nth(1).click()
    page.get_by_label("How the customer said it").select_option(label="By telephone")
    page.get_by_label("Reason").fill("Called the counter")
    page.get_by_role("button", name="Save").click()
    assert not current(str(customer.pk))["sms", "reminder"].enabled
    olive.open(f"/admin/consent/consentevent/customer/?id={customer.pk}")
    expect(page.get_by_role("region", name="How it came to this")).to_contain_text("how: phone")
    olive.shot("2-timeline")


def test_who_may_only_read_changes_nothing_and_two_lift_once(visit: Callable[..., Visitor]) -> None:
    customer = CustomerFactory.create(phone="+15065550123")
    row = suppress(channel="sms", address="+15065550123", reason="opted_out", scope="all")
    reader, olive, peter = visit(), visit(), visit()
    reader.sign_in(READ, name="rita")
    reader.open(f"/admin/consent/consentevent/customer/?id={customer.pk}")
    expect(reader.page.get_by_role("link", name="Change…")).to_have_count(0)
    for visitor, name in ((olive, "olive"), (peter, "peter")):
        visitor.sign_in(SEE, LIFT, name=name)
        visitor.open(f"/admin/consent/suppression/{row.pk}/lift/")
        visitor.page.get_by_label("Reason").fill(f"{name} spoke with the customer")
    expect(olive.page.get_by_text("Twilio’s own block stays")).to_be_visible()
    assert serious_faults(olive.page) == []
    olive.shot("1-lift")
    olive.page.get_by_role("button", name="Lift the suppression").dblclick()
    expect(
        olive.page.get_by_text("may be written to again")
        .or_(olive.page.get_by_text("is lifted already"))
        .first
    ).to_be_visible()
    peter.page.get_by_role("button", name="Lift the suppression").click()
    expect(peter.page.get_by_text("It is lifted already")).to_be_visible()
    row.refresh_from_db()
    assert row.lift_reason == "olive spoke with the customer"


@pytest.mark.parametrize(("width", "dark"), [(400, False), (400, True), (1440, True)])
def test_the_page_fits(visit: Callable[..., Visitor], width: int, dark: bool) -> None:
    customer = CustomerFactory.create()
    grant(
        customer_id=str(customer.pk),
        channel="sms",
        category="reminder",
        source="admin",
        actor="staff:1",
        at=timezone.now(),
    )
    olive = visit(width=width, dark=dark)
    olive.sign_in(READ, DECIDE)
    olive.open(f"/admin/consent/consentevent/customer/?id={customer.pk}")
    assert olive.fits()
    assert serious_faults(olive.page) == []
    olive.shot(f"consent-{width}-{'dark' if dark else 'light'}")
