"""An operator looks at what customers texted us, on a wide and a small screen, in the light and in the dark."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import expect

from tests.webhooks import twilio_post

pytestmark = pytest.mark.django_db(transaction=True)
VIEW, READ = "notifications.view_inboundtext", "notifications.read_inboundtext"


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (400, True)])
def test_an_unclear_text_is_found_and_read_with_a_reason(
    visit: Callable[..., Any], width: int, dark: bool
) -> None:
    for number, body in enumerate(("STOP", "stop texting me at night", "aide")):
        form = {"MessageSid": f"SM{number}", "From": "+15065550142", "Body": body}
        assert twilio_post(Client(), "/webhooks/twilio/inbound/", form).status_code == 200
    visitor = visit(width=width, dark=dark)
    visitor.sign_in(VIEW, READ)
    visitor.open("/admin/notifications/inboundtext/")
    visitor.shot("list")
    visitor.page.get_by_role("link", name="Unclear").first.click()
    expect(visitor.page.get_by_text("A text from a customer")).to_be_visible()
    visitor.page.get_by_label("Reason").fill("It was unclear")
    visitor.shot("ask")
    visitor.page.get_by_role("button", name="Read the words").click()
    expect(visitor.page.get_by_text("stop texting me at night")).to_be_visible()
    assert visitor.fits()
    visitor.shot("read")
