"""Payouts that do not agree, as alerts: in, rows; out, one open alert a payout for as long as it is a discrepancy."""

import datetime as dt

from django.db.models import Exists, OuterRef, QuerySet

from jobs.payouts.finding import DISCREPANCY, Finding
from rentals.alerts import Matter, open_alerts, resolve_alerts
from rentals.models import Alert, PayoutReconciliation

TYPE, ENTITY = "payout_discrepancy", "payout"


def open_alert(row: PayoutReconciliation, finding: Finding, *, now: dt.datetime) -> Alert | None:
    """A new one; None where one is open already. Critical where the money itself has not come, which is told in any case."""
    is_lost = {"failed", "canceled"} & set(finding.faults)
    if is_lost:
        lesser = _open().filter(entity_id=row.stripe_payout_id).exclude(severity=Alert.Severity.CRITICAL)
        resolve_alerts(list(lesser.values_list("pk", flat=True)), now=now)
    matter = Matter(
        type=TYPE,
        severity=Alert.Severity.CRITICAL if is_lost else Alert.Severity.WARNING,
        entity_type=ENTITY,
        entity_id=row.stripe_payout_id,
        summary=f"Payout {row.stripe_payout_id}: {', '.join(finding.faults).replace('_', ' ')}",
        details={
            "arrival_date": row.arrival_date.isoformat(),
            "amount": str(row.amount),
            "expected_amount": str(row.expected_amount),
            "currency": row.currency,
            "faults": list(finding.faults),
        },
    )
    return next(iter(open_alerts([matter], now=now)), None)


def resolve_over(*, now: dt.datetime) -> int:
    """Resolve those whose payout is in order now, by a run or by a person; answers how many. Two statements."""
    wrong = PayoutReconciliation.objects.filter(stripe_payout_id=OuterRef("entity_id"), status=DISCREPANCY)
    over = _open().filter(~Exists(wrong)).values_list("pk", flat=True)
    return resolve_alerts(list(over), now=now)


def _open() -> QuerySet[Alert]:
    return Alert.objects.exclude(status=Alert.Status.RESOLVED).filter(type=TYPE, entity_type=ENTITY)
