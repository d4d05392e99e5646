"""What staff should look at: in, what the jobs find; out, one alert a matter while it is open."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from rentals.models.record import Record
from rentals.querysets.alerts import AlertQuerySet


class Alert(Record):
    """One matter of one entity. `details` and `summary` hold ids and numbers, no names or addresses.

    A second one of the same type and entity cannot be opened before it is resolved; to acknowledge it is not to
    resolve it. `acknowledged_by` is staff:<id>. `told_severity` is the gravest that staff heard of from
    `generate_dashboard_alerts` or `sla_monitor`; other jobs that tell of their own alerts leave it empty.
    """

    class Severity(models.TextChoices):
        INFO = "info", _("Info")
        WARNING = "warning", _("Warning")
        CRITICAL = "critical", _("Critical")

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        ACKNOWLEDGED = "acknowledged", _("Acknowledged")
        RESOLVED = "resolved", _("Resolved")

    type = models.TextField()
    severity = models.TextField(choices=Severity.choices, default=Severity.WARNING)
    told_severity = models.TextField(
        choices=[("warning", _("Warning")), ("critical", _("Critical"))],
        blank=True,
        default="",
        db_default="",
    )
    entity_type = models.TextField()
    entity_id = models.TextField()
    summary = models.TextField(blank=True, default="")
    details = models.JSONField(default=dict, blank=True)
    detected_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.TextField(blank=True, default="")
    resolved_at = models.DateTimeField(null=True, blank=True)
    status = models.TextField(choices=Status.choices, default=Status.OPEN)

    objects = AlertQuerySet.as_manager()

    class Meta:
        db_table = "alerts"
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        ordering = ["-detected_at", "-id"]
        indexes = [
            # The admin's list in its order, a page at a time.
            models.Index(fields=["-detected_at", "-id"], name="alerts_latest"),
            # installment_reminders: what was said before of a matter that is silent now.
            models.Index(
                fields=["type", "entity_type", "entity_id"],
                condition=Q(status="resolved"),
                name="alerts_resolved",
            ),
        ]
        constraints = [
            # generate_dashboard_alerts: ON CONFLICT DO NOTHING; also the index of what is open.
            models.UniqueConstraint(
                fields=["type", "entity_type", "entity_id"],
                condition=~Q(status="resolved"),
                name="alerts_one_open",
            ),
            models.CheckConstraint(
                condition=~Q(type="") & ~Q(entity_type="") & ~Q(entity_id=""), name="alerts_says_of_what"
            ),
            models.CheckConstraint(
                condition=Q(severity__in=["info", "warning", "critical"]), name="alerts_severity"
            ),
            models.CheckConstraint(
                condition=Q(told_severity__in=["", "warning", "critical"]), name="alerts_told_severity"
            ),
            models.CheckConstraint(
                condition=Q(status="resolved", resolved_at__isnull=False)
                | Q(status__in=["open", "acknowledged"], resolved_at__isnull=True),
                name="alerts_resolved_at",
            ),
            # One that resolves itself may never have been seen.
            models.CheckConstraint(
                condition=Q(status="open", acknowledged_at__isnull=True)
                | Q(status="acknowledged", acknowledged_at__isnull=False)
                | Q(status="resolved"),
                name="alerts_acknowledged_at",
            ),
            models.CheckConstraint(
                condition=Q(acknowledged_at__isnull=True, acknowledged_by="")
                | Q(acknowledged_at__isnull=False) & ~Q(acknowledged_by=""),
                name="alerts_acknowledged_by",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.status}"
