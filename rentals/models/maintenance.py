"""What the workshop knows: in, services done and planned; out, which machine is due for service, and why."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from rentals.models.equipment import Equipment
from rentals.models.record import Record
from rentals.querysets.maintenance import MaintenanceAlertQuerySet


class MaintenanceLog(Record):
    """One service of a machine, done or planned. The newest completed one says when the next is due.

    By the calendar: `next_due_at`. By the engine: `engine_hours` at the service and the machine's
    `service_interval_hours`. A pending one is planned for its `next_due_at`.
    """

    class MaintenanceType(models.TextChoices):
        ROUTINE = "routine", _("Routine")
        REPAIR = "repair", _("Repair")
        INSPECTION = "inspection", _("Inspection")

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        COMPLETED = "completed", _("Completed")

    equipment = models.ForeignKey(Equipment, on_delete=models.PROTECT, related_name="maintenance_logs")
    maintenance_type = models.TextField(choices=MaintenanceType.choices, default=MaintenanceType.ROUTINE)
    status = models.TextField(choices=Status.choices, default=Status.PENDING)
    performed_at = models.DateTimeField(null=True, blank=True)
    next_due_at = models.DateTimeField(null=True, blank=True)
    engine_hours = models.DecimalField(
        max_digits=10, decimal_places=1, null=True, blank=True, help_text=_("What the engine showed then")
    )
    technician = models.TextField(blank=True, default="")
    notes = models.TextField(blank=True, default="")
    cost = models.DecimalField(max_digits=12, decimal_places=2, default=0)

    class Meta:
        db_table = "maintenance_logs"
        verbose_name = _("maintenance log")
        verbose_name_plural = _("maintenance logs")
        ordering = ["-created_at", "-id"]
        indexes = [
            # The admin's list in its order, a page at a time.
            models.Index(fields=["-created_at", "-id"], name="maintenance_logs_latest"),
            # maintenance_reminders: the newest service of each machine, by DISTINCT ON or LATERAL.
            models.Index(
                fields=["equipment", "-performed_at"],
                condition=Q(status="completed"),
                name="maintenance_logs_newest",
            ),
            # The same rule: services that are planned, without the history.
            models.Index(
                fields=["next_due_at"], condition=Q(status="pending"), name="maintenance_logs_planned"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(maintenance_type__in=["routine", "repair", "inspection"]),
                name="maintenance_logs_maintenance_type",
            ),
            models.CheckConstraint(
                condition=Q(status="pending", performed_at__isnull=True)
                | Q(status="completed", performed_at__isnull=False),
                name="maintenance_logs_performed_at",
            ),
            models.CheckConstraint(
                condition=Q(performed_at__isnull=True)
                | Q(next_due_at__isnull=True)
                | Q(next_due_at__gt=F("performed_at")),
                name="maintenance_logs_order",
            ),
            models.CheckConstraint(condition=Q(cost__gte=0), name="maintenance_logs_cost"),
            models.CheckConstraint(
                condition=Q(engine_hours__isnull=True) | Q(engine_hours__gte=0),
                name="maintenance_logs_engine_hours",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.maintenance_type} {self.status}"


class MaintenanceAlert(Record):
    """A machine that wants the workshop. Each kind names what it is about, and is unique by that:

    - hours_based: `threshold_value`, the engine hours at which the service is due (hours at the last one + interval);
    - calendar_based: `due_at`, the `next_due_at` of the log;
    - fault_code: `fault_code`, as the machine reports it.

    These two are told once a threshold: what a person or a service resolved does not open again at the next run. Only
    a `withdrawn` one does, when its limit is reached after all: nobody looked after the machine; a reading was wrong, or
    a date had moved. And a machine has one open alert of each of the two kinds: the later threshold is the same service.
    A fault may come back, so its code is unique while it is open only.
    """

    class AlertType(models.TextChoices):
        HOURS_BASED = "hours_based", _("Engine hours")
        CALENDAR_BASED = "calendar_based", _("Calendar")
        FAULT_CODE = "fault_code", _("Fault code")

    equipment = models.ForeignKey(Equipment, on_delete=models.PROTECT, related_name="maintenance_alerts")
    alert_type = models.TextField(choices=AlertType.choices)
    threshold_value = models.DecimalField(max_digits=10, decimal_places=1, null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    fault_code = models.TextField(blank=True, default="")
    triggered_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    withdrawn = models.BooleanField(
        default=False,
        db_default=False,
        help_text=_("Resolved without a service, because its limit was not near any more"),
    )

    told_out_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text=_("When the workshop was told that a customer has the overdue machine"),
    )

    objects = MaintenanceAlertQuerySet.as_manager()

    class Meta:
        db_table = "maintenance_alerts"
        verbose_name = _("maintenance alert")
        verbose_name_plural = _("maintenance alerts")
        ordering = ["-triggered_at", "-id"]
        indexes = [
            # The admin's list in its order, a page at a time.
            models.Index(fields=["-triggered_at", "-id"], name="maintenance_alerts_latest"),
            # Alerts that are open, without the history: maintenance_reminders, the views' «maintenance due».
            models.Index(
                fields=["triggered_at"], condition=Q(resolved_at__isnull=True), name="maintenance_alerts_open"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["equipment", "alert_type"],
                condition=Q(resolved_at__isnull=True) & ~Q(alert_type="fault_code"),
                name="maintenance_alerts_one_open",
            ),
            models.UniqueConstraint(
                fields=["equipment", "threshold_value"],
                condition=Q(alert_type="hours_based", withdrawn=False),
                name="maintenance_alerts_hours_once",
            ),
            models.UniqueConstraint(
                fields=["equipment", "due_at"],
                condition=Q(alert_type="calendar_based", withdrawn=False),
                name="maintenance_alerts_date_once",
            ),
            models.UniqueConstraint(
                fields=["equipment", "fault_code"],
                condition=Q(alert_type="fault_code", resolved_at__isnull=True),
                name="maintenance_alerts_fault_open",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn=False) | Q(resolved_at__isnull=False) & ~Q(alert_type="fault_code"),
                name="maintenance_alerts_withdrawn",
            ),
            models.CheckConstraint(
                condition=Q(
                    alert_type="hours_based",
                    threshold_value__isnull=False,
                    due_at__isnull=True,
                    fault_code="",
                )
                | Q(
                    alert_type="calendar_based",
                    due_at__isnull=False,
                    threshold_value__isnull=True,
                    fault_code="",
                )
                | Q(alert_type="fault_code", threshold_value__isnull=True, due_at__isnull=True)
                & ~Q(fault_code=""),
                name="maintenance_alerts_says_why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.alert_type} {self.triggered_at:%Y-%m-%d}"
