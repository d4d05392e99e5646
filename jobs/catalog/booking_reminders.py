"""Deposit, delivery, pick-up and return reminders: in, `now`; out, a message to the customer for each, once.

Once, because the key of a reminder names the booking and the date it speaks of: `booking_reminders:pickup:<id>:<date>`
(the queue's unique index adds the channel). A booking that moved has another key, so it is spoken of again.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import QuerySet

from jobs.links import customer_page
from jobs.spec import JobResult, Progress
from jobs.telling import Telling, once
from notifications.message import NotifyRequest
from rentals.models import Booking, LogisticsTask

NAME = "booking_reminders"
# What a message says of its booking; to read the other columns of 25,000 bookings takes a fifth of a run.
SPOKEN_OF = (
    "booking_number", "customer_id", "start_date", "end_date", "deposit_amount", "currency", "equipment__make",
    "equipment__model",
)  # fmt: skip
# The customer's own channel, and the inbox, where it can be found again.
CHANNELS = ("preferred", "inapp")


def run(*, now: dt.datetime, progress: Progress) -> JobResult:
    """Queue every reminder that is due at `now`."""
    bookings = Booking.objects.select_related("equipment").only(*SPOKEN_OF)
    of_booking = (f"booking__{name}" for name in SPOKEN_OF)
    deliveries = LogisticsTask.objects.select_related("booking__equipment").only("scheduled_at", *of_booking)
    due: Sequence[tuple[str, QuerySet[Any], Callable[[Any], NotifyRequest]]] = (
        ("deposit", bookings.deposit_due(now=now), _deposit),
        ("delivery", deliveries.delivery_due(now=now), _delivery),
        ("pickup", bookings.pickup_today(now=now), _pickup),
        ("return", bookings.return_today(now=now), _return),
    )
    telling = Telling(now=now, progress=progress, total=sum(rows.count() for _, rows, _ in due))
    for kind, rows, say in due:
        telling.each(kind, rows, say)
    return telling.result(kind for kind, _, _ in due)


def _deposit(booking: Any) -> NotifyRequest:
    return _request(
        "deposit",
        "booking.deposit_due",
        booking,
        event=booking.start_date.isoformat(),
        expires_at=booking.expires_at,
        start_date=booking.start_date.isoformat(),
        deposit_amount={"amount": str(booking.deposit_amount), "currency": booking.currency},
    )


def _delivery(task: LogisticsTask) -> NotifyRequest:
    # The moment, not the day: a delivery moved from morning to afternoon is news.
    at = task.scheduled_at
    return _request(
        "delivery",
        "booking.delivery_tomorrow",
        task.booking,
        event=at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%MZ"),
        expires_at=at,
        delivery_at=at.isoformat(),
    )


def _pickup(booking: Any) -> NotifyRequest:
    return _request(
        "pickup",
        "booking.pickup_today",
        booking,
        event=booking.start_date.isoformat(),
        expires_at=booking.expires_at,
        start_date=booking.start_date.isoformat(),
    )


def _return(booking: Any) -> NotifyRequest:
    return _request(
        "return",
        "booking.return_today",
        booking,
        event=booking.end_date.isoformat(),
        expires_at=booking.expires_at,
        end_date=booking.end_date.isoformat(),
    )


def _request(
    kind: str, template: str, booking: Booking, *, event: str, expires_at: dt.datetime, **payload: Any
) -> NotifyRequest:
    number = booking.booking_number
    return NotifyRequest(
        template=template,
        to=str(booking.customer_id),
        channel=CHANNELS,
        payload={
            "booking_number": number,
            "equipment": booking.equipment.label,
            "booking_url": customer_page("BOOKING_URL", booking_number=number),
            **payload,
        },
        idempotency_key=once(NAME, kind, booking.pk, event),
        expires_at=expires_at,
        # What the message speaks of, for whoever asks later whether it still holds.
        metadata={"job": NAME, "reminder": kind, "booking_id": str(booking.pk), "event": event},
    )
