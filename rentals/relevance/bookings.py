"""Does a booking reminder still hold? In: messages waiting to go out; out, the reason for each that does not.

`jobs/catalog/booking_reminders.py` writes what a message speaks of into its metadata: `reminder`, `booking_id`, and
`event`, the date (a delivery: the minute) it was about. A message without these is somebody else's, and not judged.
"""

import datetime as dt
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rentals.models import Booking, LogisticsTask
from rentals.relevance.question import Question

_ASKED = Booking.objects.only("status", "billing_status", "deposit_amount", "type", "start_date", "end_date")


@dataclass(frozen=True, slots=True)
class _Subject:
    """What one reminder says: `kind` of which booking, and when."""

    kind: str
    booking: uuid.UUID
    event: str


def over(questions: Sequence[Question], *, now: dt.datetime) -> dict[uuid.UUID, str]:  # noqa: ARG001 (dates decide)
    """Reminders of bookings that were cancelled, moved, finished or paid. Two queries at most."""
    subjects = {question.id: subject for question in questions if (subject := _subject(question.metadata))}
    found = _ASKED.in_bulk({subject.booking for subject in subjects.values()}) if subjects else {}
    deliveries = _deliveries({s.booking for s in subjects.values() if s.kind == "delivery"})
    answers: dict[uuid.UUID, str] = {}
    for id_, subject in subjects.items():
        booking = found.get(subject.booking)
        if why := _why(subject, booking, deliveries) if booking else "The booking is gone.":
            answers[id_] = why
    return answers


def _subject(metadata: Mapping[str, Any]) -> _Subject | None:
    kind, event = metadata.get("reminder"), metadata.get("event")
    if kind not in ("deposit", "delivery", "pickup", "return") or not isinstance(event, str):
        return None
    try:
        return _Subject(kind, uuid.UUID(str(metadata.get("booking_id"))), event)
    except ValueError:
        return None


def _deliveries(ids: Collection[uuid.UUID]) -> Mapping[uuid.UUID, Mapping[str, str]]:
    """The transports to these customers' sites, by booking: status by minute; one that still stands beats one that does not."""
    found: dict[uuid.UUID, dict[str, str]] = {}
    if not ids:
        return found
    tasks = LogisticsTask.objects.filter(booking__in=ids, task_type="delivery").order_by()
    for booking, at, status in tasks.values_list("booking_id", "scheduled_at", "status"):
        minutes = found.setdefault(booking, {})
        minute = at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%MZ")
        if minutes.get(minute) not in ("pending", "scheduled"):
            minutes[minute] = status
    return found


def _why(
    subject: _Subject, booking: Booking, deliveries: Mapping[uuid.UUID, Mapping[str, str]]
) -> str | None:
    if booking.status in ("cancelled", "completed"):
        return f"The booking is {booking.status}."
    match subject.kind:
        case "deposit":
            return _deposit(subject, booking)
        case "pickup":
            return _pickup(subject, booking)
        case "return":
            return _return(subject, booking)
        case _:
            return _delivery(subject, deliveries.get(booking.pk, {}))


def _deposit(subject: _Subject, booking: Booking) -> str | None:
    if booking.billing_status != "pending" or booking.deposit_amount <= 0:
        return "No deposit is open any more."
    if booking.status == "active":
        return "The booking has begun."
    return _moved(subject, booking.start_date)


def _pickup(subject: _Subject, booking: Booking) -> str | None:
    if booking.type != "pickup":
        return "The machine is delivered, not picked up."
    if booking.status != "confirmed":
        return "It was picked up." if booking.status == "active" else "The booking is not confirmed any more."
    return _moved(subject, booking.start_date)


def _return(subject: _Subject, booking: Booking) -> str | None:
    if booking.status == "pending":
        return "The booking is not confirmed any more."
    return _moved(subject, booking.end_date)


def _moved(subject: _Subject, date: dt.date) -> str | None:
    return None if date.isoformat() == subject.event else f"The booking moved to {date.isoformat()}."


def _delivery(subject: _Subject, planned: Mapping[str, str]) -> str | None:
    status = planned.get(subject.event)
    if status in ("pending", "scheduled"):
        return None
    if status is None:
        return "The delivery was moved."
    return f"The delivery is {status.replace('_', ' ')}."
