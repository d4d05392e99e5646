"""Deposit, delivery, pick-up and return reminders: in, `now`; out, a message to the customer for each, once.

Once, because the key of a reminder names the booking and the date it speaks of: `booking_reminders:pickup:<id>:<date>`
(the queue's unique index adds the channel). A booking that moved has another key, so it is spoken of again.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from jobs.spec import JobResult, Progress
from notifications.enqueue import notify_many
from notifications.message import NotifyRequest
from rentals.models import Booking, LogisticsTask

NAME = "booking_reminders"
# The customer's own channel, and the inbox, where it can be found again.
CHANNELS = ("preferred", "inapp")
PAGE = 1000


@dataclass(frozen=True, slots=True)
class _Reminder:
    """One kind: its rows, and what is said for one row."""

    kind: str
    due: QuerySet[Any]
    request: Callable[[Any], NotifyRequest]


def run(*, now: dt.datetime, progress: Progress) -> JobResult:
    """Queue every reminder that is due at `now`. Memory stays flat: a page of rows at a time."""
    reminders = _reminders(now)
    found = {reminder.kind: 0 for reminder in reminders}
    total = sum(reminder.due.count() for reminder in reminders)
    queued = existing = withheld = 0
    for reminder in reminders:
        for page in _pages(reminder.due):
            answer = notify_many((reminder.request(row) for row in page), now=now)
            queued += len(answer.queued)
            existing += len(answer.existing)
            withheld += len(answer.withheld)
            found[reminder.kind] += len(page)
            progress(sum(found.values()), total)
    return JobResult(found=found, queued=queued, existing=existing, withheld=withheld)


def _reminders(now: dt.datetime) -> tuple[_Reminder, ...]:
    bookings = Booking.objects.select_related("equipment")
    deliveries = LogisticsTask.objects.select_related("booking__equipment")
    return (
        _Reminder("deposit", bookings.deposit_due(now=now), _deposit),
        _Reminder("delivery", deliveries.delivery_due(now=now), _delivery),
        _Reminder("pickup", bookings.pickup_today(now=now), _pickup),
        _Reminder("return", bookings.return_today(now=now), _return),
    )


def _pages(rows: QuerySet[Any]) -> Iterator[list[Any]]:
    source = rows.iterator(chunk_size=PAGE)
    while page := list(islice(source, PAGE)):
        yield page


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
            "booking_url": settings.RENTALS["BOOKING_URL"].format(booking_number=number),
            **payload,
        },
        idempotency_key=f"{NAME}:{kind}:{booking.pk}:{event}",
        expires_at=expires_at,
        # What the message speaks of, for whoever asks later whether it still holds.
        metadata={"job": NAME, "reminder": kind, "booking_id": str(booking.pk), "event": event},
    )
