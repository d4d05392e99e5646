"""One notification, as the API tells it: in, a row; out, its state, what decided about it, and its story, without addresses."""

import datetime as dt
import uuid
from typing import Any

from ninja import Field, Schema

from notifications.masking import masked_recipient
from notifications.models import Notification
from notifications.story import in_english
from notifications.why import why


class EventShape(Schema):
    at: dt.datetime | None
    kind: str
    text: str


class ConsentedShape(Schema):
    """The event of the consent ledger that decided, and the wording that the person read."""

    event_id: uuid.UUID
    action: str
    occurred_at: dt.datetime
    source: str
    actor: str
    place: int = Field(description="In the customer's chain")
    hash: str
    wording: str
    wording_locale: str
    wording_sha256: str


class SuppressedShape(Schema):
    suppression_id: uuid.UUID
    reason: str
    scope: str
    created_at: dt.datetime
    lifted_at: dt.datetime | None
    source_event: int | None = Field(description="The provider's report that asked for it")


class DecisionShape(Schema):
    """One answer of the gates, and what it rests on."""

    at: dt.datetime
    stage: str = Field(description="enqueue, delivery or operator")
    answer: str = Field(description="allowed, held or withheld")
    rule: str
    reason: str
    consent: ConsentedShape | None
    suppression: SuppressedShape | None


class NotificationShape(Schema):
    """One notification. The recipient is masked, and the text is not here."""

    id: uuid.UUID
    channel: str
    status: str
    recipient: str
    template: str | None
    category: str
    priority: int
    attempts: int
    scheduled_at: dt.datetime
    expires_at: dt.datetime | None
    created_at: dt.datetime
    last_attempt_at: dt.datetime | None
    sent_at: dt.datetime | None
    feedback: str | None = Field(
        description="How far it got by its provider's word: processed, deferred, delivered, opened, clicked, unsubscribed, "
        "dropped, bounced, complained"
    )
    feedback_at: dt.datetime | None
    error: str | None
    in_history_since: dt.datetime | None = Field(
        None, description="It has left the queue; its recipient and its text are gone"
    )
    decisions: list[DecisionShape]
    timeline: list[EventShape]

    @staticmethod
    def resolve_decisions(row: Notification) -> list[Any]:
        return list(why(row))

    @staticmethod
    def resolve_recipient(row: Notification) -> str:
        return masked_recipient(row.to)

    @staticmethod
    def resolve_template(row: Notification) -> str | None:
        return row.template.name if row.template else None

    @staticmethod
    def resolve_sent_at(row: Notification) -> str | None:
        sent_at: str | None = row.metadata.get("sent_at")
        return sent_at

    @staticmethod
    def resolve_timeline(row: Notification) -> list[Any]:
        return list(in_english(row))
