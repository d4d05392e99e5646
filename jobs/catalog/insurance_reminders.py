"""Reminders of proofs of insurance: in, `now`; out, a message for each that runs out or lacks something, once.

Each is a row of `insurance_reminders` first, planned and cancelled as its document changes; a row is sent once, and the
key of its message names the document and the date it speaks of, so that a row made anew tells nothing twice.
"""

import datetime as dt
from collections import Counter
from typing import Any

from jobs.links import customer_page
from jobs.spec import JobResult, Progress
from jobs.telling import PAGE, Telling, once, pages
from notifications.message import NotifyRequest
from rentals.models import InsuranceReminder
from rentals.plan_insurance import cancel_reminders, plan_reminders, record_sent

NAME = "insurance_reminders"
KINDS = ("expiry", "missing_info")
# The customer's own channel, and the inbox, where it can be found again.
CHANNELS = ("preferred", "inapp")


def run(*, now: dt.datetime, progress: Progress) -> JobResult:
    """Bring the planned reminders in line with their documents, and queue those whose moment has come."""
    planned, cancelled = plan_reminders(now=now), cancel_reminders(now=now)
    due = InsuranceReminder.objects.due(now=now)
    total = due.count()
    telling = Telling(now=now, progress=progress, total=total)
    telling.changed("reminders planned", planned)
    telling.changed("reminders cancelled", cancelled)
    for page in pages(due.iterator(chunk_size=PAGE)):
        telling.tell(_request(reminder) for reminder in page)
        telling.changed("reminders sent", record_sent(page, by=f"job:{NAME}", now=now))
        for kind, count in Counter(reminder.reminder_type for reminder in page).items():
            telling.found(kind, count)
    if total:
        # The next question follows the one just asked.
        telling.changed("reminders planned", plan_reminders(now=now))
    return telling.result(KINDS)


def _request(reminder: Any) -> NotifyRequest:
    if reminder.reminder_type == "expiry":
        return _expiry(reminder)
    return _missing_info(reminder)


def _expiry(reminder: Any) -> NotifyRequest:
    date = reminder.expiry_date
    days = (date - reminder.planned_date).days
    return _message(
        "insurance.expiring",
        reminder,
        milestone=f"expiry-{days}",
        event=date.isoformat(),
        expiry_date=date.isoformat(),
        is_last_day=days == 0,
    )


def _missing_info(reminder: Any) -> NotifyRequest:
    # The moment, not the day: who is asked for something else in the afternoon must hear of it.
    event = reminder.scheduled_at.astimezone(dt.UTC).isoformat(timespec="seconds")
    return _message(
        "insurance.missing_info",
        reminder,
        milestone="missing_info",
        event=event,
        missing=_missing(reminder.document.requested_info),
    )


def _missing(requested: Any) -> list[str]:
    """What staff asked for, in their words; a code such as `policy_number` as words. The column takes any JSON."""
    given = list(requested) if isinstance(requested, list | dict) else [requested]
    return [words for text in given if (words := str(text).replace("_", " ").strip())]


def _message(template: str, reminder: Any, *, milestone: str, event: str, **payload: Any) -> NotifyRequest:
    booking = reminder.document.booking
    number = booking.booking_number
    return NotifyRequest(
        template=template,
        to=str(booking.customer_id),
        channel=CHANNELS,
        payload={
            "booking_number": number,
            "equipment": booking.equipment.label,
            "insurance_url": customer_page("INSURANCE_URL", booking_number=number),
            **payload,
        },
        idempotency_key=once(NAME, milestone, reminder.document_id, event),
        scheduled_at=reminder.deliver_at,
        expires_at=reminder.until,
        # What the message speaks of, for whoever asks later whether it still holds.
        metadata={
            "job": NAME,
            "reminder": reminder.reminder_type,
            "document_id": str(reminder.document_id),
            "event": event,
        },
    )
