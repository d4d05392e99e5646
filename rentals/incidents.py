"""Security incidents: in, what the rules found; out, those that are news. One a key of evidence, by the table's constraint."""

import datetime as dt
from collections.abc import Iterable, Mapping

from rentals.anomalies.finding import Finding
from rentals.insert_new import insert_new
from rentals.models import SecurityIncident


def open_incidents(findings: Iterable[Finding], *, now: dt.datetime) -> list[SecurityIncident]:
    """Open an incident for each finding whose evidence opened none yet; answers the new ones. Two statements."""
    rows = [
        SecurityIncident(
            incident_type=finding.incident_type,
            severity=finding.severity,
            description=finding.description,
            evidence=dict(finding.evidence),
            evidence_key=finding.key,
            detected_at=now,
        )
        for finding in findings
    ]
    return insert_new(SecurityIncident.objects, rows)


def told_until(incident_type: str, *, since: dt.datetime) -> Mapping[str, dt.datetime]:
    """Until when the events of each subject are evidence of an incident detected after `since`."""
    rows = SecurityIncident.objects.filter(incident_type=incident_type, detected_at__gte=since).order_by()
    told: dict[str, dt.datetime] = {}
    for subject, last_at in rows.values_list("evidence__subject", "evidence__last_at"):
        moment = dt.datetime.fromisoformat(last_at)
        told[subject] = max(moment, told.get(subject, moment))
    return told
