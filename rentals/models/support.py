"""Support: in, what customers ask for; out, tickets and the times by which each should be answered and solved."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from rentals.models.booking import Booking
from rentals.models.customer import Customer
from rentals.models.record import Record


class Priority(models.TextChoices):
    LOW = "low", _("Low")
    NORMAL = "normal", _("Normal")
    HIGH = "high", _("High")
    CRITICAL = "critical", _("Critical")


class SupportTicket(Record):
    """One request of a customer. Its clocks begin at `created_at`."""

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        PENDING = "pending", _("Pending")
        RESOLVED = "resolved", _("Resolved")
        CLOSED = "closed", _("Closed")

    ticket_number = models.TextField()
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="support_tickets")
    booking = models.ForeignKey(
        Booking, null=True, blank=True, on_delete=models.PROTECT, related_name="support_tickets"
    )
    subject = models.TextField()
    priority = models.TextField(choices=Priority.choices, default=Priority.NORMAL)
    status = models.TextField(choices=Status.choices, default=Status.OPEN)
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="assigned_tickets",
    )
    first_response_at = models.DateTimeField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "support_tickets"
        verbose_name = _("support ticket")
        verbose_name_plural = _("support tickets")
        ordering = ["-created_at", "-id"]
        indexes = [
            # sla_monitor, mv_support_sla: tickets nobody has solved, without the history.
            models.Index(
                fields=["created_at"],
                condition=Q(status__in=["open", "pending"]),
                name="support_tickets_open",
            ),
            # The admin's list in its order, a page at a time.
            models.Index(fields=["-created_at", "-id"], name="support_tickets_latest"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["ticket_number"], name="support_tickets_number"),
            models.CheckConstraint(
                condition=Q(priority__in=["low", "normal", "high", "critical"]),
                name="support_tickets_priority",
            ),
            # A ticket that is opened again is not resolved any more.
            models.CheckConstraint(
                condition=Q(status__in=["open", "pending"], resolved_at__isnull=True)
                | Q(status__in=["resolved", "closed"], resolved_at__isnull=False),
                name="support_tickets_resolved_at",
            ),
        ]

    def __str__(self) -> str:
        return self.ticket_number


class SupportSla(Record):
    """What was promised for one ticket, in minutes from its `created_at`, and whether it was kept."""

    ticket = models.OneToOneField(SupportTicket, on_delete=models.CASCADE, related_name="sla")
    priority = models.TextField(choices=Priority.choices, default=Priority.NORMAL)
    target_response_minutes = models.PositiveIntegerField()
    target_resolution_minutes = models.PositiveIntegerField()
    first_response_at = models.DateTimeField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    breached_response = models.BooleanField(default=False)
    breached_resolution = models.BooleanField(default=False)
    # When somebody was warned that the target comes near: once a target, until the priority sets another.
    response_warned_at = models.DateTimeField(null=True, blank=True)
    resolution_warned_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "support_sla"
        verbose_name = _("SLA of a ticket")
        verbose_name_plural = _("SLAs of tickets")
        ordering = ["-created_at", "-id"]
        indexes = [
            # sla_monitor: clocks that still run, without the history.
            models.Index(
                fields=["ticket"], condition=Q(resolved_at__isnull=True), name="support_sla_running"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(priority__in=["low", "normal", "high", "critical"]), name="support_sla_priority"
            ),
            models.CheckConstraint(
                condition=Q(target_response_minutes__gt=0)
                & Q(target_resolution_minutes__gte=F("target_response_minutes")),
                name="support_sla_targets",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.priority} {self.target_response_minutes}/{self.target_resolution_minutes} min"
