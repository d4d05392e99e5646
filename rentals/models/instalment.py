"""Payment by instalments: in, the plan of a booking; out, which part is due on which day, and whether it came."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from rentals.models.booking import Booking
from rentals.models.payment import Payment
from rentals.models.record import Record
from rentals.querysets.installments import InstallmentQuerySet


class InstallmentSchedule(Record):
    """One part of what a booking costs, in the booking's currency, due on a day of the customer's time zone."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        PAID = "paid", _("Paid")
        OVERDUE = "overdue", _("Overdue")
        CANCELLED = "cancelled", _("Cancelled")

    booking = models.ForeignKey(
        Booking, on_delete=models.PROTECT, related_name="installments", db_index=False
    )
    installment_number = models.PositiveSmallIntegerField()
    due_date = models.DateField()
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    status = models.TextField(choices=Status.choices, default=Status.PENDING)
    payment = models.ForeignKey(
        Payment, null=True, blank=True, on_delete=models.PROTECT, related_name="installments"
    )
    paid_at = models.DateTimeField(null=True, blank=True)
    reminder_sent_at = models.DateTimeField(null=True, blank=True)
    # What the last reminder spoke of, so that a date that moved is told again, and nothing else is.
    reminded_due_date = models.DateField(null=True, blank=True)
    reminded_days = models.SmallIntegerField(
        null=True, blank=True, help_text=_("The milestone, in days from the due date: -3, 0, 1, 7 or 14")
    )

    objects = InstallmentQuerySet.as_manager()

    class Meta:
        db_table = "installment_schedules"
        verbose_name = _("instalment")
        verbose_name_plural = _("instalments")
        ordering = ["-due_date", "-id"]
        indexes = [
            # installment_reminders, mv_financial_summary: what is still to come in, without the history.
            models.Index(
                fields=["due_date"],
                condition=Q(status__in=["pending", "overdue"]),
                name="installment_schedules_unpaid",
            ),
            # The admin's list in its order, a page at a time.
            models.Index(fields=["-due_date", "-id"], name="installment_schedules_latest"),
        ]
        constraints = [
            # Also the index of the booking's key.
            models.UniqueConstraint(
                fields=["booking", "installment_number"], name="installment_schedules_number"
            ),
            models.CheckConstraint(
                condition=Q(installment_number__gte=1), name="installment_schedules_counts_from_one"
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="installment_schedules_amount"),
            models.CheckConstraint(
                condition=Q(status="paid", paid_at__isnull=False)
                | Q(status__in=["pending", "overdue", "cancelled"], paid_at__isnull=True),
                name="installment_schedules_paid_at",
            ),
            models.CheckConstraint(
                condition=Q(reminded_due_date__isnull=True, reminded_days__isnull=True)
                | Q(
                    reminder_sent_at__isnull=False,
                    reminded_due_date__isnull=False,
                    reminded_days__isnull=False,
                ),
                name="installment_schedules_reminded",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.installment_number} {self.due_date} {self.status}"
