"""Messages that ended days ago: in, a state and how many days; out, a saved row of the queue."""

import datetime as dt

from django.utils import timezone

from notifications.models import Notification
from tests.notification_factories import NotificationFactory

DAY = dt.timedelta(days=1)


def finished(status: str, days_ago: int, **fields: object) -> Notification:
    at = timezone.now() - days_ago * DAY
    values = {"status": status, "created_at": at, "scheduled_at": at, "last_attempt_at": at, **fields}
    row: Notification = NotificationFactory.create(**values)
    if status == "cancelled" and "metadata" not in fields:
        row.metadata["withheld"]["at"] = at.isoformat()
        Notification.objects.filter(pk=row.pk).update(metadata=row.metadata)
    return row
