"""The machines: in, what the company owns; out, its rate, whether it is out, and whether it wants maintenance."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from rentals.models.record import Record


class Equipment(Record):
    """One machine."""

    class Status(models.TextChoices):
        AVAILABLE = "available", _("Available")
        RENTED = "rented", _("Rented")
        MAINTENANCE = "maintenance", _("In maintenance")
        RETIRED = "retired", _("Retired")

    class MaintenanceStatus(models.TextChoices):
        NORMAL = "normal", _("Normal")
        DUE = "due", _("Due")
        OVERDUE = "overdue", _("Overdue")
        OUT_OF_SERVICE = "out_of_service", _("Out of service")

    unit_id = models.TextField(_("unit"))
    serial_number = models.TextField(blank=True, default="")
    category = models.TextField()
    make = models.TextField()
    model = models.TextField()
    year = models.PositiveSmallIntegerField()
    daily_rate = models.DecimalField(max_digits=12, decimal_places=2)
    status = models.TextField(choices=Status.choices, default=Status.AVAILABLE)
    total_engine_hours = models.DecimalField(max_digits=10, decimal_places=1, default=0)
    maintenance_status = models.TextField(choices=MaintenanceStatus.choices, default=MaintenanceStatus.NORMAL)
    # The default is the table's too, so that a COPY of before this column still fits.
    service_interval_hours = models.PositiveIntegerField(
        default=250, db_default=250, help_text=_("Engine hours from one service to the next")
    )

    class Meta:
        db_table = "equipment"
        verbose_name = _("machine")
        verbose_name_plural = _("machines")
        ordering = ["unit_id"]
        constraints = [
            models.UniqueConstraint(fields=["unit_id"], name="equipment_unit_id"),
            models.CheckConstraint(
                condition=Q(status__in=["available", "rented", "maintenance", "retired"]),
                name="equipment_status",
            ),
            models.CheckConstraint(
                condition=Q(maintenance_status__in=["normal", "due", "overdue", "out_of_service"]),
                name="equipment_maintenance_status",
            ),
            models.CheckConstraint(condition=Q(daily_rate__gte=0), name="equipment_daily_rate"),
            models.CheckConstraint(condition=Q(total_engine_hours__gte=0), name="equipment_engine_hours"),
            models.CheckConstraint(
                condition=Q(service_interval_hours__gt=0), name="equipment_service_interval"
            ),
        ]

    def __str__(self) -> str:
        return self.unit_id

    @property
    def label(self) -> str:
        """The machine as a customer knows it, in any language."""
        return f"{self.make} {self.model}"
