"""What a message that has left the queue brings along: in, the history; out, since when it is there, and its attempts."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from notifications.models.attempts import DeliveryAttempt


@dataclass(frozen=True, slots=True)
class Kept:
    """Recipient, payload and text of such a message are gone (`history.py`)."""

    moved_at: dt.datetime
    attempts: "tuple[DeliveryAttempt, ...]"


class MaybePast:
    """A message, in the queue (`kept` is None) or in the history."""

    delivery_attempts: Any
    kept: Kept | None = None

    @property
    def in_history_since(self) -> dt.datetime | None:
        return self.kept.moved_at if self.kept else None

    def tries(self) -> "Iterable[DeliveryAttempt]":
        """Its attempts, wherever they are."""
        return self.kept.attempts if self.kept else self.delivery_attempts.all()
