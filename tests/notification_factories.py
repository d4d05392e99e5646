"""Queue rows for tests in any state, without sending anything: in, a status; out, a saved row that keeps every CHECK.

For what a row looks like after the real street, use `tests.messages.queued` and drain; these are for pages and lists.
"""

import datetime as dt
import uuid
from typing import Any

from django.utils import timezone
from factory.declarations import LazyAttribute, LazyFunction, Sequence, SubFactory
from factory.django import DjangoModelFactory

from consent.addresses import blind_index, hint
from consent.sealed import seal
from notifications.models import DeliveryAttempt, InboxItem, Notification, ProviderEvent, PushSubscription
from notifications.reach import recipient_key


def sealed(address: str, name: str = "") -> dict[str, Any]:
    """A `to` value for an address that belongs to nobody we know."""
    channel = "email" if "@" in address else "sms"
    return {
        "address": {
            "channel": channel,
            "sealed": seal(f'{{"value": "{address}", "name": "{name}"}}'),
            "index": blind_index(channel, address),
            "hint": hint(channel, address),
            "locale": "en",
        }
    }


class NotificationFactory(DjangoModelFactory[Notification]):
    """An inline e-mail. `rule` is what withheld a cancelled one."""

    class Meta:
        model = Notification

    class Params:
        rule = "consent.revoked"

    channel = "email"
    category = "transactional"
    to = LazyFunction(lambda: {"customer_id": str(uuid.uuid4())})
    recipient_key = LazyAttribute(lambda row: recipient_key(row.to))
    subject = "Your invoice"
    status = "queued"
    scheduled_at = LazyFunction(timezone.now)
    attempts = LazyAttribute(lambda row: 1 if row.status in ("processing", "sent", "failed") else 0)
    last_attempt_at = LazyAttribute(lambda row: row.scheduled_at if row.attempts else None)
    error = LazyAttribute(lambda row: "500: The provider is down." if row.status == "failed" else None)
    lease_token = LazyAttribute(lambda row: uuid.uuid4() if row.status == "processing" else None)
    lease_until = LazyAttribute(
        lambda row: timezone.now() + dt.timedelta(minutes=2) if row.status == "processing" else None
    )
    metadata = LazyAttribute(lambda row: _metadata(row.status, row.rule))


class DeliveryAttemptFactory(DjangoModelFactory[DeliveryAttempt]):
    class Meta:
        model = DeliveryAttempt

    notification = SubFactory(NotificationFactory, status="failed")
    number = 1
    provider = "sendgrid"
    outcome = "transient"
    provider_code = "500"
    error = "The provider is down."
    started_at = LazyFunction(timezone.now)
    finished_at = LazyAttribute(lambda attempt: attempt.started_at + dt.timedelta(milliseconds=120))


class ProviderEventFactory(DjangoModelFactory[ProviderEvent]):
    class Meta:
        model = ProviderEvent

    provider = "sendgrid"
    event_id = Sequence(lambda n: f"event-{n}")
    event_type = "delivered"
    occurred_at = LazyFunction(timezone.now)


class InboxItemFactory(DjangoModelFactory[InboxItem]):
    class Meta:
        model = InboxItem

    user_id = "customer:7"
    category = "reminder"
    title = "Your excavator is ready"
    message = "Hello Marie, it waits for you."


class PushSubscriptionFactory(DjangoModelFactory[PushSubscription]):
    class Meta:
        model = PushSubscription

    recipient_key = "customer:7"
    endpoint_sha256 = Sequence(lambda n: f"{n:064x}")
    endpoint_origin = "https://push.example"
    sealed = "sealed"


def _metadata(status: str, rule: str) -> dict[str, Any]:
    at = timezone.now().isoformat()
    metadata: dict[str, Any] = {
        "origin": {"job": "booking_reminders"},
        "body": "Hello, please pay {{amount}}.",
    }
    if status == "sent":
        metadata |= {"sent_at": at, "provider_reference": "msg-1"}
    if status == "cancelled":
        metadata["withheld"] = {"stage": "enqueue", "rule": rule, "reason": "Switched off here.", "at": at}
    else:
        metadata["decision"] = {
            "stage": "enqueue",
            "rule": "consent.not_needed",
            "reason": "None needed.",
            "at": at,
        }
    return metadata
