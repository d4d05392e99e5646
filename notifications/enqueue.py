"""The one door: in, what to tell whom; out, rows in the queue, in the caller's transaction, each past the first gate.

`notify()` for one message, `notify_many()` for sets. A request that cannot be right raises EnqueueError before anything
is written; a message that may not be sent now is kept as a withheld row, so that «why not?» has an answer.
"""

import datetime as dt
import logging
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from django.db import transaction
from django.utils import timezone

from notifications.drafts import draft_batch
from notifications.errors import EnqueueError
from notifications.gate import check
from notifications.insert import Inserted, PresumedTooMuchError, StaleTemplateError, insert
from notifications.kick import kick_on_commit
from notifications.log_ids import current_ids
from notifications.message import EnqueueResult, NotifyRequest, Recipient
from templates_app.lookup import refreshed, remembered

logger = logging.getLogger(__name__)

BATCH = 1000
# As many as one message has channels: a group's members may be hundreds.
FEW = 4


def notify(
    template: str | None = None,
    *,
    to: Recipient,
    channel: str | Sequence[str] | None = None,
    payload: Mapping[str, Any] | None = None,
    category: str | None = None,
    idempotency_key: str | None = None,
    scheduled_at: dt.datetime | None = None,
    expires_at: dt.datetime | None = None,
    priority: int | None = None,
    subject: str | None = None,
    body: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    now: dt.datetime | None = None,
) -> EnqueueResult:
    """Queue one message for one recipient (or a Group) on one channel or several.

    `to` is a customer's id, Staff, Group or Address. `channel` None is the customer's preference; the word
    "preferred" stands for it in a list. `payload` fills the template's placeholders, neither more nor less.
    Without a template, `subject`, `body` and `category` are the message. `idempotency_key` queues once per channel,
    as long as the history remembers it (400 days). Raises EnqueueError, which names the argument that is wrong and what to do.
    """
    request = NotifyRequest(
        template=template,
        to=to,
        channel=channel,
        payload=payload or {},
        category=category,
        idempotency_key=idempotency_key,
        scheduled_at=scheduled_at,
        expires_at=expires_at,
        priority=priority,
        subject=subject,
        body=body,
        metadata=metadata or {},
    )
    return notify_many([request], now=now)


def notify_many(requests: Iterable[NotifyRequest], *, now: dt.datetime | None = None) -> EnqueueResult:
    """Queue a set, all or nothing, in a constant number of statements per thousand requests.

    `now` is the moment a job runs for; messages without `scheduled_at` are due then. An EnqueueError tells which
    request of the set is wrong in `index`.
    """
    moment = now or timezone.now()
    source = iter(requests)
    first = list(islice(source, BATCH))
    if len(first) < BATCH:
        done = _enqueue(first, now=moment)  # one INSERT, which needs no transaction around it
        result, is_awake = done.result, done.is_awake
    else:
        is_awake = False
        with transaction.atomic():
            result, start = _enqueue(first, now=moment).result, BATCH
            while batch := list(islice(source, BATCH)):
                result += _enqueue(batch, now=moment, start=start).result
                start += len(batch)
    if result.queued:
        kick_on_commit(is_awake=is_awake)
    if current_ids():
        # On behalf of a run or a request, whose id this line carries; its messages carry it too, and tell the rest.
        counts = len(result.queued), len(result.withheld), len(result.existing)
        logger.info("notification.enqueued queued=%d withheld=%d existing=%d", *counts)
    return result


def _enqueue(batch: Sequence[NotifyRequest], *, now: dt.datetime, start: int = 0) -> Inserted:
    """Templates are remembered, and the INSERT checks that they are still in force; else all is done anew. One message is
    presumed to be welcome, and its INSERT asks; of many, somebody has said no, and a question for all is cheaper."""
    names = {request.template for request in batch if request.template}
    presuming = True
    while True:
        try:
            drafts = draft_batch(batch, remembered(names), now=now, start=start)
            presuming = presuming and len(batch) == 1 and len(drafts) <= FEW
            candidates = [draft.candidate() for draft in drafts]
            return insert(drafts, check(candidates, now=now, presuming=presuming), now=now)
        except PresumedTooMuchError:
            presuming = False
        except (EnqueueError, StaleTemplateError):
            # A payload may be wrong for the version that was remembered, and right for the one in force.
            if not refreshed(names):
                raise
