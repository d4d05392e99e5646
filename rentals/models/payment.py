"""Payments: in, money for a booking by card, transfer or cash; out, its state and its traces at Stripe."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from rentals.models.booking import Booking
from rentals.models.record import Record
from rentals.querysets.payouts import PaymentQuerySet


class Payment(Record):
    """One payment of a booking, whole or in part."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        PROCESSING = "processing", _("Processing")
        COMPLETED = "completed", _("Completed")
        FAILED = "failed", _("Failed")
        REFUNDED = "refunded", _("Refunded")

    # The money came, even if it went back later.
    RECEIVED = (Status.COMPLETED, Status.REFUNDED)

    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="payments")
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    currency = models.TextField(default="CAD")
    status = models.TextField(choices=Status.choices, default=Status.PENDING)
    payment_method = models.TextField(default="card")
    stripe_payment_intent_id = models.TextField(blank=True, default="")
    stripe_charge_id = models.TextField(blank=True, default="")
    payout_id = models.TextField(blank=True, default="")

    objects = PaymentQuerySet.as_manager()

    class Meta:
        db_table = "payments"
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        ordering = ["-created_at", "-id"]
        indexes = [
            # payout_reconciliation: which payment is this charge, and which payments went out with this payout?
            models.Index(
                fields=["stripe_charge_id"],
                condition=~Q(stripe_charge_id=""),
                name="payments_stripe_charge",
            ),
            models.Index(fields=["payout_id"], condition=~Q(payout_id=""), name="payments_payout"),
            # The admin's list in its order; mv_alert_candidates: the failures of the last hours.
            models.Index(fields=["-created_at", "-id"], name="payments_latest"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["pending", "processing", "completed", "failed", "refunded"]),
                name="payments_status",
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="payments_amount"),
            models.CheckConstraint(condition=Q(currency__regex=r"^[A-Z]{3}$"), name="payments_currency"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency} {self.status}"
