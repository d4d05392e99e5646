"""A finding on record: in, a payout and its finding, in a transaction; out, its row and our payments, changed where they differ."""

import datetime as dt
import uuid
from collections.abc import Collection, Sequence
from itertools import islice

from django.db.models.functions import Now

from jobs.gateways.stripe import Payout
from jobs.payouts.finding import RECONCILED, Finding
from rentals.models import Payment, PayoutReconciliation

PAGE = 1000
JOB = "job:payout_reconciliation"


def unsettled(payouts: Collection[Payout]) -> list[Payout]:
    """Those that have no row, or one that is not in order or speaks of something else. One query."""
    rows = PayoutReconciliation.objects.defer("updated_at", "created_at").in_bulk(
        [payout.id for payout in payouts], field_name="stripe_payout_id"
    )
    return [p for p in payouts if p.id not in rows or not _is_settled(rows[p.id], p)]


def register(payouts: Collection[Payout]) -> None:
    """A row for each that has none: from now on a run that cannot read it leaves it open, and the next asks again."""
    PayoutReconciliation.objects.bulk_create(
        (
            PayoutReconciliation(
                stripe_payout_id=payout.id,
                arrival_date=payout.arrival_date,
                amount=payout.amount,
                currency=payout.currency,
            )
            for payout in payouts
        ),
        ignore_conflicts=True,
    )


def write_finding(payout: Payout, finding: Finding, *, now: dt.datetime) -> tuple[PayoutReconciliation, bool]:
    """The payout's row, locked until the transaction ends, and whether it changed.

    What a person has settled since we looked stays settled, as long as Stripe says what it said then.
    """
    row = PayoutReconciliation.objects.select_for_update().get(stripe_payout_id=payout.id)
    if _is_settled(row, payout):
        return row, False
    is_right = finding.status == RECONCILED
    values = {
        "arrival_date": payout.arrival_date,
        "amount": payout.amount,
        "currency": payout.currency,
        "expected_amount": finding.expected,
        "status": finding.status,
        "details": dict(finding.details),
        "reconciled_by": JOB if is_right else "",
        "reconciled_at": now if is_right else None,
    }
    changed = [name for name, value in values.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, values[name])
    if changed:
        row.save(update_fields=[*changed, "updated_at"])
    return row, bool(changed)


def link_payments(payout_id: str, payments: Sequence[uuid.UUID]) -> int:
    """Note on our payments with which payout they went out; answers how many did not say so. One statement a page."""
    rest, linked = iter(payments), 0
    while page := list(islice(rest, PAGE)):
        rows = Payment.objects.filter(pk__in=page).exclude(payout_id=payout_id)
        linked += rows.update(payout_id=payout_id, updated_at=Now())
    return linked


def _is_settled(row: PayoutReconciliation, payout: Payout) -> bool:
    """In order, and Stripe has not thought again since: a bank may send a paid payout back days later."""
    known = row.arrival_date, row.amount, row.details.get("stripe_status", "paid")
    return row.status == RECONCILED and known == (payout.arrival_date, payout.amount, payout.status)
