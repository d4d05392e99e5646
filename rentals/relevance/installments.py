"""Does a reminder of an instalment still hold? In: messages waiting to go out; out, the reason for each that does not.

`jobs/catalog/installment_reminders.py` writes what a message speaks of into its metadata: `reminder`, `installment_id`
and `event`, the due date it was about. A message without these is somebody else's, and not judged.
"""

import datetime as dt
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rentals.models import InstallmentSchedule
from rentals.relevance.question import Question

KINDS = frozenset({"due_soon", "due_today", "overdue", "overdue_second", "overdue_final"})


@dataclass(frozen=True, slots=True)
class _Subject:
    """Which instalment, due when."""

    installment: uuid.UUID
    event: str


@dataclass(frozen=True, slots=True)
class _State:
    """The instalment as it is now."""

    status: str
    due_date: dt.date
    booking_status: str


def over(questions: Sequence[Question], *, now: dt.datetime) -> dict[uuid.UUID, str]:  # noqa: ARG001 (dates decide)
    """Reminders of instalments that were paid, cancelled or moved. One query at most."""
    subjects = {question.id: subject for question in questions if (subject := _subject(question.metadata))}
    found = _found({subject.installment for subject in subjects.values()}) if subjects else {}
    return {
        id_: why
        for id_, subject in subjects.items()
        if (why := _why(subject, found.get(subject.installment)))
    }


def _subject(metadata: Mapping[str, Any]) -> _Subject | None:
    kind, event = metadata.get("reminder"), metadata.get("event")
    if not isinstance(kind, str) or kind not in KINDS or not isinstance(event, str):
        return None
    try:
        return _Subject(uuid.UUID(str(metadata.get("installment_id"))), event)
    except ValueError:
        return None


def _found(ids: Collection[uuid.UUID]) -> dict[uuid.UUID, _State]:
    rows = InstallmentSchedule.objects.filter(pk__in=ids).order_by()
    states = rows.values_list("pk", "status", "due_date", "booking__status")
    return {pk: _State(status, due_date, booking_status) for pk, status, due_date, booking_status in states}


def _why(subject: _Subject, state: _State | None) -> str | None:
    if state is None:
        return "The instalment is gone."
    if state.status in ("paid", "cancelled"):
        return f"The instalment is {state.status}."
    if state.booking_status == "cancelled":
        return "The booking is cancelled."
    if state.due_date.isoformat() != subject.event:
        return f"The instalment moved to {state.due_date.isoformat()}."
    return None
