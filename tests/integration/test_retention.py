"""What may be deleted: only what was finished before the moment, oldest first, a batch at a time."""

import datetime as dt

import pytest
from django.utils import timezone

from notifications.models import Notification
from notifications.retention import finished_before
from tests.notification_factories import NotificationFactory

pytestmark = pytest.mark.django_db
NOW = timezone.now()
DAY = dt.timedelta(days=1)


def finished(status: str, days_ago: int, **fields: object) -> Notification:
    at = NOW - days_ago * DAY
    values = {"status": status, "created_at": at, "scheduled_at": at, "last_attempt_at": at, **fields}
    row: Notification = NotificationFactory.create(**values)
    if status == "cancelled" and "metadata" not in fields:
        row.metadata["withheld"]["at"] = at.isoformat()
        Notification.objects.filter(pk=row.pk).update(metadata=row.metadata)
    return row


def test_each_ended_state_oldest_first_and_never_more_than_asked_for() -> None:
    rows = [
        finished("sent", 9), finished("cancelled", 8, last_attempt_at=None), finished("failed", 7), finished("sent", 6)
    ]  # fmt: skip
    ids = [row.pk for row in rows]
    assert finished_before(NOW - 5 * DAY, 10) == ids
    assert finished_before(NOW - 5 * DAY, 3) == ids[:3]


def test_what_is_younger_or_not_finished_stays() -> None:
    finished("sent", 5)
    finished("queued", 9, attempts=0, last_attempt_at=None)
    finished("processing", 9)
    assert finished_before(NOW - 5 * DAY, 10) == []


def test_what_was_due_long_ago_and_finished_lately_stays() -> None:
    finished("sent", 9, last_attempt_at=NOW - DAY)
    finished("failed", 9, last_attempt_at=NOW - DAY)
    finished("sent", 9, created_at=NOW - DAY)  # a job's simulated moment
    withheld = {"stage": "operator", "rule": "cancelled", "reason": "No.", "at": (NOW - DAY).isoformat()}
    finished("cancelled", 9, last_attempt_at=None, metadata={"withheld": withheld})
    assert finished_before(NOW - 5 * DAY, 10) == []
