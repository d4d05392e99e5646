"""An operator looks for a customer by address: they are found, and the page's URL names nobody."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (400, True)])
def test_a_customer_is_found_by_address_and_the_url_holds_an_id(
    visit: Callable[..., Any], width: int, dark: bool
) -> None:
    zoe = CustomerFactory.create(last_name="Haché", email="zoe@example.com")
    CustomerFactory.create(last_name="Landry")
    visitor = visit(width=width, dark=dark)
    visitor.sign_in("rentals.view_customer")
    visitor.open("/admin/rentals/customer/")
    box = visitor.page.get_by_placeholder("E-mail, phone")
    box.fill("zoe@example.com")
    box.press("Enter")
    expect(visitor.page.get_by_text("Landry")).to_have_count(0)
    expect(visitor.page.get_by_role("link", name="Haché")).to_be_visible()
    assert visitor.page.url.endswith(f"/admin/rentals/customer/?q={zoe.pk}")
    assert visitor.fits()
    visitor.shot("found")
    visitor.page.get_by_role("link", name="Clear", exact=True).click()
    expect(visitor.page.get_by_text("Landry")).to_be_visible()
