"""A message as its reader sees it: in, a row; out, its parts, rendered now from the pinned version and the payload.

Nothing is sent and no unsubscribe token is issued: a placeholder stands where the link would be. The recipient's name
and language are as they are now.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from consent.models import Channel
from consent.policy import OPTIONAL, Category
from notifications.channels.mail import headers
from notifications.masking import masked_recipient
from notifications.message import Claimed, Message
from notifications.models import Notification
from notifications.reach import reach_many
from notifications.render import RenderError, render
from notifications.sealed_payload import is_sealed
from templates_app.masked import DOTS
from templates_app.segments import Segments, segments


@dataclass(frozen=True, slots=True)
class AsRendered:
    """The parts by name, in order, and what a mail carries besides them; `problem` says why there are none."""

    locale: str = ""
    parts: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    segments: Segments | None = None
    has_placeholder_link: bool = False
    masks: bool = False
    problem: str = ""


def rendered_now(row: Notification, *, masking: bool = True) -> AsRendered:
    """Render one row again, sensitive values masked unless `masking` is off. Two queries and, for a version not yet compiled in this process, a third."""
    reach = reach_many([row.to], with_push=False)[0]
    if reach is not None and reach.problem:
        return AsRendered(problem=reach.problem)
    if reach is None:
        return AsRendered(
            problem="Nobody has this recipient's id any more, so their name and language are unknown."
        )
    leaves = (
        row.channel == Channel.EMAIL and reach.customer_id is not None and Category(row.category) in OPTIONAL
    )
    link = f"{settings.PUBLIC_URL}/the-link-of-the-real-message" if leaves else ""
    try:
        message = render(_as_claimed(row), reach, unsubscribe_url=link, preferences_url=link, masking=masking)
    except RenderError as error:
        return AsRendered(problem=str(error))
    parts = message.rendered.parts
    counted = segments(parts["text"]) if row.channel == Channel.SMS else None
    return AsRendered(
        locale=message.rendered.locale,
        parts=parts,
        headers=_headers(row, message) if row.channel == Channel.EMAIL else {},
        segments=counted,
        has_placeholder_link=bool(link),
        masks=masking and any(name in row.payload for name in sensitive_names(row)),
    )


def shown_payload(row: Notification) -> dict[str, Any]:
    """The payload with the values masked that the template's version declares sensitive."""
    secret = sensitive_names(row)
    return {
        name: DOTS if name in secret or is_sealed(value) else value for name, value in row.payload.items()
    }


def sensitive_names(row: Notification) -> frozenset[str]:
    """What the pinned version declares sensitive."""
    declared = row.template_version.placeholders if row.template_version else []
    return frozenset(placeholder["name"] for placeholder in declared if placeholder.get("sensitive"))


def _headers(row: Notification, message: Message) -> dict[str, str]:
    """Those that decide where it arrives and where an answer goes. An answer goes to the sender: we set no Reply-To."""
    return {
        "From": settings.EMAIL_FROM,
        "To": masked_recipient(row.to),
        "Subject": message.rendered.parts["subject"],
        **headers(message),
    }


def _as_claimed(row: Notification) -> Claimed:
    return Claimed(
        id=row.pk,
        lease_token=row.lease_token or row.pk,
        channel=row.channel,
        category=row.category,
        to=row.to,
        recipient_key=row.recipient_key,
        template_version_id=row.template_version_id,
        subject=row.subject,
        payload=row.payload,
        metadata=row.metadata,
        priority=row.priority,
        attempts=row.attempts,
        scheduled_at=row.scheduled_at,
        expires_at=row.expires_at,
    )
