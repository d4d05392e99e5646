"""A complaint spike in a real browser: see why marketing stands still, find the messages, resume it with a reason."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from notifications.category_stop import stop
from notifications.models import CategoryStop, SendingDay
from notifications.webhooks.apply import apply_waiting
from tests.browser.conftest import Visitor
from tests.notification_factories import NotificationFactory, ProviderEventFactory

pytestmark = pytest.mark.django_db(transaction=True)
MAY = (
    "notifications.view_channelstate", "notifications.change_channelstate", "notifications.view_notification",
    "notifications.view_providerevent",
)  # fmt: skip


def a_spike() -> None:
    SendingDay.objects.create(domain="rental.example", day="2026-11-20", delivered=5000, complained=12)
    SendingDay.objects.create(domain="rental.example", day="2026-11-19", delivered=5100, complained=5)
    SendingDay.objects.create(domain="rental.example", day="2026-11-18", delivered=4900, complained=1)
    stop(
        channel="email",
        category="marketing",
        reason="12 of 5000 e-mails that rental.example sent on 2026-11-20 were reported as spam (0.24%; the limit is 0.20%).",
        by="postroom",
    )
    for word in ("delivered", "complained", "bounced"):
        row = NotificationFactory.create(status="sent", category="marketing")
        ProviderEventFactory.create(event_type=word, notification_id=row.pk, code="deferred")
    apply_waiting()


def test_from_the_stop_to_the_messages_and_back(visit: Callable[..., Visitor]) -> None:
    a_spike()
    olive = visit()
    page = olive.page
    olive.sign_in(*MAY)
    olive.open("/admin/notifications/channelstate/")
    card = page.get_by_role("region", name="Marketing and complaints")
    expect(card).to_contain_text("E-mail: marketing stopped")
    expect(card.get_by_role("row", name="2026-11-20")).to_contain_text("0.24%")
    olive.shot("1-channels")

    olive.open("/admin/notifications/notification/?feedback=complained")
    expect(page.get_by_role("row", name="inline text").get_by_text("Complained")).to_be_visible()
    olive.shot("2-complained")

    olive.open("/admin/notifications/channelstate/")
    card.get_by_text("Resume marketing…").click()
    card.get_by_label("Reason").first.fill("A list that nobody had agreed to; removed")
    olive.shot("3-reason")
    card.get_by_role("button", name="Resume marketing").click()
    expect(page.get_by_text("Marketing by E-mail goes out again")).to_be_visible()
    assert CategoryStop.objects.get().lift_reason == "A list that nobody had agreed to; removed"


@pytest.mark.parametrize(("width", "dark"), [(400, False), (400, True), (1440, True)])
def test_the_pages_fit_narrow_and_dark(width: int, dark: bool, visit: Callable[..., Visitor]) -> None:
    a_spike()
    olive = visit(width=width, dark=dark)
    olive.sign_in(*MAY)
    for name, path in (
        ("channels", "channelstate/"),
        ("queue", "notification/"),
        ("reports", "providerevent/"),
    ):
        olive.open(f"/admin/notifications/{path}")
        olive.shot(name)
        assert olive.fits(), name
