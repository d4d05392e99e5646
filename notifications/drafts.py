"""From requests to drafts: in, a batch of NotifyRequests; out, one Draft a recipient and channel, or an EnqueueError.

Nothing is written here. The gate, not this module, decides whether a right request may be sent.
"""

import datetime as dt
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from uuid_utils.compat import uuid7

from consent.models import Category
from notifications.candidate import Candidate
from notifications.conf import conf
from notifications.errors import EnqueueError
from notifications.message import Group, NotifyRequest
from notifications.origin import current_origin
from notifications.reach import Reach, reach_many, recipient_key
from notifications.recipients import expand
from notifications.sealed_payload import seal_payload
from notifications.validate import channels_of, validate
from templates_app.lookup import Published

_PRIORITY = {Category.SECURITY: 0, Category.TRANSACTIONAL: 1, Category.REMINDER: 2, Category.MARKETING: 3}


@dataclass(frozen=True, slots=True)
class Draft:
    """One row to be: all that the INSERT writes, but for the gate's decision."""

    id: uuid.UUID
    channel: str
    category: str
    to: Mapping[str, Any]
    recipient_key: str
    reach: Reach
    template: Published | None
    subject: str | None
    payload: Mapping[str, Any]
    metadata: Mapping[str, Any]
    scheduled_at: dt.datetime
    expires_at: dt.datetime | None
    priority: int
    idempotency_key: str | None

    def candidate(self) -> Candidate:
        return Candidate(
            id=self.id,
            channel=self.channel,
            category=self.category,
            recipient_key=self.recipient_key,
            reach=self.reach,
            due_at=self.scheduled_at,
            expires_at=self.expires_at,
            template=self.template.name if self.template else "",
            payload=self.payload,
            metadata=self.metadata,
        )


def draft_batch(
    requests: Sequence[NotifyRequest],
    templates: Mapping[str, Published],
    *,
    now: dt.datetime,
    start: int = 0,
) -> list[Draft]:
    """Drafts for a batch, in a constant number of queries. `start` is the batch's place in its set, for errors."""
    wanted: list[tuple[int, NotifyRequest, Mapping[str, Any]]] = []
    members: dict[Group, Sequence[Mapping[str, Any]]] = {}
    for index, request in enumerate(requests, start):
        with _naming(index):
            validate(request, templates.get(request.template or ""), now=now)
            wanted.extend((index, request, to) for to in _people(request, members))
    reaches = reach_many(
        [to for _, _, to in wanted], with_push=any(_may_push(request) for request in requests)
    )
    drafts: list[Draft] = []
    for (index, request, to), reach in zip(wanted, reaches, strict=True):
        with _naming(index):
            drafts.extend(_drafts(request, templates.get(request.template or ""), to, reach, now))
    return drafts


def _people(
    request: NotifyRequest, members: dict[Group, Sequence[Mapping[str, Any]]]
) -> Sequence[Mapping[str, Any]]:
    """Whom one request is for. A group is asked for once a batch, however many of its requests are for it."""
    if not isinstance(request.to, Group):
        return expand(request.to, request.channel)
    if request.to not in members:
        members[request.to] = expand(request.to, request.channel)
    return members[request.to]


def _drafts(
    request: NotifyRequest,
    template: Published | None,
    to: Mapping[str, Any],
    reach: Reach | None,
    now: dt.datetime,
) -> Iterator[Draft]:
    if reach is None:
        raise EnqueueError(
            "unknown_recipient",
            "to",
            f"Nobody has the {' '.join(map(str, next(iter(to.items()))))}: check the id.",
        )
    category = request.category or (template.category if template else "")
    metadata = dict(request.metadata)
    if origin := current_origin():
        metadata["origin"] = origin
    if conf().sandbox:
        metadata["sandbox"] = True
    if request.body is not None:
        metadata["body"] = request.body
    if request.parts is not None:
        metadata["parts"] = dict(request.parts)
    payload = seal_payload(request.payload, template.sensitive) if template else request.payload
    for channel in channels_of(request, template, reach):
        yield Draft(
            id=uuid7(),
            channel=channel,
            category=category,
            to=to,
            recipient_key=recipient_key(to),
            reach=reach,
            template=template,
            subject=request.subject,
            payload=payload,
            metadata=metadata,
            scheduled_at=request.scheduled_at or now,
            expires_at=request.expires_at,
            priority=_PRIORITY[Category(category)] if request.priority is None else request.priority,
            idempotency_key=_key(request, to),
        )


def _key(request: NotifyRequest, to: Mapping[str, Any]) -> str | None:
    """A group's members share the caller's key, so each gets their own below it."""
    if request.idempotency_key is None or not isinstance(request.to, Group):
        return request.idempotency_key
    return f"{request.idempotency_key}:{recipient_key(to)}"


def _may_push(request: NotifyRequest) -> bool:
    """Could this message become a push? If none of a batch can, the subscriptions need not be read."""
    if request.channel is None:
        return True
    named = [request.channel] if isinstance(request.channel, str) else request.channel
    return "push" in named or "preferred" in named


@contextmanager
def _naming(index: int) -> Iterator[None]:
    try:
        yield
    except EnqueueError as error:
        error.index = index
        raise
