"""The words that cross the borders of the pipeline: what a caller asks for, what is rendered, what a channel is handed.

Pure frozen dataclasses; dicts never leave the module that reads them from a row.
"""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from notifications.decision import Decided
from notifications.errors import Outcome
from templates_app.batch import Skeleton


# ── What a caller asks for ──────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Staff:
    """A staff member, by the host's id."""

    id: str


@dataclass(frozen=True, slots=True)
class Group:
    """A recipient group (`security_centre`); expanded to its staff members at enqueue."""

    name: str


@dataclass(frozen=True, slots=True)
class Address:
    """A person who is in no table: an e-mail address or an E.164 number. Stored encrypted."""

    value: str
    name: str = ""
    locale: str = "en"


Recipient = str | int | uuid.UUID | Staff | Group | Address


@dataclass(frozen=True, slots=True)
class NotifyRequest:
    """One call of `notify()`, as a value, for `notify_many()`. A plain id in `to` is a customer's."""

    template: str | None
    to: Recipient
    channel: str | Sequence[str] | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)
    category: str | None = None
    idempotency_key: str | None = None
    scheduled_at: dt.datetime | None = None
    expires_at: dt.datetime | None = None
    priority: int | None = None
    subject: str | None = None
    body: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    # The whole text, written already: a test of a draft (`send_test.py`). No door of ours takes it from outside.
    parts: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one message asked for: its row, and the reason where it was withheld, or the moment it waits for."""

    id: uuid.UUID
    channel: str
    recipient_key: str
    idempotency_key: str | None = None
    rule: str = ""
    reason: str = ""
    held_until: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class EnqueueResult:
    """What `notify()` answers: queued now, there already under the same key, or withheld (with the reason)."""

    queued: tuple[Receipt, ...] = ()
    existing: tuple[Receipt, ...] = ()
    withheld: tuple[Receipt, ...] = ()

    def __add__(self, other: "EnqueueResult") -> "EnqueueResult":
        return EnqueueResult(
            self.queued + other.queued, self.existing + other.existing, self.withheld + other.withheld
        )


# ── What the worker hands on ────────────────────────────────────────────────────────────────────────────
# A row's id and the token of one claim. A worker may have the same row twice: once by a claim that it has lost (its lease
# ran out, or a crash of the server took it back), and once by a newer one. Only the two together say which is meant.
Hold = tuple[uuid.UUID, uuid.UUID]


@dataclass(frozen=True, slots=True)
class Claimed:
    """One row of the queue that this worker holds until its lease runs out."""

    id: uuid.UUID
    lease_token: uuid.UUID
    channel: str
    category: str
    to: Mapping[str, Any]
    recipient_key: str
    template_version_id: uuid.UUID | None
    subject: str | None
    payload: Mapping[str, Any]
    metadata: Mapping[str, Any]
    priority: int
    attempts: int
    scheduled_at: dt.datetime
    expires_at: dt.datetime | None

    @property
    def hold(self) -> Hold:
        return self.id, self.lease_token


@dataclass(frozen=True, slots=True)
class Rendered:
    """The text of one message in one language, by part: e-mail subject, text, html; SMS text; push title, body, url;
    in-app title, message, action_url, cta_label."""

    locale: str
    parts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Personalised:
    """The same for one of many readers: a skeleton that they share, and their own values. Filled in when somebody asks."""

    skeleton: Skeleton
    values: tuple[str, ...]

    @property
    def locale(self) -> str:
        return self.skeleton.locale

    @property
    def parts(self) -> Mapping[str, str]:
        return self.skeleton.filled(self.values)


@dataclass(frozen=True, slots=True)
class PushTarget:
    """One browser of the recipient."""

    subscription_id: str
    endpoint: str
    p256dh: str
    auth: str
    # Some push service took a message of ours within a day, so our key is right.
    key_works: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """All that a channel needs for one delivery: no row, no query behind it."""

    id: uuid.UUID
    channel: str
    category: str
    recipient_key: str
    rendered: Rendered | Personalised
    address: str = ""
    recipient_name: str = ""
    push_targets: tuple[PushTarget, ...] = ()
    already_accepted: bool = False  # some browser of the recipient took it in an earlier attempt
    unsubscribe_url: str = ""
    priority: int = 2
    attempt: int = 1
    expires_at: dt.datetime | None = None
    sandbox: bool = False
    decided: Decided | None = None  # what lets it go out


# A row that we hold, and what is to be sent for it.
Work = tuple[Claimed, Message]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One finished call to a provider, ready to be recorded."""

    claimed: Claimed
    outcome: Outcome
    provider: str
    started_at: dt.datetime
    finished_at: dt.datetime
    decided: Decided | None = None
