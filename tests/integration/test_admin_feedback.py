"""Operators see what providers reported: on the list, on the message, on the report, on the suppression; and have it tried again."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from consent.models import Suppression
from notifications.models import ProviderEvent
from notifications.webhooks.apply import TRIES, apply_waiting
from tests.notification_factories import NotificationFactory, ProviderEventFactory
from tests.operators import QUEUE, operator, seen

pytestmark = pytest.mark.django_db
EVENTS = "/admin/notifications/providerevent/"
VIEW, CHANGE = "notifications.view_providerevent", "notifications.change_providerevent"


def stuck() -> ProviderEvent:
    event: ProviderEvent = ProviderEventFactory.create(attempts=TRIES, error="KeyError in draw")
    return event


def test_the_list_shows_how_far_each_message_got_and_finds_the_trouble() -> None:
    rows = {
        word: NotificationFactory.create(status="sent")
        for word in ("delivered", "bounced", "complained", "dropped")
    }
    for word, row in rows.items():
        ProviderEventFactory.create(event_type=word, notification_id=row.pk)
    NotificationFactory.create(status="sent")
    apply_waiting()
    client = operator("notifications.view_notification")
    page = seen(client.get(QUEUE))
    for label in ("Delivered", "Bounced", "Complained", "Dropped"):
        assert f"Sent {label}" in page
    for word, row in rows.items():
        text = client.get(f"{QUEUE}?feedback={word}").content.decode()
        assert str(row.pk) in text
        assert not [other for other in rows.values() if other != row and str(other.pk) in text]


def test_a_bounce_that_was_overtaken_by_a_complaint_is_found_as_the_complaint() -> None:
    row = NotificationFactory.create(status="sent")
    for word in ("bounced", "complained"):
        ProviderEventFactory.create(event_type=word, notification_id=row.pk)
    apply_waiting()
    client = operator("notifications.view_notification")
    assert str(row.pk) in client.get(f"{QUEUE}?feedback=complained").content.decode()
    assert str(row.pk) not in client.get(f"{QUEUE}?feedback=bounced").content.decode()


@pytest.mark.parametrize("word", ["opened", "nonsense", "'; --"])
def test_a_word_that_is_no_choice_filters_nothing(word: str) -> None:
    client = operator("notifications.view_notification")
    assert client.get(QUEUE, {"feedback": word}).status_code == 200


def test_the_page_of_a_message_says_what_the_provider_reports() -> None:
    row = NotificationFactory.create(status="sent")
    assert "By the provider –" in seen(
        operator("notifications.view_notification").get(f"{QUEUE}{row.pk}/change/")
    )
    ProviderEventFactory.create(notification_id=row.pk)
    apply_waiting()
    page = seen(operator("notifications.view_notification").get(f"{QUEUE}{row.pk}/change/"))
    assert "By the provider Delivered" in page


def test_a_report_says_what_it_means_and_what_followed() -> None:
    event = ProviderEventFactory.create(
        event_type="complained", code="spamreport", address_hmac="a" * 64, address_hint="a•••@e•••.com"
    )
    apply_waiting()
    page = seen(operator(VIEW).get(f"{EVENTS}{event.pk}/change/"))
    assert "The reader reported the message as spam. So the address is suppressed (complaint)." in page


def test_what_is_stuck_is_found_and_tried_again_by_post_with_permission_and_an_audit_entry() -> None:
    event, fine = stuck(), ProviderEventFactory.create(applied_at=timezone.now(), outcome="noted")
    text = operator(VIEW).get(f"{EVENTS}?standing=stuck").content.decode()
    assert f"{EVENTS}{event.pk}/change/" in text
    assert f"{EVENTS}{fine.pk}/change/" not in text
    form: dict[str, Any] = {"action": "again", "_selected_action": [event.pk, fine.pk]}
    operator(VIEW).post(EVENTS, form)
    assert ProviderEvent.objects.get(pk=event.pk).attempts == TRIES
    client = operator(VIEW, CHANGE)
    client.get(EVENTS, form)
    assert ProviderEvent.objects.get(pk=event.pk).attempts == TRIES
    assert client.post(EVENTS, form).status_code == 302
    assert ProviderEvent.objects.get(pk=event.pk).attempts == 0
    assert ProviderEvent.objects.get(pk=fine.pk).outcome == "noted"
    (entry,) = LogEntry.objects.all()
    assert (entry.object_id, entry.change_message) == (str(event.pk), "try to apply again")
    assert apply_waiting().done == 1


def test_a_suppression_leads_to_the_report_that_asked_for_it() -> None:
    event = ProviderEventFactory.create(
        event_type="bounced", code="bounce", address_hmac="a" * 64, address_hint="a•••@e•••.com"
    )
    apply_waiting()
    found = Suppression.objects.get()
    url = f"/admin/consent/suppression/{found.pk}/change/"
    assert (
        f'href="{EVENTS}{event.pk}/change/"' in operator("consent.view_suppression").get(url).content.decode()
    )
    by_hand = Suppression.objects.create(
        channel="email", address_hmac="b" * 64, address_hint="b", reason="manual"
    )
    page = seen(operator("consent.view_suppression").get(f"/admin/consent/suppression/{by_hand.pk}/change/"))
    assert "no report of a provider" in page
