"""One row of everything that the admin shows, with a word in it that must not get out: in, a test database; out, the rows."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.utils import timezone
from django_q.models import Schedule, Task

from consent.models import ConsentEvent, CustomerConsent, Suppression
from jobs.models import JobRun
from notifications.models import ChannelState
from tests.factories import BookingFactory, CustomerFactory
from tests.notification_factories import (
    DeliveryAttemptFactory,
    InboxItemFactory,
    NotificationFactory,
    ProviderEventFactory,
    PushSubscriptionFactory,
)

SECRET = "quokka"


def make_every_row() -> dict[type[Model], Model]:
    """A row of each model of the admin. Needs the fixture `templates`, which brings those of `templates_app`."""
    now = timezone.now()
    customer = CustomerFactory.create(last_name=SECRET, email=f"{SECRET}@example.com")
    said: dict[str, Any] = {
        "customer_id": SECRET,
        "channel": "email",
        "category": "marketing",
        "source": "admin",
    }
    notification = NotificationFactory.create(
        status="failed",
        error=f"500: {SECRET}",
        payload={"amount": SECRET},
        to={"customer_id": str(customer.pk)},
    )
    rows: list[Model] = [
        notification,
        User.objects.create_user(f"{SECRET}-user", email=f"{SECRET}@staff.example"),
        Group.objects.create(name=f"{SECRET}-group"),
        customer,
        BookingFactory.create(customer=customer, booking_number=f"B-{SECRET}"),
        CustomerConsent.objects.create(**said, enabled=True, granted_at=now),
        ConsentEvent.objects.create(
            **said, action="granted", actor="staff:1", wording=SECRET, occurred_at=now
        ),
        Suppression.objects.create(
            address_hmac=SECRET, address_hint=f"{SECRET}•••", channel="email", reason="manual", note=SECRET
        ),
        ChannelState.objects.create(channel="email", paused_until=now.replace(year=2099), reason=SECRET),
        DeliveryAttemptFactory.create(notification=notification, error=SECRET),
        ProviderEventFactory.create(
            notification_id=notification.pk, event_type=SECRET, detail={"why": SECRET}
        ),
        InboxItemFactory.create(title=SECRET, message=SECRET),
        PushSubscriptionFactory.create(recipient_key=f"customer:{SECRET}"),
        JobRun.objects.create(
            job_name=SECRET,
            moment=now,
            started_at=now,
            finished_at=now,
            status="failed",
            error_message=SECRET,
            trigger="command",
            lease_until=now,
        ),
        Schedule.objects.create(name=SECRET, func="math.floor"),
        Task.objects.create(
            id=SECRET, name=SECRET, func="math.floor", started=now, stopped=now, success=False, result=SECRET
        ),
    ]
    found = {model: next((row for row in rows if type(row) is model), None) for model in admin.site._registry}
    complete = {model: row or model._default_manager.first() for model, row in found.items()}
    missing = [model._meta.label for model, row in complete.items() if row is None]
    assert not missing, f"the walk needs a row of {', '.join(missing)}: make one in tests/every_row.py"
    return {model: row for model, row in complete.items() if row is not None}
