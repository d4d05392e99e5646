"""A message that has left the queue is still found by its id: on its page, by the API, on the command line."""

import datetime as dt
import json
import time
import uuid
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from consent.addresses import blind_index
from consent.models import Suppression
from notifications.candidate import Candidate
from notifications.frequency import under_cap
from notifications.models import Notification, NotificationHistory, ProviderEvent
from notifications.move import move_ended
from notifications.retention import Retention
from notifications.webhooks.apply import apply_waiting
from tests.ended import finished
from tests.integration.api_client import program
from tests.notification_factories import DeliveryAttemptFactory, NotificationFactory, ProviderEventFactory
from tests.operators import CANCEL, QUEUE, READ, REPLAY, REVEAL, VIEW, operator, seen

pytestmark = pytest.mark.django_db
URL = "/api/admin/notifications"


def moved(row: Notification) -> Notification:
    """Moved, in the test's own transaction."""
    assert move_ended(Retention(), now=timezone.now(), until=time.monotonic() + 20).messages
    assert not Notification.objects.filter(pk=row.pk).exists()
    return row


def failed_message() -> Notification:
    row = finished(
        "failed", 8, error="550: no such box", to={"customer_id": "C-7"}, recipient_key="customer:C-7",
        idempotency_key="job:17",
    )  # fmt: skip
    DeliveryAttemptFactory.create(
        notification=row, provider_code="550", outcome="permanent", error="no such box"
    )
    ProviderEventFactory.create(notification_id=row.pk, event_type="bounced")
    return row


def test_its_page_shows_what_is_left_and_offers_nothing() -> None:
    row = moved(failed_message())
    text = seen(operator(VIEW, READ, REPLAY, CANCEL, REVEAL).get(f"{QUEUE}{row.pk}/change/"))
    assert "In the history since" in text
    assert "Attempt 1 through sendgrid" in text
    assert "bounced" in text
    assert "job:17" in text
    assert "C-7" not in text
    for offer in ("Read the message", "Replay", "Reveal"):
        assert offer not in text


def test_its_body_is_gone_and_the_log_of_who_acted_on_it_stays() -> None:
    row = moved(failed_message())
    client = operator("*")
    assert client.get(f"{QUEUE}{row.pk}/body/").status_code == 404
    assert client.get(f"{QUEUE}{row.pk}/history/").status_code == 200


def test_parent_and_child_find_each_other_on_either_side() -> None:
    parent = finished("sent", 8)
    child = NotificationFactory.create(parent=parent)
    moved(parent)
    client = operator(VIEW)
    assert str(child.pk) in client.get(f"{QUEUE}{parent.pk}/change/").content.decode()
    assert str(parent.pk) in client.get(f"{QUEUE}{child.pk}/change/").content.decode()
    old, again = finished("sent", 9), finished("sent", 8)
    Notification.objects.filter(pk=again.pk).update(parent_id=old.pk)
    moved(old)
    assert str(again.pk) in client.get(f"{QUEUE}{old.pk}/change/").content.decode()


def test_the_api_answers_with_what_is_left(settings: Any) -> None:
    row = moved(failed_message())
    data = program(settings).get(f"{URL}/{row.pk}").json()["data"]
    assert (data["status"], data["error"], data["attempts"]) == ("failed", "550: no such box", 1)
    assert data["recipient"] == "somebody no longer on record"
    assert dt.datetime.fromisoformat(data["in_history_since"]) <= timezone.now()
    assert any("Attempt 1 through sendgrid" in event["text"] for event in data["timeline"])
    live = NotificationFactory.create()
    assert program(settings).get(f"{URL}/{live.pk}").json()["data"]["in_history_since"] is None


def test_a_report_that_comes_late_is_kept_with_it_and_still_suppresses_the_address() -> None:
    row = moved(finished("sent", 8))
    hashed = blind_index("email", "ada@example.com")
    for word, code in (("complained", "spamreport"), ("delivered", "delivered")):
        report = {"event_type": word, "code": code, "address_hmac": hashed, "address_hint": "a•••@e•••.com"}
        event = ProviderEventFactory.create(notification_id=row.pk, **report)
        assert apply_waiting().done == 1
        if word == "complained":
            assert ProviderEvent.objects.get(pk=event.pk).outcome == "suppressed:complaint noted_late"
    assert NotificationHistory.objects.get(pk=row.pk).feedback == "complained"
    assert Suppression.objects.get().address_hmac == hashed


def test_the_command_line_explains_it() -> None:
    row = moved(failed_message())
    out = StringIO()
    call_command("explain_notification", str(row.pk), "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert (told["status"], told["in_history"]) == ("failed", True)
    assert "its recipient and its text are gone" in told["story"][-1]["text"]
    with pytest.raises(CommandError, match="nor was there one that the history remembers"):
        call_command("explain_notification", str(uuid.uuid4()), stdout=out)


def test_the_frequency_cap_counts_what_has_moved_and_once_what_is_in_both_places() -> None:
    def asked() -> dict[uuid.UUID, Any]:
        reader = Candidate(
            uuid.uuid4(), "email", "marketing", "customer:C-7", None, timezone.now(), None, template="",
            payload={}, metadata={},
        )  # fmt: skip
        return under_cap([reader], now=timezone.now())

    person = {"category": "marketing", "recipient_key": "customer:C-7"}
    for days in (9, 12, 20):
        finished("sent", days, **person)
    finished("sent", 9, category="marketing", recipient_key="customer:other")
    finished("sent", 9, channel="inapp", **person)
    finished("failed", 9, **person)
    move_ended(Retention(), now=timezone.now(), until=time.monotonic() + 20)
    assert not Notification.objects.exists()
    assert asked() == {}  # three of four in thirty days
    last = finished("sent", 8, **person)
    assert [decision.rule for decision in asked().values()] == ["frequency_cap"]
    moved(last)
    assert [decision.rule for decision in asked().values()] == ["frequency_cap"]


def test_a_message_in_both_places_counts_once_for_the_cap() -> None:
    from notifications.archive import copy
    from notifications.retention import ended

    for days in (8, 9, 10):
        finished("sent", days, category="marketing", recipient_key="customer:C-7")
    copy(ended("sent", Retention(), now=timezone.now(), limit=10))
    reader = Candidate(
        uuid.uuid4(), "email", "marketing", "customer:C-7", None, timezone.now(), None, template="", payload={},
        metadata={},
    )  # fmt: skip
    assert under_cap([reader], now=timezone.now()) == {}
