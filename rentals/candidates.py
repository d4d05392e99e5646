"""From candidates to alerts: in, the rows of `mv_alert_candidates`; out, alerts opened, brought up to date and resolved.

In one statement, so that it all happens by one picture of the view, and only by a picture of the present: of one that is
empty or old nothing is known, least of all that every matter is settled.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connection, transaction

from rentals.models import ViewState

VIEW = "mv_alert_candidates"
TYPES = (
    "low_utilization",
    "overdue_insurance",
    "sla_breach",
    "payout_delay",
    "booking_conflict",
    "payment_failure_spike",
)
# Three refreshes that did not come. Also of one computed for a moment yet to come (`run_job --at`).
OLDEST = dt.timedelta(minutes=15)

# No index answers «NOT EXISTS … candidate», but open alerts and candidates are few; both are read once. A payment
# without a method is a matter too, and an alert must say of what it is.
TAKE = """
WITH candidate AS MATERIALIZED (
    SELECT alert_type AS type, entity_type, COALESCE(NULLIF(entity_id, ''), 'unknown') AS entity_id, severity,
        detected_at, payload AS details, CASE alert_type
            WHEN 'low_utilization' THEN format('%%s: rented on %%s of %%s days',
                payload ->> 'unit_id', payload ->> 'rented_days', payload ->> 'window_days')
            WHEN 'overdue_insurance' THEN format('Proof of insurance %%s, rental from %%s to %%s',
                CASE payload ->> 'document_status' WHEN 'verified' THEN 'expired' ELSE 'not verified' END,
                payload ->> 'start_date', payload ->> 'end_date')
            WHEN 'sla_breach' THEN format('Ticket of priority %%s: past its target for %%s', payload ->> 'priority',
                CASE WHEN (payload ->> 'resolution_breached')::boolean THEN 'the solution' ELSE 'the answer' END)
            WHEN 'payout_delay' THEN format('%%s %%s, expected on %%s',
                payload ->> 'amount', payload ->> 'currency', payload ->> 'arrival_date')
            WHEN 'booking_conflict' THEN format('The machine is booked twice from %%s on',
                payload ->> 'first_conflict_date')
            WHEN 'payment_failure_spike' THEN format('%%s of %%s payments failed within %%s hours',
                payload ->> 'failed', payload ->> 'tried', payload ->> 'window_hours')
        END AS summary
    FROM mv_alert_candidates
    WHERE alert_type = ANY(%(types)s)
), opened AS (
    INSERT INTO alerts
        (type, severity, entity_type, entity_id, summary, details, detected_at, status, acknowledged_by)
    SELECT type, severity, entity_type, entity_id, summary, details, detected_at, 'open', '' FROM candidate
    ON CONFLICT (type, entity_type, entity_id) WHERE status <> 'resolved' DO NOTHING
    RETURNING type
), updated AS (
    UPDATE alerts AS alert
    SET severity = candidate.severity, summary = candidate.summary, details = candidate.details, updated_at = now()
    FROM candidate
    WHERE alert.status <> 'resolved'
        AND (alert.type, alert.entity_type, alert.entity_id)
            = (candidate.type, candidate.entity_type, candidate.entity_id)
        AND (alert.severity, alert.summary, alert.details)
            IS DISTINCT FROM (candidate.severity, candidate.summary, candidate.details)
    RETURNING alert.type
), resolved AS (
    UPDATE alerts AS alert
    SET status = 'resolved', resolved_at = %(now)s, updated_at = now()
    WHERE alert.status <> 'resolved' AND alert.type = ANY(%(types)s)
        AND NOT EXISTS (
            SELECT FROM candidate
            WHERE (alert.type, alert.entity_type, alert.entity_id)
                = (candidate.type, candidate.entity_type, candidate.entity_id)
        )
    RETURNING alert.type
)
SELECT type, (SELECT count(*) FROM candidate WHERE candidate.type = known.type),
    (SELECT count(*) FROM opened WHERE opened.type = known.type),
    (SELECT count(*) FROM updated WHERE updated.type = known.type),
    (SELECT count(*) FROM resolved WHERE resolved.type = known.type)
FROM unnest(%(types)s::text[]) AS known (type)
"""


class UntrustedCandidatesError(Exception):
    """The view says nothing of the present, so no alert was opened or resolved. The text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of the candidates: how many there are by type, and how many alerts were changed by them."""

    candidates: Mapping[str, int]
    opened: int
    updated: int
    resolved: int


def take_candidates(*, now: dt.datetime) -> Taken:
    """Open an alert for each new candidate, bring the open ones up to date, resolve those whose candidate is gone.

    Only alerts of the six types are touched, whether open or acknowledged. Raises UntrustedCandidatesError.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        _require_present(now)
        cursor.execute(TAKE, {"types": list(TYPES), "now": now})
        rows = cursor.fetchall()
    return Taken(
        candidates={type_: count for type_, count, *_ in rows},
        opened=sum(row[2] for row in rows),
        updated=sum(row[3] for row in rows),
        resolved=sum(row[4] for row in rows),
    )


def _require_present(now: dt.datetime) -> None:
    """The view was computed for about `now`; until the transaction ends, no refresh puts another in its place, and nobody
    else takes its candidates."""
    hint = "Run refresh_materialized_views, and see in Admin › Materialized views why it is missing."
    with connection.cursor() as cursor:
        cursor.execute("SELECT relispopulated FROM pg_class WHERE oid = %s::regclass", [VIEW])
        if not cursor.fetchone()[0]:
            raise UntrustedCandidatesError(f"{VIEW} was never filled. {hint}")
    # A refresh writes this row last, and waits for us there.
    state = ViewState.objects.select_for_update(no_key=True).filter(view_name=VIEW).first()
    if state is None or state.moment is None:
        raise UntrustedCandidatesError(f"{VIEW} was never refreshed. {hint}")
    if not now - OLDEST <= state.moment <= now + OLDEST:
        at = state.moment.astimezone(dt.UTC).isoformat(timespec="seconds")
        raise UntrustedCandidatesError(
            f"{VIEW} was computed for {at}, which is more than {OLDEST.seconds // 60} minutes away. {hint}"
        )
