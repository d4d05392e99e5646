"""Alerts: in, what a job found; out, those that are news. One open alert a matter, by the table's constraint.

Two runs at once both find it, and one of them opens it: who is answered a row tells people.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models.functions import Now

from rentals.insert_new import insert_new
from rentals.models import Alert


@dataclass(frozen=True, slots=True)
class Matter:
    """One thing to look at. `summary` and `details` hold ids and numbers, no names or addresses."""

    type: str
    severity: str
    entity_type: str
    entity_id: str
    summary: str
    details: Mapping[str, Any] = field(default_factory=dict)


def open_alerts(matters: Iterable[Matter], *, now: dt.datetime) -> list[Alert]:
    """Open an alert for each matter that has none open; answers the new ones. Two statements."""
    rows = [
        Alert(
            type=matter.type,
            severity=matter.severity,
            entity_type=matter.entity_type,
            entity_id=matter.entity_id,
            summary=matter.summary,
            details=dict(matter.details),
            detected_at=now,
        )
        for matter in matters
    ]
    return insert_new(Alert.objects, rows)


def resolve_alerts(ids: Collection[Any], *, now: dt.datetime) -> int:
    """Resolve these by themselves, since what they told of is over; answers how many were open. One statement."""
    if not ids:
        return 0
    still_open = Alert.objects.filter(pk__in=ids).exclude(status=Alert.Status.RESOLVED)
    return still_open.update(status=Alert.Status.RESOLVED, resolved_at=now, updated_at=Now())
