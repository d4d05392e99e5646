"""What was done, and what was suspicious in it: in, events of every system; out, incidents with their evidence."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from rentals.models.record import Record
from rentals.querysets.audit import AuditEventQuerySet


class AuditEvent(Record):
    """One act of one actor. Ids are opaque texts, since the systems that write here have their own."""

    class Severity(models.TextChoices):
        LOW = "low", _("Low")
        MEDIUM = "medium", _("Medium")
        HIGH = "high", _("High")
        CRITICAL = "critical", _("Critical")

    event_type = models.TextField()
    actor_id = models.TextField(blank=True, default="")
    actor_role = models.TextField(blank=True, default="")
    resource_type = models.TextField(blank=True, default="")
    resource_id = models.TextField(blank=True, default="")
    action = models.TextField(blank=True, default="")
    severity = models.TextField(choices=Severity.choices, default=Severity.LOW)
    metadata = models.JSONField(default=dict, blank=True)
    ip_address = models.GenericIPAddressField(null=True, blank=True)
    user_agent = models.TextField(blank=True, default="")
    session_id = models.TextField(blank=True, default="")
    occurred_at = models.DateTimeField()

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        db_table = "audit_events"
        verbose_name = _("audit event")
        verbose_name_plural = _("audit events")
        ordering = ["-occurred_at", "-id"]
        indexes = [
            # audit_anomaly_detector reads a window of hours out of millions; the admin's list in its order. Not BRIN:
            # a system that delivers its events late would widen every range it touches.
            models.Index(fields=["-occurred_at", "-id"], name="audit_events_latest"),
            # audit_anomaly_detector: what did this actor do before (an actor's own baseline, a first time)?
            models.Index(fields=["actor_id", "event_type", "-occurred_at"], name="audit_events_of_actor"),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(event_type=""), name="audit_events_event_type"),
            models.CheckConstraint(
                condition=Q(severity__in=["low", "medium", "high", "critical"]), name="audit_events_severity"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.occurred_at:%Y-%m-%d %H:%M}"


class SecurityIncident(Record):
    """Something suspicious. `evidence_key` names its evidence, so that the same never opens a second one.

    The key is made of ids, numbers and moments. `resolved_by` is staff:<id>.
    """

    incident_type = models.TextField()
    severity = models.TextField(choices=AuditEvent.Severity.choices, default=AuditEvent.Severity.MEDIUM)
    description = models.TextField()
    evidence = models.JSONField(default=dict, blank=True)
    evidence_key = models.TextField()
    detected_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.TextField(blank=True, default="")
    resolution_notes = models.TextField(blank=True, default="")

    class Meta:
        db_table = "security_incidents"
        verbose_name = _("security incident")
        verbose_name_plural = _("security incidents")
        ordering = ["-detected_at", "-id"]
        indexes = [
            # The admin's list in its order, a page at a time.
            models.Index(fields=["-detected_at", "-id"], name="security_incidents_latest"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["evidence_key"], name="security_incidents_once"),
            models.CheckConstraint(
                condition=~Q(evidence_key="") & ~Q(incident_type=""), name="security_incidents_says_of_what"
            ),
            models.CheckConstraint(
                condition=Q(severity__in=["low", "medium", "high", "critical"]),
                name="security_incidents_severity",
            ),
            models.CheckConstraint(
                condition=Q(resolved_at__isnull=True, resolved_by="")
                | Q(resolved_at__isnull=False) & ~Q(resolved_by=""),
                name="security_incidents_resolved_by",
            ),
            models.CheckConstraint(
                condition=Q(resolved_at__isnull=True) | Q(resolved_at__gte=F("detected_at")),
                name="security_incidents_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.incident_type} {self.severity}"
