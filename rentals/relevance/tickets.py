"""Does a message about a promised time still hold? In: messages waiting to go out; out, the reason for each that does not.

`jobs/catalog/sla_monitor.py` writes what a message speaks of into its metadata: `sla` (the target), `ticket_id` and
`event`, the moment by which it was promised. A message without these is somebody else's, and not judged.
"""

import datetime as dt
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rentals.models import SupportSla
from rentals.relevance.question import Question


@dataclass(frozen=True, slots=True)
class _Subject:
    """Which target of which ticket, and by when."""

    target: str
    ticket: uuid.UUID
    event: dt.datetime


@dataclass(frozen=True, slots=True)
class _State:
    """The ticket as it is now."""

    status: str
    responded_at: dt.datetime | None
    due_at: Mapping[str, dt.datetime]


def over(questions: Sequence[Question], *, now: dt.datetime) -> dict[uuid.UUID, str]:  # noqa: ARG001 (the ticket decides)
    """Messages about tickets that were answered or solved, or have another promise. One query at most."""
    subjects = {question.id: subject for question in questions if (subject := _subject(question.metadata))}
    found = _found({subject.ticket for subject in subjects.values()}) if subjects else {}
    return {
        id_: why for id_, subject in subjects.items() if (why := _why(subject, found.get(subject.ticket)))
    }


def _subject(metadata: Mapping[str, Any]) -> _Subject | None:
    target = metadata.get("sla")
    if target not in ("response", "resolution"):
        return None
    try:
        event = dt.datetime.fromisoformat(str(metadata.get("event")))
        return _Subject(target, uuid.UUID(str(metadata.get("ticket_id"))), event)
    except ValueError:
        return None


def _found(ids: Collection[uuid.UUID]) -> dict[uuid.UUID, _State]:
    rows = SupportSla.objects.filter(ticket__in=ids).select_related("ticket").order_by()
    return {
        row.ticket_id: _State(
            row.ticket.status,
            row.ticket.first_response_at,
            {
                "response": row.ticket.created_at + dt.timedelta(minutes=row.target_response_minutes),
                "resolution": row.ticket.created_at + dt.timedelta(minutes=row.target_resolution_minutes),
            },
        )
        for row in rows
    }


def _why(subject: _Subject, state: _State | None) -> str | None:
    if state is None:
        return "The ticket is gone."
    if state.status in ("resolved", "closed"):
        return f"The ticket is {state.status}."
    if subject.target == "response" and state.responded_at is not None:
        return "The ticket was answered."
    if state.due_at[subject.target] != subject.event:
        return "The ticket has another target by now."
    return None
