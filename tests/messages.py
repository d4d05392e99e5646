"""Messages for tests: in, what a test cares about; out, rows that came in by the one door, or claimed rows."""

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

from notifications.claim import claim
from notifications.enqueue import notify
from notifications.message import Claimed
from notifications.models import Notification, PushSubscription
from notifications.push_subscriptions import subscribe
from rentals.models import Customer
from sandbox import push_keys
from tests.factories import CustomerFactory

PICKUP: Mapping[str, Any] = {
    "booking_number": "B-1001",
    "equipment": "CAT 320 excavator",
    "start_date": "2026-11-24",
    "booking_url": "https://rental.example/bookings/B-1001",
}
LEASE = dt.timedelta(minutes=2)


def queued(customer: Customer | None = None, **arguments: Any) -> Notification:
    """One queued pick-up reminder."""
    customer = customer or CustomerFactory.create()
    values: dict[str, Any] = {"channel": "email", "payload": PICKUP, **arguments}
    result = notify("booking.pickup_today", to=customer.pk, **values)
    receipt = (*result.queued, *result.existing, *result.withheld)[0]
    return Notification.objects.get(pk=receipt.id)


def claimed(channel: str = "email", *, limit: int = 10, lease: dt.timedelta = LEASE) -> list[Claimed]:
    return claim(channel=channel, limit=limit, lease=lease)


def browser(customer: Customer, base_url: str, name: str = "laptop") -> PushSubscription:
    """A browser of the customer at the sandbox's push service."""
    made = push_keys.subscription(f"{customer.pk}:{name}", base_url)
    key = f"customer:{customer.pk}"
    subscribe(
        recipient_key=key, endpoint=made["endpoint"], p256dh=made["keys"]["p256dh"], auth=made["keys"]["auth"]
    )
    return PushSubscription.objects.filter(recipient_key=key).latest("created_at")


def fresh(row: Notification | uuid.UUID) -> Notification:
    return Notification.objects.get(pk=row.pk if isinstance(row, Notification) else row)
