"""Does word of an alert still hold? In: messages waiting to go out; out, the reason for each that does not.

`jobs/catalog/generate_dashboard_alerts.py` writes into the metadata which alert a message speaks of (`alert_id`), or of
which type many do (`alert_type`), and how grave it was (`severity`). A message without these is not judged.
"""

import datetime as dt
import uuid
from collections.abc import Sequence

from rentals.models import Alert
from rentals.relevance.question import Question


def over(questions: Sequence[Question], *, now: dt.datetime) -> dict[uuid.UUID, str]:  # noqa: ARG001 (the status decides)
    """Word of alerts that are resolved, or of a warning that grew critical since. Two queries at most.

    Acknowledged is no reason: one may have grown graver after that. Nor is one that fell to a warning: it still stands.
    """
    about = {question.id: alert for question in questions if (alert := _alert_of(question))}
    found = Alert.objects.in_bulk(set(about.values())) if about else {}
    answers = _none_left(questions)
    for question in questions:
        if question.id in about and (why := _why(question, found.get(about[question.id]))):
            answers[question.id] = why
    return answers


def _alert_of(question: Question) -> uuid.UUID | None:
    try:
        return uuid.UUID(str(question.metadata.get("alert_id")))
    except ValueError:
        return None


def _why(question: Question, alert: Alert | None) -> str | None:
    if alert is None:
        return "The alert is gone."
    if alert.status == Alert.Status.RESOLVED:
        return "The alert is resolved."
    if question.metadata.get("severity") == "warning" and alert.severity == Alert.Severity.CRITICAL:
        return "It has become critical, which is told by itself."
    return None


def _none_left(questions: Sequence[Question]) -> dict[uuid.UUID, str]:
    types = {q.id: str(q.metadata["alert_type"]) for q in questions if "alert_type" in q.metadata}
    if not types:
        return {}
    left = set(
        Alert.objects.unresolved(types=set(types.values()))
        .order_by()
        .values_list("type", flat=True)
        .distinct()
    )
    return {id_: "All of these alerts are resolved." for id_, type_ in types.items() if type_ not in left}
