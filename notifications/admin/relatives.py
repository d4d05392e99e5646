"""What belongs to a message: in, its row; out, what it repeats, what repeats it, and the same on other channels.

Five short look-ups by index, in the queue and in the history; never more, however many relatives there are.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString

from consent.models import Channel
from notifications.admin.cells import status_badge
from notifications.history import as_notification
from notifications.models import Notification, NotificationHistory

# Shown at once, and with «show all».
FEW, MANY = 10, 500


@dataclass(frozen=True, slots=True)
class Kin:
    """One message of the family. A parent that the history has forgotten is known by its id alone."""

    pk: uuid.UUID
    channel: str = ""
    created_at: dt.datetime | None = None
    status: SafeString = SafeString()  # noqa: RUF009 (immutable)


@dataclass(frozen=True, slots=True)
class Relatives:
    """`siblings` were asked for under the same idempotency key, on other channels. `more`: there are further children."""

    itself: Kin
    parent: Kin | None
    children: Sequence[Kin]
    siblings: Sequence[Kin]
    more: bool = False

    @property
    def any(self) -> bool:
        return bool(self.parent or self.children or self.siblings)


def relatives(row: Notification, *, every: bool = False) -> Relatives:
    """Newest first. `every`: up to 500 children instead of ten."""
    limit = MANY if every else FEW
    children = _children(row.pk, limit + 1)
    return Relatives(
        itself=_kin(row),
        parent=_parent(row.parent_id) if row.parent_id else None,
        children=[_kin(child) for child in children[:limit]],
        siblings=[_kin(sibling) for sibling in _siblings(row)],
        more=len(children) > limit,
    )


def _kin(row: Notification) -> Kin:
    return Kin(row.pk, row.get_channel_display(), row.created_at, status_badge(row))


def _children(pk: uuid.UUID, limit: int) -> list[Notification]:
    live = Notification.objects.filter(parent_id=pk).order_by("-created_at")[:limit]
    past = NotificationHistory.objects.filter(parent_id=pk).order_by("-created_at")[:limit]
    return _newest([*map(as_notification, past), *live])[:limit]


def _siblings(row: Notification) -> list[Notification]:
    """A key is unique by channel, so there are at most as many as other channels."""
    if not row.idempotency_key:
        return []
    others = [channel for channel in Channel.values if channel != row.channel]
    same = {"channel__in": others, "idempotency_key": row.idempotency_key}
    past = NotificationHistory.objects.filter(**same)
    return _newest([*map(as_notification, past), *Notification.objects.filter(**same)])


def _parent(pk: uuid.UUID) -> Kin:
    row = Notification.objects.filter(pk=pk).first()
    if row is None and (past := NotificationHistory.objects.filter(pk=pk).first()):
        row = as_notification(past)
    return _kin(row) if row else Kin(pk)


def _newest(rows: Sequence[Notification]) -> list[Notification]:
    """Once each: what is being moved is in both places for a moment."""
    once = {row.pk: row for row in rows}
    return sorted(once.values(), key=lambda row: row.created_at, reverse=True)
