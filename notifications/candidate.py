"""One message as the gates see it, and the third answer beside yes and no: held until a moment."""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from consent.policy import Decision
from notifications.reach import Reach


@dataclass(frozen=True, slots=True)
class Candidate:
    """One message. `reach` None: nobody has that id. `template` is a name, empty for an inline text."""

    id: uuid.UUID
    channel: str
    category: str
    recipient_key: str
    reach: Reach | None
    due_at: dt.datetime
    expires_at: dt.datetime | None
    template: str
    payload: Mapping[str, Any]
    metadata: Mapping[str, Any]

    @property
    def lot(self) -> int:
        """32 bits that spread messages evenly, the same ones for this message each time."""
        return self.id.int & 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Held(Decision):
    """Not now: it goes back to the queue until then, and passes every gate anew. `passed` is what allowed it so far."""

    until: dt.datetime = field(kw_only=True)
    passed: Decision | None = None


def hold(candidate: Candidate, *, until: dt.datetime, rule: str, reason: str, late: str) -> Decision:
    """Held until then; withheld if it expires by then, where `late` says what came before it."""
    if candidate.expires_at is not None and candidate.expires_at <= until:
        expiry = f"It expires before that, at {candidate.expires_at:%Y-%m-%d %H:%M %Z}."
        return Decision(False, "expired", f"{late} {reason} {expiry}")
    return Held(False, rule, reason, until=until)
