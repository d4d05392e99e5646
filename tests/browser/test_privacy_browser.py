"""Personal data in a real browser: a recipient revealed with a reason, a customer exported and forgotten."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from notifications.models import DataRequest
from rentals.models import Customer
from tests.browser.conftest import Visitor
from tests.factories import CustomerFactory
from tests.messages import queued
from tests.operators import QUEUE, REVEAL, VIEW

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("templates")]
Visit = Callable[..., Visitor]
REQUESTS = "/admin/notifications/datarequest/"
RIGHTS = tuple(f"notifications.{name}" for name in ("view_datarequest", "export_customer", "erase_customer"))


def test_a_recipient_is_revealed_once_a_reason_is_given(visit: Visit) -> None:
    row = queued(CustomerFactory.create(first_name="Zoé", email="zoe@example.com"))
    olive = visit()
    olive.sign_in(VIEW, REVEAL)
    page = olive.page
    olive.open(f"{QUEUE}{row.pk}/change/")
    expect(page.get_by_text("zoe@example.com")).to_have_count(0)
    page.get_by_role("button", name="Reveal").click()
    olive.shot("1-ask")
    page.get_by_label("Reason").fill("She called: nothing came")
    page.get_by_role("button", name="Reveal").click()
    expect(page.get_by_text("zoe@example.com")).to_be_visible()
    olive.shot("2-revealed")
    page.get_by_role("link", name="Back to the story").click()
    page.get_by_role("link", name="Who acted on it").click()
    expect(page.get_by_text("She called: nothing came")).to_be_visible()


@pytest.mark.parametrize(
    ("width", "dark"), [(1440, False), (1440, True), (400, False)], ids=["light", "dark", "narrow"]
)
def test_a_customer_is_exported_and_then_forgotten(visit: Visit, width: int, dark: bool) -> None:
    customer = CustomerFactory.create(email="zoe@example.com")
    queued(customer)
    olive = visit(width=width, dark=dark)
    olive.sign_in(*RIGHTS)
    page = olive.page
    olive.open(REQUESTS)
    page.get_by_role("link", name="Export or erase a customer").click()
    page.get_by_label("Customer's id").fill(str(customer.pk))
    page.get_by_label("Reason").fill("Asked by letter")
    olive.shot("1-ask")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    assert "zoe@example.com" in download.value.path().read_text()
    page.get_by_role("button", name=re.compile("^Erase")).click()
    expect(page.get_by_text("This would go, for good")).to_be_visible()
    olive.shot("2-what-would-go")
    assert olive.fits()
    assert Customer.objects.get(pk=customer.pk).email == "zoe@example.com"
    page.get_by_role("button", name="Erase for good").click()
    expect(page.get_by_text("Fits the receipt.")).to_be_visible()
    olive.shot("3-receipt")
    assert olive.fits()
    assert Customer.objects.get(pk=customer.pk).email == ""
    olive.open(REQUESTS)
    expect(page.get_by_role("link", name="Export or erase a customer")).to_be_visible()
    olive.shot("4-list")
    assert set(DataRequest.objects.values_list("kind", flat=True)) == {"export", "erasure"}
