"""Operators see what providers reported: on the list, on the message, on the report, on the suppression; and have it tried again."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from consent.models import Suppression
from notifications.category_stop import stop
from notifications.models import CategoryStop, ProviderEvent, SendingDay
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
def test_a_word_that_is_no_choice_finds_nothing_and_is_named(word: str) -> None:
    row = NotificationFactory.create(status="sent")
    page = operator("notifications.view_notification").get(QUEUE, {"feedback": word})
    assert str(row.pk) not in page.content.decode()
    assert f"knows no “{word}”" in seen(page)


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


# ── Marketing and complaints, on the page of the channels ───────────────────────────────────────────────
CHANNELS = "/admin/notifications/channelstate/"
MAY_SEE, MAY_CHANGE = "notifications.view_channelstate", "notifications.change_channelstate"


def test_the_page_of_the_channels_shows_the_rates_and_what_is_stopped() -> None:
    client = operator(MAY_SEE)
    assert "SendGrid has not reported any delivery yet." in seen(client.get(CHANNELS))
    SendingDay.objects.create(domain="rental.example", day="2026-11-20", delivered=5000, complained=12)
    SendingDay.objects.create(domain="rental.example", day="2026-11-21", delivered=5000, complained=5)
    SendingDay.objects.create(domain="rental.example", day="2026-11-22", delivered=10, complained=1)
    SendingDay.objects.create(domain="rental.example", day="2026-11-23", delivered=10)
    stop(channel="email", category="marketing", reason="12 of 5000 complained", by="postroom")
    page = seen(client.get(CHANNELS))
    assert "2026-11-20 rental.example 5000 12 0.24% Marketing stopped" in page
    assert "2026-11-21 rental.example 5000 5 0.10% High" in page
    assert "2026-11-22 rental.example 10 1 10.00% Too few to say" in page
    assert "2026-11-23 rental.example 10 0 0.00% Fine" in page
    assert "E-mail: marketing stopped" in page
    assert "12 of 5000 complained until somebody resumes it · postroom" in page
    assert "Resume marketing" not in page
    assert "Resume marketing" in seen(operator(MAY_SEE, MAY_CHANGE).get(CHANNELS))


def test_marketing_is_stopped_and_resumed_by_post_with_permission_reason_and_audit_entry() -> None:
    client = operator(MAY_SEE, MAY_CHANGE)
    for verb in ("stop", "resume"):
        url = f"{CHANNELS}sms/marketing/{verb}/"
        assert client.get(url).status_code == 302
        assert operator(MAY_SEE).post(url, {"reason": "x"}).status_code == 403
        assert operator(MAY_CHANGE, csrf=True).post(url, {"reason": "x"}).status_code == 403
        for refused in ("", "call +1 506 555 0123", "ada@example.com"):
            response = client.post(url, {"reason": refused})
            assert response.status_code == 200
            opened = response.content.decode().partition("<details open>")[2]
            assert "autofocus" in opened.partition("</details>")[0]
        before = list(CategoryStop.objects.values_list("lifted_at", flat=True))
        assert client.post(url, {"reason": f"because {verb}"}).status_code == 302
        assert list(CategoryStop.objects.values_list("lifted_at", flat=True)) != before
    found = CategoryStop.objects.get()
    assert (found.channel, found.reason, found.lift_reason) == ("sms", "because stop", "because resume")
    assert found.stopped_by == found.lifted_by
    told = LogEntry.objects.order_by("id").values_list("change_message", flat=True)
    assert list(told) == ["stop marketing: because stop", "resume marketing: because resume"]
    changes = seen(client.get(CHANNELS)).partition("The last changes")[2]
    assert changes.index("Marketing resumed") < changes.index("Marketing stopped")
    assert ": because resume" in changes
    again = client.post(f"{CHANNELS}sms/marketing/resume/", {"reason": "again"}, follow=True)
    assert "Marketing by SMS was not stopped." in seen(again)


@pytest.mark.parametrize("path", ["inapp/marketing/stop/", "fax/marketing/stop/", "email/reminder/stop/"])
def test_what_cannot_be_stopped_has_no_address(path: str) -> None:
    response = operator(MAY_SEE, MAY_CHANGE).post(f"{CHANNELS}{path}", {"reason": "x"})
    assert response.status_code in (302, 404)
    assert not CategoryStop.objects.exists()
