"""Which payouts are settled, which are open, and whose charges they hold: in, dates and ids; out, rows by their indexes."""

import datetime as dt
from collections.abc import Collection
from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    from rentals.models import Payment, PayoutReconciliation  # noqa: F401 (named in the generic bases)


class PayoutQuerySet(models.QuerySet["PayoutReconciliation"]):
    def last_reconciled_date(self) -> dt.date | None:
        """When the newest payout arrived that is in order; None before the first."""
        newest = self.filter(status="reconciled").order_by("-arrival_date", "-id")
        return newest.values_list("arrival_date", flat=True).first()

    def open_before(self, date: dt.date) -> "PayoutQuerySet":
        """Payouts of earlier days that are not in order yet, oldest first."""
        return self.filter(status__in=["pending", "discrepancy"], arrival_date__lt=date).order_by(
            "arrival_date", "pk"
        )


class PaymentQuerySet(models.QuerySet["Payment"]):
    def of_charges(self, charges: Collection[str]) -> "PaymentQuerySet":
        """The payments of these charges at Stripe; there may be several of one."""
        # Said again for the planner: it must see that the partial index holds them all.
        return self.filter(stripe_charge_id__in=charges).exclude(stripe_charge_id="")

    def of_payout(self, payout_id: str) -> "PaymentQuerySet":
        """Those that went out with this payout, as far as we know."""
        return self.filter(payout_id=payout_id).exclude(payout_id="")
