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
    visitor.page.get_by_label("What you did").select_option(label="Answered another way")
    visitor.page.get_by_label("In a few words").fill("Called her back, she keeps them")
    visitor.page.get_by_role("button", name="It is done").dblclick()
    expect(visitor.page.get_by_text("It is done.")).to_be_visible()
    expect(visitor.page.get_by_role("region", name="What is known")).to_contain_text(
        "Answered another way, olive"
    )
    visitor.open("/admin/notifications/inboundtext/?done=no")
    expect(visitor.page.get_by_role("link", name="Unclear")).to_have_count(0)
