"""Alerts and incidents of the past: in, a Plan; out, settled ones, and two that are open: one holds, one does not any more."""

import datetime as dt
import json
from collections.abc import Iterator

from rentals.sample.plan import Plan

Row = tuple[object, ...]
COLUMNS = (
    "id", "created_at", "updated_at", "type", "severity", "entity_type", "entity_id", "summary", "details", "detected_at",
    "acknowledged_at", "acknowledged_by", "resolved_at", "status",
)  # fmt: skip
INCIDENT_COLUMNS = (
    "id", "created_at", "updated_at", "incident_type", "severity", "description", "evidence", "evidence_key", "detected_at",
    "resolved_at", "resolved_by", "resolution_notes",
)  # fmt: skip
# What each kind is about, and how it is called there.
KINDS = (
    ("low_utilization", "info", "equipment", "equipment", "Out on fewer than 3 of 30 days."),
    (
        "overdue_insurance",
        "warning",
        "insurance_document",
        "insurance_documents",
        "No valid proof of insurance.",
    ),
    ("sla_breach", "critical", "support_ticket", "support_tickets", "Past a target."),
    ("booking_conflict", "warning", "booking", "bookings", "Two bookings of one machine."),
    ("payment_failure_spike", "critical", "payment_method", "", "Payments fail more often than usual."),
    ("payout_delay", "warning", "payout", "", "A payout did not arrive."),
)
BOOKINGS_AN_ALERT = 50
INCIDENTS = 6


def alert_rows(plan: Plan) -> Iterator[Row]:
    """About 1 for 50 bookings, over the last 200 days."""
    prefix = plan.ids("alerts")
    total = plan.bookings // BOOKINGS_AN_ALERT
    for number in range(total):
        kind, severity, entity, table, summary = KINDS[number % len(KINDS)]
        entity_id = f"{plan.ids(table)}{number:012x}" if table else f"sample-{number}"
        begun_at = plan.at - dt.timedelta(minutes=3 * 24 * 60 + number * 200 * 24 * 60 // total)
        ended_at = begun_at + dt.timedelta(hours=30)
        # Half of them somebody had seen before they were over.
        seen = (begun_at + dt.timedelta(hours=2), "staff:1") if number % 2 else (None, "")
        identity = f"{prefix}{number:012x}", begun_at, ended_at
        yield (
            *identity,
            kind,
            severity,
            entity,
            entity_id,
            summary,
            "{}",
            begun_at,
            *seen,
            ended_at,
            "resolved",
        )
    if total:
        begun_at = plan.at - dt.timedelta(hours=26)
        for number, payout in ((total, "po_sample_late09"), (total + 1, "po_sample_arrived")):
            identity = f"{prefix}{number:012x}", begun_at, begun_at
            matter = "payout_delay", "critical", "payout", payout, "A payout did not arrive.", "{}"
            yield *identity, *matter, begun_at, None, "", None, "open"


def incident_rows(plan: Plan) -> Iterator[Row]:
    """Settled long ago; a business without audit events has none."""
    prefix = plan.ids("security_incidents")
    for number in range(INCIDENTS if plan.audit_events else 0):
        begun_at = plan.at - dt.timedelta(days=20 + 25 * number)
        yield (
            f"{prefix}{number:012x}",
            begun_at,
            begun_at + dt.timedelta(days=1),
            "failed_login_burst",
            "high",
            "Many failed logins from one network.",
            json.dumps({"events": 30 + number}),
            f"sample:{plan.seed}:{begun_at.date()}",
            begun_at,
            begun_at + dt.timedelta(days=1),
            "staff:1",
            "A forgotten password.",
        )
