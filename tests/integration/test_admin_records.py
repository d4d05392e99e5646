"""Inbox items, attempts, provider events and push subscriptions in the admin: to read, and without anybody's address."""

import pytest
from django.contrib.admin.models import LogEntry

from notifications.models import InboxItem, PushSubscription
from tests.notification_factories import (
    DeliveryAttemptFactory,
    InboxItemFactory,
    NotificationFactory,
    ProviderEventFactory,
    PushSubscriptionFactory,
)
from tests.operators import QUEUE, READ, operator, seen

pytestmark = pytest.mark.django_db
BASE = "/admin/notifications"


def test_an_inbox_item_shows_its_words_to_readers_of_bodies_only_and_keeps_who_looked() -> None:
    item = InboxItemFactory.create(notification=NotificationFactory.create(channel="inapp", status="sent"))
    page = f"{BASE}/inboxitem/{item.pk}/change/"
    viewer, reader = operator("notifications.view_inboxitem"), operator("notifications.view_inboxitem", READ)
    for words in ("Hello Marie", "Your excavator"):
        assert words not in seen(viewer.get(page))
        assert words not in seen(viewer.get(f"{BASE}/inboxitem/"))
        assert words not in seen(reader.get(f"{BASE}/inboxitem/"))
    assert not LogEntry.objects.exists()
    assert "Hello Marie, it waits for you." in seen(reader.get(page))
    [entry] = LogEntry.objects.all()
    assert (entry.object_id, entry.change_message) == (str(item.pk), "read the text of the inbox item")


@pytest.mark.parametrize("guess", ["message__startswith=H", "title__icontains=ex", "user_id__startswith=c"])
def test_nobody_guesses_an_inbox_items_words_by_filtering(guess: str) -> None:
    InboxItemFactory.create()
    assert operator("notifications.view_inboxitem").get(f"{BASE}/inboxitem/?{guess}").status_code == 400


def test_attempts_lead_to_their_message() -> None:
    attempt = DeliveryAttemptFactory.create()
    client = operator("notifications.view_deliveryattempt")
    response = client.get(f"{BASE}/deliveryattempt/")
    assert "Transient failure" in seen(response)
    assert "120 ms" in seen(response)
    assert f'href="{QUEUE}{attempt.notification_id}/change/"' in response.content.decode()
    assert "The provider is down." in seen(client.get(f"{BASE}/deliveryattempt/{attempt.pk}/change/"))


def test_a_provider_event_is_shown_without_addresses() -> None:
    event = ProviderEventFactory.create(
        detail={"email": "marie@example.com", "To": "+15065550123", "status": "250"}
    )
    client = operator("notifications.view_providerevent")
    assert "Delivered" in seen(client.get(f"{BASE}/providerevent/"))
    page = seen(client.get(f"{BASE}/providerevent/{event.pk}/change/"))
    assert '"status": "250"' in page
    assert "marie" not in page
    assert "555" not in page


def test_a_push_subscription_keeps_its_endpoint_sealed() -> None:
    browser = PushSubscriptionFactory.create(sealed="gAAAA-very-secret")
    client = operator("notifications.view_pushsubscription")
    for page in (f"{BASE}/pushsubscription/", f"{BASE}/pushsubscription/{browser.pk}/change/"):
        text = client.get(page).content.decode()
        assert "https://push.example" in text
        assert "secret" not in text
    assert client.get(f"{BASE}/pushsubscription/?sealed__startswith=g").status_code == 400


def test_nobody_changes_any_of_them_by_hand() -> None:
    item, browser = InboxItemFactory.create(), PushSubscriptionFactory.create()
    attempt, event = DeliveryAttemptFactory.create(), ProviderEventFactory.create()
    rows = {
        "inboxitem": item,
        "pushsubscription": browser,
        "deliveryattempt": attempt,
        "providerevent": event,
    }
    client = operator("*")
    for model, row in rows.items():
        for path in (f"{row.pk}/change/", f"{row.pk}/delete/", "add/"):
            assert client.post(f"{BASE}/{model}/{path}", {"post": "yes", "title": "x"}).status_code == 403, (
                path
            )
    assert (InboxItem.objects.count(), PushSubscription.objects.count()) == (1, 1)


def test_an_empty_list_blames_the_filter() -> None:
    client = operator("*")
    page = seen(client.get(f"{BASE}/deliveryattempt/?outcome=sent"))
    assert "Nothing matches There may be delivery attempts that these filters leave out." in page
