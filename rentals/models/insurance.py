"""Proofs of insurance: in, what customers hand in for a booking; out, what is missing, what runs out, and what was done."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from rentals.models.booking import Booking
from rentals.models.record import Record
from rentals.querysets.insurance import InsuranceReminderQuerySet


class InsuranceDocument(Record):
    """One document. It is replaced once its booking has a newer one of the same type: by `created_at`, then `id`.

    What is replaced or rejected calls for nothing any more, whatever its status says.
    """

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        VERIFIED = "verified", _("Verified")
        REJECTED = "rejected", _("Rejected")
        INFO_REQUESTED = "info_requested", _("Information requested")

    booking = models.ForeignKey(
        Booking, on_delete=models.PROTECT, related_name="insurance_documents", db_index=False
    )
    document_type = models.TextField(default="liability")
    status = models.TextField(choices=Status.choices, default=Status.PENDING)
    expires_at = models.DateTimeField(null=True, blank=True)
    requested_info = models.JSONField(
        default=list, blank=True, help_text=_("What is missing: a list of texts")
    )
    last_reminder_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "insurance_documents"
        verbose_name = _("insurance document")
        verbose_name_plural = _("insurance documents")
        ordering = ["-created_at", "-id"]
        indexes = [
            # insurance_reminders: what runs out soon. Rejected ones are settled.
            models.Index(
                fields=["expires_at"],
                condition=Q(status__in=["pending", "verified", "info_requested"]),
                name="insurance_documents_expiry",
            ),
            # insurance_reminders: those that lack something, without the history.
            models.Index(
                fields=["last_reminder_at"],
                condition=Q(status="info_requested"),
                name="insurance_documents_missing",
            ),
            # «Is there a newer one?», and the booking's key.
            models.Index(
                fields=["booking", "document_type", "-created_at", "-id"], name="insurance_documents_newest"
            ),
            # The admin's list in its order, and the views' count by day.
            models.Index(fields=["-created_at", "-id"], name="insurance_documents_latest"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["pending", "verified", "rejected", "info_requested"]),
                name="insurance_documents_status",
            ),
            models.CheckConstraint(condition=~Q(document_type=""), name="insurance_documents_document_type"),
            models.CheckConstraint(
                condition=~Q(status="info_requested") | ~Q(requested_info__in=[[], {}]),
                name="insurance_documents_says_what",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.document_type} {self.status}"


class InsuranceReminder(Record):
    """One reminder of a document, planned (rentals/plan_insurance.py), sent, or cancelled because it settled itself."""

    class ReminderType(models.TextChoices):
        EXPIRY = "expiry", _("Expiry")
        MISSING_INFO = "missing_info", _("Missing information")

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        SENT = "sent", _("Sent")
        CANCELLED = "cancelled", _("Cancelled")

    document = models.ForeignKey(
        InsuranceDocument, on_delete=models.CASCADE, related_name="reminders", db_index=False
    )
    reminder_type = models.TextField(choices=ReminderType.choices)
    scheduled_at = models.DateTimeField()
    status = models.TextField(choices=Status.choices, default=Status.PENDING)
    sent_at = models.DateTimeField(null=True, blank=True)

    objects = InsuranceReminderQuerySet.as_manager()

    class Meta:
        db_table = "insurance_reminders"
        verbose_name = _("insurance reminder")
        verbose_name_plural = _("insurance reminders")
        ordering = ["-scheduled_at", "-id"]
        indexes = [
            # insurance_reminders: what is due, without the history.
            models.Index(
                fields=["scheduled_at"], condition=Q(status="pending"), name="insurance_reminders_due"
            ),
        ]
        constraints = [
            # Planned once, however often the job runs. Also the index of the document's key.
            models.UniqueConstraint(
                fields=["document", "reminder_type", "scheduled_at"], name="insurance_reminders_once"
            ),
            models.CheckConstraint(
                condition=Q(reminder_type__in=["expiry", "missing_info"]),
                name="insurance_reminders_reminder_type",
            ),
            models.CheckConstraint(
                condition=Q(status="sent", sent_at__isnull=False)
                | Q(status__in=["pending", "cancelled"], sent_at__isnull=True),
                name="insurance_reminders_sent_at",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reminder_type} {self.scheduled_at:%Y-%m-%d} {self.status}"


class InsuranceActivity(Record):
    """What was done with a document, by whom: `actor` is customer:<id>, staff:<id> or job:<name>."""

    class Action(models.TextChoices):
        SUBMITTED = "submitted", _("Submitted")
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")
        INFO_REQUESTED = "info_requested", _("Information requested")
        REMINDER_SENT = "reminder_sent", _("Reminder sent")

    document = models.ForeignKey(
        InsuranceDocument, on_delete=models.PROTECT, related_name="activity", db_index=False
    )
    action = models.TextField(choices=Action.choices)
    actor = models.TextField(blank=True, default="")
    details = models.JSONField(default=dict, blank=True)

    class Meta:
        db_table = "insurance_activity"
        verbose_name = _("insurance activity")
        verbose_name_plural = _("insurance activity")
        ordering = ["-created_at", "-id"]
        indexes = [
            # The story of one document, and its key.
            models.Index(fields=["document", "-created_at"], name="insurance_activity_story"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    action__in=["submitted", "approved", "rejected", "info_requested", "reminder_sent"]
                ),
                name="insurance_activity_action",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.actor}"
