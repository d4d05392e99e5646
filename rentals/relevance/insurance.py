"""Does an insurance reminder still hold? In: messages waiting to go out; out, the reason for each that does not.

`jobs/catalog/insurance_reminders.py` writes what a message speaks of into its metadata: `reminder`, `document_id`, and
`event`, the last day of the document, or the moment the question was planned for.
"""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, Subquery

from rentals.local_time import last_day_of
from rentals.models import InsuranceActivity, InsuranceDocument
from rentals.relevance.question import Question


@dataclass(frozen=True, slots=True)
class _Subject:
    """What one reminder says: `kind` of which document, and when."""

    kind: str
    document: uuid.UUID
    event: str


def over(questions: Sequence[Question], *, now: dt.datetime) -> dict[uuid.UUID, str]:
    """Reminders of documents that were verified, rejected, replaced or moved, or whose booking is over. One query."""
    subjects = {question.id: subject for question in questions if (subject := _subject(question.metadata))}
    found = _documents({subject.document for subject in subjects.values()}, now) if subjects else {}
    answers: dict[uuid.UUID, str] = {}
    for id_, subject in subjects.items():
        document = found.get(subject.document)
        if why := _why(subject, document) if document else "The document is gone.":
            answers[id_] = why
    return answers


def _subject(metadata: Mapping[str, Any]) -> _Subject | None:
    kind, event = metadata.get("reminder"), metadata.get("event")
    if kind not in ("expiry", "missing_info") or not isinstance(event, str):
        return None
    try:
        return _Subject(kind, uuid.UUID(str(metadata.get("document_id"))), event)
    except ValueError:
        return None


def _documents(ids: set[uuid.UUID], now: dt.datetime) -> Mapping[uuid.UUID, Any]:
    newer = InsuranceDocument.objects.filter(
        Q(created_at__gt=OuterRef("created_at"))
        | Q(created_at=OuterRef("created_at"), pk__gt=OuterRef("pk")),
        booking=OuterRef("booking"),
        document_type=OuterRef("document_type"),
    )
    asked = InsuranceActivity.objects.filter(
        document=OuterRef("pk"), action="info_requested", created_at__lte=now
    )
    rows = InsuranceDocument.objects.select_related("booking").annotate(
        is_replaced=Exists(newer),
        expiry_date=last_day_of("expires_at", zone="booking__customer__timezone"),
        asked_at=Subquery(asked.order_by("-created_at").values("created_at")[:1]),
    )
    return rows.in_bulk(ids)


def _why(subject: _Subject, document: Any) -> str | None:
    if document.booking.status in ("cancelled", "completed"):
        return f"The booking is {document.booking.status}."
    if document.is_replaced:
        return "A newer document took its place."
    if document.status == "rejected":
        return "The document is rejected."
    return _expiry(subject, document) if subject.kind == "expiry" else _missing_info(subject, document)


def _expiry(subject: _Subject, document: Any) -> str | None:
    if document.expiry_date is None:
        return "The document does not run out any more."
    date = document.expiry_date.isoformat()
    return None if date == subject.event else f"The document runs out on {date} now."


def _missing_info(subject: _Subject, document: Any) -> str | None:
    if document.status != "info_requested":
        return f"The document lacks nothing any more: it is {document.status}."
    asked_since = document.asked_at and document.asked_at > _moment_after(subject.event)
    return "It was asked for anew since." if asked_since else None


def _moment_after(event: str) -> dt.datetime:
    """The end of the second that an event names; an event that is no moment was not asked after."""
    try:
        return dt.datetime.fromisoformat(event) + dt.timedelta(seconds=1)
    except ValueError:
        return dt.datetime.max.replace(tzinfo=dt.UTC)
