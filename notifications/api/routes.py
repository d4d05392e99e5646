"""The queue over HTTP: in, a caller's request; out, what was queued, sent or found. Each view calls one function."""

import datetime as dt
import uuid
from typing import Annotated

from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from ninja import HeaderEx, P, Router
from pydantic import WithJsonSchema

from notifications.api.auth import ApiRequest, allow
from notifications.api.envelope import Answer, ApiError, answer, refusals
from notifications.api.idempotency import answer_once
from notifications.api.shapes import (
    DrainShape,
    EnqueuedShape,
    NotifyBody,
    ProcessBody,
    QueueShape,
)
from notifications.api.told import NotificationShape
from notifications.enqueue import notify
from notifications.history import find
from notifications.message import EnqueueResult
from notifications.origin import origin
from notifications.stats import queue_stats
from notifications.worker import drain

notifications = Router(tags=["notifications"])
queue = Router(tags=["queue"])

# For the document only: what breaks it is a 400, and a constraint of the framework would answer 422.
Key = Annotated[
    str, WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"})
]


_REPLAYED = {
    "description": "`true` where this is a stored answer",
    "schema": {"type": "string", "enum": ["true"]},
}
_RETRY_AFTER = {"description": "In seconds", "schema": {"type": "integer"}}
KEY_HEADERS: dict[int, dict[str, object]] = {
    409: {"headers": {"Retry-After": _RETRY_AFTER}},
    **{status: {"headers": {"Idempotency-Replayed": _REPLAYED}} for status in (200, 201, 422)},
}


@notifications.post(
    "",
    auth=allow(scope="notifications:write", permission="notifications.add_notification"),
    response={200: Answer[EnqueuedShape], 201: Answer[EnqueuedShape], **refusals(409, 411, 413, 422)},
    summary="Queue a notification",
    openapi_extra={"responses": KEY_HEADERS},
)
def enqueue(
    request: ApiRequest,
    body: NotifyBody,
    dry_run: bool = False,
    idempotency_key: HeaderEx[Key | None, P(alias="Idempotency-Key")] = None,
) -> HttpResponse:
    """Queue one message for one recipient or group. Scope `notifications:write`.

    With `dry_run=1` all is checked, nothing is kept, and the answer is 200.

    **Sending again safely.** With the header `Idempotency-Key` (1 to 255 visible characters, such as a uuid) the request
    is done once, and its answer is kept for 24 hours: the same key with the same body gets it again, with the header
    `Idempotency-Replayed: true`. The same key with another body is a 422 `idempotency_key_reused`; while the first
    request is in progress, a 409 with `Retry-After: 1`. A key belongs to its caller and to this address with its query.
    After a 5xx the key is free.

    **Queueing a message once.** The body's `idempotency_key` names the message itself: whoever asks, it is queued once
    per channel, and asked for again it is answered in `existing`, for as long as the history is kept (400 days).
    """

    def act() -> tuple[int, dict[str, object]]:
        with transaction.atomic(), origin(api=request.auth.name):
            result = _notify(body)
            transaction.set_rollback(dry_run)
        shaped = Answer[EnqueuedShape].model_validate(answer(result))
        return (200 if dry_run else 201), shaped.model_dump(mode="json")

    # Without defaults, so that a field that a later release adds is no other request.
    asked = {"body": body.model_dump(mode="json", exclude_defaults=True), "dry_run": dry_run}
    return answer_once(request, key=idempotency_key, asked=asked, act=act)


@notifications.post(
    "/process",
    auth=allow(scope="process", permission="notifications.replay_notification"),
    response={200: Answer[DrainShape], **refusals(411, 413, 422)},
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
    """Its state, its attempts and its story. Scope `notifications:read`.

    What ended some days ago is in the history (`in_history_since`): its recipient and its text are gone for good.
    """
    row = find(notification_id)
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


def _notify(body: NotifyBody) -> EnqueueResult:
    return notify(
        body.template,
        to=body.to.recipient(),
        channel=body.channel,
        payload=body.payload,
        category=body.category.value if body.category else None,
        idempotency_key=body.idempotency_key,
        scheduled_at=body.scheduled_at,
        expires_at=body.expires_at,
        priority=body.priority,
        subject=body.subject,
        body=body.body,
        metadata=body.metadata,
    )
