"""An operator looks for a message of two weeks ago, on a wide and a small screen, in the light and in the dark."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from notifications.move import move_ended
from notifications.retention import Retention
from tests.ended import finished
from tests.notification_factories import DeliveryAttemptFactory
from tests.operators import VIEW

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (400, True)])
def test_a_past_message_is_found_from_the_queue_and_told_without_its_recipient(
    visit: Callable[..., Any], width: int, dark: bool
) -> None:
    row = finished("failed", 14, error="550: no such box", idempotency_key="job:17")
    DeliveryAttemptFactory.create(notification=row, provider_code="550", error="no such box")
    finished("cancelled", 9, last_attempt_at=None)
    finished("sent", 8)
    move_ended(Retention(), now=timezone.now(), until=time.monotonic() + 20)
    visitor = visit(width=width, dark=dark)
    visitor.sign_in(VIEW, "notifications.view_notificationhistory")
    visitor.open("/admin/notifications/notificationhistory/")
    visitor.shot("list")
    visitor.open("/admin/notifications/notification/")
    visitor.page.get_by_placeholder("Id, key").fill("job:17")
    visitor.page.get_by_role("button", name="Search", exact=True).click()
    visitor.shot("hint")
    visitor.page.get_by_role("link", name="Past messages match this search too.").click()
    visitor.page.get_by_role("link", name="inline text").click()
    expect(visitor.page.get_by_text("In the history since", exact=True)).to_be_visible()
    assert visitor.fits()
    visitor.shot("message")
