"""What providers answered: one row a try."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from notifications.models.queue import Notification


class DeliveryAttempt(models.Model):
    """One try to deliver a notification: when, by whom, and what the provider said (addresses removed)."""

    class Outcome(models.TextChoices):
        SENT = "sent", _("Sent")
        TRANSIENT = "transient", _("Transient failure")
        PERMANENT = "permanent", _("Permanent failure")
        MISCONFIGURED = "misconfigured", _("Misconfigured")
        UNKNOWN = "unknown", _("Unknown")

    id = models.BigAutoField(primary_key=True)
    # Found through the unique key below, which begins with it.
    notification = models.ForeignKey(
        Notification, on_delete=models.CASCADE, related_name="delivery_attempts", db_index=False
    )
    number = models.PositiveIntegerField()
    provider = models.TextField()
    outcome = models.TextField(choices=Outcome.choices)
    provider_code = models.TextField(blank=True)
    provider_reference = models.TextField(blank=True)
    retry_after = models.DurationField(null=True, blank=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    error = models.TextField(blank=True)

    class Meta:
        db_table = "delivery_attempts"
        verbose_name = _("delivery attempt")
        verbose_name_plural = _("delivery attempts")
        ordering = ["notification", "started_at", "id"]
        indexes = [
            models.Index(
                fields=["provider_reference"],
                condition=~Q(provider_reference=""),
                name="delivery_attempts_reference",
            ),
        ]
        constraints = [
            # A record that is written again, because the answer to the first COMMIT was lost, adds nothing.
            models.UniqueConstraint(
                fields=["notification", "number", "started_at"], name="delivery_attempts_once"
            ),
            models.CheckConstraint(
                condition=Q(outcome__in=["sent", "transient", "permanent", "misconfigured", "unknown"]),
                name="delivery_attempts_outcome",
            ),
            models.CheckConstraint(
                condition=Q(finished_at__gte=F("started_at")), name="delivery_attempts_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.notification_id} #{self.number} {self.outcome}"
