"""Payouts: in, what Stripe paid out; out, whether our payments say the same."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from rentals.models.record import Record
from rentals.querysets.payouts import PayoutQuerySet


class PayoutReconciliation(Record):
    """One payout. Amounts may be negative: where refunds exceed charges, Stripe takes money back.

    `details` holds ids and numbers: matched, missing here, missing at Stripe, fees, refunds.
    `reconciled_by` is staff:<id> or job:<name>.
    """

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        RECONCILED = "reconciled", _("Reconciled")
        DISCREPANCY = "discrepancy", _("Discrepancy")

    stripe_payout_id = models.TextField()
    arrival_date = models.DateField()
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    expected_amount = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    currency = models.TextField(default="CAD")
    status = models.TextField(choices=Status.choices, default=Status.PENDING)
    details = models.JSONField(default=dict, blank=True)
    reconciled_by = models.TextField(blank=True, default="")
    reconciled_at = models.DateTimeField(null=True, blank=True)

    objects = PayoutQuerySet.as_manager()

    class Meta:
        db_table = "payout_reconciliations"
        verbose_name = _("payout")
        verbose_name_plural = _("payouts")
        ordering = ["-arrival_date", "-id"]
        indexes = [
            # payout_reconciliation: the newest arrival; the admin's list in its order.
            models.Index(fields=["-arrival_date", "-id"], name="payout_reconciliations_latest"),
            # mv_financial_summary, mv_alert_candidates: what is not settled, without the history.
            models.Index(
                fields=["arrival_date"],
                condition=Q(status__in=["pending", "discrepancy"]),
                name="payout_reconciliations_open",
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["stripe_payout_id"], name="payout_reconciliations_payout"),
            models.CheckConstraint(
                condition=Q(status__in=["pending", "reconciled", "discrepancy"]),
                name="payout_reconciliations_status",
            ),
            models.CheckConstraint(
                condition=Q(status="pending") | Q(expected_amount__isnull=False),
                name="payout_reconciliations_expected",
            ),
            # A discrepancy that a person explained becomes reconciled; until then nobody has reconciled it.
            models.CheckConstraint(
                condition=Q(status="reconciled", reconciled_at__isnull=False)
                | Q(status__in=["pending", "discrepancy"], reconciled_at__isnull=True),
                name="payout_reconciliations_reconciled_at",
            ),
            models.CheckConstraint(
                condition=Q(currency__regex=r"^[A-Z]{3}$"), name="payout_reconciliations_currency"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stripe_payout_id} {self.status}"
