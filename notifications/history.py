"""Read the history: in, an id or a recipient; out, what is left of their messages, in the shape of a row of the queue.

So the message's page, the API and `explain_notification` tell of both alike; a message of the history says so (`kept`).
"""

import datetime as dt
import hmac
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection
from django.utils.dateparse import parse_duration

from consent.field_keys import index_key
from notifications.models import DeliveryAttempt, Notification, NotificationHistory
from notifications.models.kept import Kept
from templates_app.models import NotificationTemplate

# Keys hold ids, and at times the recipient's own: those go too. No hash of them stays, which whoever has a list of ids could
# try them on, and which would be taken when the same key is used, and erased, once more.
FORGET = """
UPDATE notification_history
SET recipient_index = NULL, idempotency_key = CASE WHEN strpos(idempotency_key, %s) > 0
    THEN 'erased:' || id ELSE idempotency_key END
WHERE recipient_index = %s
"""


def recipient_index(recipient_key: str) -> str:
    """The hex HMAC-SHA256 of `customer:<id>`, `staff:<id>` or `address:<…>`: the same for the same recipient, and
    nobody's name without our key."""
    return hmac.digest(index_key(), f"recipient:{recipient_key}".encode(), "sha256").hex()


def find(pk: uuid.UUID) -> Notification | None:
    """The message of that id, from the queue or else from the history (then it has `kept`, and no recipient or text)."""
    live = Notification.objects.select_related("template", "template_version")
    row = live.prefetch_related("delivery_attempts").filter(pk=pk).first()
    if row is not None:
        return row
    past = NotificationHistory.objects.filter(pk=pk).first()
    return as_notification(past) if past is not None else None


def of_recipient(recipient_key: str) -> "list[NotificationHistory]":
    """All that is left of what one recipient was sent, newest first."""
    rows = NotificationHistory.objects.filter(recipient_index=recipient_index(recipient_key))
    return list(rows.order_by("-finished_at"))


def forget(recipient_key: str) -> int:
    """Cut the tie between a recipient and their past messages for good; answers how many there were.

    The rows stay, as counts of what was sent. Their keys stay used, but for those that name the recipient.
    """
    own = recipient_key.partition(":")[2]
    with connection.cursor() as cursor:
        cursor.execute(FORGET, [own, recipient_index(recipient_key)])
        return int(cursor.rowcount)


def as_notification(past: NotificationHistory) -> Notification:
    """A row of the queue that was never there, for those who only read."""
    row = Notification(
        id=past.pk, channel=past.channel, category=past.category, priority=past.priority, to={}, recipient_key="",
        status=past.status, attempts=past.attempts, error=past.error, idempotency_key=past.idempotency_key,
        scheduled_at=past.scheduled_at, last_attempt_at=past.last_attempt_at, created_at=past.created_at,
        parent_id=past.parent_id, payload={}, template_version_id=past.template_version_id, metadata=_metadata(past),
        feedback=past.feedback, feedback_at=past.feedback_at,
    )  # fmt: skip
    if past.template_id is not None:
        row.template = NotificationTemplate(id=past.template_id, name=past.template_name)
    row.kept = Kept(past.moved_at, tuple(_attempts(past.pk, past.tries)))
    return row


def _metadata(past: NotificationHistory) -> dict[str, Any]:
    metadata = dict(past.facts)
    if past.status == Notification.Status.SENT:
        metadata["sent_at"] = past.finished_at.isoformat()
    if past.provider_reference:
        metadata["provider_reference"] = past.provider_reference
    return metadata


def _attempts(notification_id: uuid.UUID, tries: Sequence[Mapping[str, Any]]) -> list[DeliveryAttempt]:
    return [
        DeliveryAttempt(
            **{
                **attempt,
                "notification_id": notification_id,
                "retry_after": _duration(attempt.get("retry_after")),
                "started_at": dt.datetime.fromisoformat(attempt["started_at"]),
                "finished_at": dt.datetime.fromisoformat(attempt["finished_at"]),
            }
        )
        for attempt in tries
    ]


def _duration(text: str | None) -> dt.timedelta | None:
    return parse_duration(text) if text else None
