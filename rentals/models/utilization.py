"""How much each machine was out: in, the books of a day; out, hours and revenue by machine and day."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from rentals.models.equipment import Equipment
from rentals.models.record import Record


class EquipmentUtilization(Record):
    """One machine on one local day. A machine that stayed in the yard has no row, or one with no hours."""

    equipment = models.ForeignKey(
        Equipment, on_delete=models.PROTECT, related_name="utilization", db_index=False
    )
    date = models.DateField()
    rented_hours = models.DecimalField(max_digits=5, decimal_places=2, default=0)
    revenue = models.DecimalField(max_digits=12, decimal_places=2, default=0)

    class Meta:
        db_table = "equipment_utilization"
        verbose_name = _("utilization")
        verbose_name_plural = _("utilization")
        ordering = ["-date", "id"]
        indexes = [
            # The admin's list in its order, and the views' last days of the whole fleet.
            models.Index(fields=["-date", "id"], name="equipment_utilization_latest"),
        ]
        constraints = [
            # Also the index of a machine's last days, and of its key.
            models.UniqueConstraint(fields=["equipment", "date"], name="equipment_utilization_once"),
            # The day on which summer time ends has 25 hours.
            models.CheckConstraint(
                condition=Q(rented_hours__gte=0, rented_hours__lte=25), name="equipment_utilization_hours"
            ),
            models.CheckConstraint(condition=Q(revenue__gte=0), name="equipment_utilization_revenue"),
        ]

    def __str__(self) -> str:
        return f"{self.date} {self.rented_hours} h"
