"""A payout that a person has explained: in, its row and who says so; out, reconciled, and its alert resolved."""

import datetime as dt
import uuid
from decimal import Decimal

from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Coalesce, Now

from rentals.alerts import resolve_alerts
from rentals.models import Alert, PayoutReconciliation


def settle_payout(pk: uuid.UUID, *, by: str, now: dt.datetime) -> bool:
    """False, and nothing changed, if it is in order already. It stays settled until Stripe says something new of it.

    Its lists stay as they were found. One that was never judged expects nothing.
    """
    with transaction.atomic():
        rows = PayoutReconciliation.objects.filter(pk=pk).exclude(
            status=PayoutReconciliation.Status.RECONCILED
        )
        written = rows.update(
            status=PayoutReconciliation.Status.RECONCILED,
            expected_amount=Coalesce("expected_amount", Value(Decimal(0))),
            reconciled_by=by,
            reconciled_at=now,
            updated_at=Now(),
        )
        if written:
            payout_id = PayoutReconciliation.objects.values_list("stripe_payout_id", flat=True).get(pk=pk)
            resolve_alerts(_open_alerts(payout_id), now=now)
    return bool(written)


def _open_alerts(payout_id: str) -> list[uuid.UUID]:
    rows = Alert.objects.exclude(status=Alert.Status.RESOLVED).filter(
        type="payout_discrepancy", entity_type="payout", entity_id=payout_id
    )
    return list(rows.values_list("pk", flat=True))
