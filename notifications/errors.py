"""What a delivery can come to, and what enqueueing can refuse. Pure.

An outcome answers «retry?» by its type; an EnqueueError names the field that is wrong and what to do.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Sent:
    """The provider accepted it."""

    kind: ClassVar[str] = "sent"
    reference: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Transient:
    """Not now: try again, not before `retry_after`."""

    kind: ClassVar[str] = "transient"
    code: str
    error: str = ""
    retry_after: dt.timedelta | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Permanent:
    """Never: the message or the address is refused. `address_dead` names the suppression reason, if the address is."""

    kind: ClassVar[str] = "permanent"
    code: str
    error: str = ""
    address_dead: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Misconfigured:
    """Our key, sender or account is wrong: every message would fail, so the channel pauses and no attempt is burnt."""

    kind: ClassVar[str] = "misconfigured"
    code: str
    error: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unknown:
    """The call went out and no answer came back: it may have been sent."""

    kind: ClassVar[str] = "unknown"
    code: str
    error: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


Outcome = Sent | Transient | Permanent | Misconfigured | Unknown


class EnqueueError(ValueError):
    """A request that cannot be queued. `field` names the argument, `code` is stable, the text says what to do.

    `index` is the request's place in the set given to `notify_many`.
    """

    def __init__(self, code: str, field: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.field = field
        self.index = 0
