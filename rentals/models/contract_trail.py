"""What happens to a contract: in, reminders that staff plan and events of its signing; out, what is due and what was done."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from rentals.models.contract import Contract
from rentals.models.record import Record
from rentals.querysets.contracts import ContractReminderQuerySet


class ContractReminder(Record):
    """A reminder for those who have not signed, planned by staff, or because the contract expires (rentals/plan_contracts.py)."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        SENT = "sent", _("Sent")
        CANCELLED = "cancelled", _("Cancelled")

    contract = models.ForeignKey(Contract, on_delete=models.CASCADE, related_name="reminders")
    scheduled_at = models.DateTimeField()
    status = models.TextField(choices=Status.choices, default=Status.PENDING)
    sent_at = models.DateTimeField(null=True, blank=True)

    objects = ContractReminderQuerySet.as_manager()

    class Meta:
        db_table = "contract_reminders"
        verbose_name = _("contract reminder")
        verbose_name_plural = _("contract reminders")
        ordering = ["-scheduled_at", "-id"]
        indexes = [
            # contract_reminders: what is due, without the history.
            models.Index(
                fields=["scheduled_at"], condition=Q(status="pending"), name="contract_reminders_due"
            ),
        ]
        constraints = [
            # A cancelled one may be planned again for the same moment.
            models.UniqueConstraint(
                fields=["contract", "scheduled_at"],
                condition=~Q(status="cancelled"),
                name="contract_reminders_once",
            ),
            models.CheckConstraint(
                condition=Q(status="sent", sent_at__isnull=False)
                | Q(status__in=["pending", "cancelled"], sent_at__isnull=True),
                name="contract_reminders_sent_at",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scheduled_at:%Y-%m-%d %H:%M} {self.status}"


class ContractEvent(Record):
    """One thing that happened to a contract. `metadata` holds ids and numbers, no names or addresses."""

    class EventType(models.TextChoices):
        SENT = "sent", _("Sent")
        VIEWED = "viewed", _("Viewed")
        SIGNED = "signed", _("Signed")
        VOIDED = "voided", _("Voided")
        REMINDER_SENT = "reminder_sent", _("Reminder sent")
        COMPLETED = "completed", _("Completed")

    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="events", db_index=False)
    event_type = models.TextField(choices=EventType.choices)
    metadata = models.JSONField(default=dict, blank=True)
    occurred_at = models.DateTimeField()

    class Meta:
        db_table = "contract_events"
        verbose_name = _("contract event")
        verbose_name_plural = _("contract events")
        ordering = ["-occurred_at", "-id"]
        indexes = [
            # The story of one contract, and its key.
            models.Index(fields=["contract", "-occurred_at"], name="contract_events_story"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    event_type__in=["sent", "viewed", "signed", "voided", "reminder_sent", "completed"]
                ),
                name="contract_events_event_type",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.occurred_at:%Y-%m-%d %H:%M}"
