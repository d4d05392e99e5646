"""Does word to the workshop still hold? In: messages waiting to go out; out, the reason for each that does not.

`jobs/catalog/maintenance_reminders.py` writes the alerts that a message speaks of into its metadata as `alert_ids`, and
the machine that a customer has as `while_out`. A message without alerts is not judged.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

from rentals.models import Equipment, MaintenanceAlert
from rentals.relevance.question import Question


def over(questions: Sequence[Question], *, now: dt.datetime) -> dict[uuid.UUID, str]:  # noqa: ARG001 (rows decide)
    """Word of alerts that are all resolved, or of a machine that is back. Two queries at most."""
    spoken_of = {question.id: _ids(question.metadata.get("alert_ids")) for question in questions}
    machines = {
        question.id: machine
        for question in questions
        if (machine := _ids([question.metadata.get("while_out")])) and spoken_of[question.id]
    }
    alerts = {alert for ids in spoken_of.values() for alert in ids}
    still_open = _found(MaintenanceAlert.objects.unresolved(), alerts)
    out = _found(Equipment.objects.filter(status="rented"), {id_ for ids in machines.values() for id_ in ids})
    answers: dict[uuid.UUID, str] = {}
    for id_, ids in spoken_of.items():
        if ids and not ids & still_open:
            answers[id_] = "What it speaks of is resolved."
        elif id_ in machines and not machines[id_] & out:
            answers[id_] = "The machine is back."
    return answers


def _found(rows: Any, ids: set[uuid.UUID]) -> set[uuid.UUID]:
    return set(rows.filter(pk__in=ids).order_by().values_list("pk", flat=True)) if ids else set()


def _ids(values: object) -> set[uuid.UUID]:
    """What can be an id; whoever writes something else is somebody else."""
    try:
        return {uuid.UUID(value) for value in values} if isinstance(values, list) else set()
    except (AttributeError, TypeError, ValueError):
        return set()
