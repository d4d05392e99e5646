"""The queue over HTTP: in, a caller's request; out, what was queued, sent or found. Each view calls one function."""

import datetime as dt
import uuid

from django.db import transaction
from django.utils import timezone
from ninja import HeaderEx, P, Router
from ninja.responses import Status

from notifications.api.auth import ApiRequest, allow
from notifications.api.envelope import Answer, ApiError, answer, refusals
from notifications.api.shapes import (
    DrainShape,
    EnqueuedShape,
    NotificationShape,
    NotifyBody,
    ProcessBody,
    QueueShape,
)
from notifications.enqueue import notify
from notifications.message import EnqueueResult
from notifications.models import Notification
from notifications.origin import origin
from notifications.stats import queue_stats
from notifications.worker import drain

notifications = Router(tags=["notifications"])
queue = Router(tags=["queue"])


@notifications.post(
    "",
    auth=allow(scope="notifications:write", permission="notifications.add_notification"),
    response={200: Answer[EnqueuedShape], 201: Answer[EnqueuedShape], **refusals(413, 422)},
    summary="Queue a notification",
)
def enqueue(
    request: ApiRequest,
    body: NotifyBody,
    dry_run: bool = False,
    idempotency_key: HeaderEx[str | None, P(alias="Idempotency-Key", min_length=1, max_length=500)] = None,
) -> Status[object]:
    """Queue one message for one recipient or group. Scope `notifications:write`.

    With `dry_run=1` all is checked, nothing is kept, and the answer is 200. The header `Idempotency-Key` stands for the
    body's `idempotency_key` where that is missing: the same key queues once per channel, for ever.
    """
    with transaction.atomic(), origin(api=request.auth.name):
        result = _notify(body, body.idempotency_key or idempotency_key)
        transaction.set_rollback(dry_run)
    return Status(200 if dry_run else 201, answer(result))


@notifications.post(
    "/process",
    auth=allow(scope="process", permission="notifications.replay_notification"),
    response={200: Answer[DrainShape], **refusals(413, 422)},
    summary="Send what is due",
)
def process(request: ApiRequest, body: ProcessBody | None = None) -> object:  # noqa: ARG001
    """Drain the queue inside this request, for at most 20 seconds. Scope `process`. Safe beside any number of workers."""
    order = body or ProcessBody()
    report = drain(
        budget=dt.timedelta(seconds=order.budget_seconds),
        limit=order.limit,
        channels=[order.channel.value] if order.channel else None,
    )
    return answer(report.as_dict())


@notifications.get(
    "/{uuid:notification_id}",
    auth=allow(scope="notifications:read", permission="notifications.view_notification"),
    response={200: Answer[NotificationShape], **refusals(404)},
    summary="Show a notification",
)
def show(request: ApiRequest, notification_id: uuid.UUID) -> object:  # noqa: ARG001
    """Its state, its attempts and its story. Scope `notifications:read`."""
    row = Notification.objects.select_related("template").filter(pk=notification_id).first()
    if row is None:
        raise ApiError(404, "not_found", f"There is no notification {notification_id}.")
    return answer(row)


@queue.get(
    "",
    auth=allow(scope="queue:read", permission="notifications.view_notification"),
    response={200: Answer[QueueShape], **refusals()},
    summary="Show how full the queue is",
)
def depth(request: ApiRequest) -> object:  # noqa: ARG001
    """Counts by status and channel, up to 10,000 each, and how long the oldest due message has waited. Scope `queue:read`."""
    return answer(queue_stats(now=timezone.now()))


def _notify(body: NotifyBody, key: str | None) -> EnqueueResult:
    return notify(
        body.template,
        to=body.to.recipient(),
        channel=body.channel,
        payload=body.payload,
        category=body.category.value if body.category else None,
        idempotency_key=key,
        scheduled_at=body.scheduled_at,
        expires_at=body.expires_at,
        priority=body.priority,
        subject=body.subject,
        body=body.body,
        metadata=body.metadata,
    )
