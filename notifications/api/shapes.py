"""The bodies and answers about notifications: in, JSON of a caller; out, typed values, and rows without addresses."""

import datetime as dt
import uuid
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, model_validator

from consent.models import Category, Channel
from notifications.message import Address, Group, Recipient, Staff

EARLIEST, LATEST = dt.datetime(2000, 1, 1, tzinfo=dt.UTC), dt.datetime(2100, 1, 1, tzinfo=dt.UTC)


def _in_range(moment: dt.datetime) -> dt.datetime:
    if not EARLIEST <= moment < LATEST:
        raise ValueError("must lie between 2000 and 2100")
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_in_range)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
ChannelName = Literal["email", "sms", "push", "inapp", "preferred"]


class Body(Schema):
    """A request's body: nothing that we do not know."""

    model_config = ConfigDict(extra="forbid")


class RecipientBody(Body):
    """Whom to tell: exactly one of customer, staff, group or address."""

    customer: Name | None = Field(default=None, description="A customer's id")
    staff: Name | None = Field(default=None, description="A staff member's id")
    group: Name | None = Field(default=None, description="A group of staff, such as security_centre")
    address: Name | None = Field(
        default=None, description="An e-mail address or an E.164 number of nobody we know"
    )
    name: str = Field(default="", max_length=200, description="With address: the person's name")
    locale: Literal["en", "fr"] = "en"

    @model_validator(mode="after")
    def _one(self) -> "RecipientBody":
        if sum(value is not None for value in (self.customer, self.staff, self.group, self.address)) != 1:
            raise ValueError("name exactly one of customer, staff, group, address")
        return self

    def recipient(self) -> Recipient:
        if self.staff is not None:
            return Staff(self.staff)
        if self.group is not None:
            return Group(self.group)
        if self.address is not None:
            return Address(self.address, name=self.name, locale=self.locale)
        assert self.customer is not None
        return self.customer


class NotifyBody(Body):
    """The arguments of notify()."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "template": "booking.pickup_today",
                    "to": {"customer": "0b0f7c1e-6f2e-4c43-9d2b-0d8f6a1c2b3d"},
                    "channel": ["preferred", "inapp"],
                    "payload": {
                        "booking_number": "B-10042",
                        "equipment": "Excavator CAT 305",
                        "start_date": "2026-11-20",
                        "booking_url": "https://rental.example/bookings/B-10042",
                    },
                    "idempotency_key": "pickup:B-10042",
                }
            ]
        },
    )

    template: Name | None = None
    to: RecipientBody
    channel: ChannelName | Annotated[list[ChannelName], Field(min_length=1, max_length=5)] | None = Field(
        default=None, description="One, several, or none for the customer's preference"
    )
    payload: dict[str, Any] = Field(
        default={}, description="The template's placeholders, neither more nor less"
    )
    category: Category | None = Field(default=None, description="None for the template's")
    idempotency_key: str | None = Field(default=None, min_length=1, max_length=500)
    scheduled_at: Moment | None = None
    expires_at: Moment | None = None
    priority: Annotated[int, Field(ge=0, le=3)] | None = Field(default=None, description="0 urgent to 3 low")
    subject: str | None = Field(default=None, max_length=1000)
    body: str | None = Field(default=None, max_length=65_536)
    metadata: dict[str, Any] = {}


class ProcessBody(Body):
    """How much to send in this request."""

    budget_seconds: int = Field(default=5, ge=1, le=20)
    limit: int | None = Field(default=None, ge=1, le=10_000)
    channel: Channel | None = None


class ReceiptShape(Schema):
    """One message: its row, and the reason where it is withheld."""

    id: uuid.UUID
    channel: str
    rule: str
    reason: str
    held_until: dt.datetime | None = Field(
        None, description="Queued, and waits for this moment (quiet hours)"
    )


class EnqueuedShape(Schema):
    """What became of the request. Withheld messages have a row too, so that «why not?» has an answer."""

    queued: list[ReceiptShape]
    existing: list[ReceiptShape] = Field(description="There already under the same idempotency key")
    withheld: list[ReceiptShape]


class DrainShape(Schema):
    """What the drain did: counts by channel and by what became of the row."""

    released: int
    claimed: int
    channels: dict[str, dict[str, int]]
    seconds: float


class DepthShape(Schema):
    status: str
    channel: str
    count: int
    capped: bool = Field(description="There are at least so many")


class QueueShape(Schema):
    """The queue at a glance."""

    depths: list[DepthShape]
    oldest_due_seconds: dict[str, float] = Field(
        description="By channel; 0 where nothing waits past its time"
    )
