"""What machines say of themselves: in, readings by radio; out, engine hours and fault codes, the newest at once."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from rentals.models.equipment import Equipment
from rentals.models.record import Record


class TelematicsSnapshot(Record):
    """What a machine said of itself at one moment."""

    equipment = models.ForeignKey(
        Equipment, on_delete=models.PROTECT, related_name="telematics_snapshots", db_index=False
    )
    captured_at = models.DateTimeField()
    engine_hours = models.DecimalField(max_digits=10, decimal_places=1)
    battery_level = models.PositiveSmallIntegerField(null=True, blank=True, help_text=_("Per cent"))
    fault_codes = ArrayField(models.TextField(), default=list, blank=True)

    class Meta:
        db_table = "telematics_snapshots"
        verbose_name = _("telematics snapshot")
        verbose_name_plural = _("telematics snapshots")
        ordering = ["-captured_at", "-id"]
        constraints = [
            # Also the index of «the newest of each machine» (maintenance_reminders), which reads no older one.
            models.UniqueConstraint(
                F("equipment"), F("captured_at").desc(), name="telematics_snapshots_newest"
            ),
            models.CheckConstraint(condition=Q(engine_hours__gte=0), name="telematics_snapshots_hours"),
            models.CheckConstraint(
                condition=Q(battery_level__isnull=True) | Q(battery_level__lte=100),
                name="telematics_snapshots_battery",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.engine_hours} h {self.captured_at:%Y-%m-%d %H:%M}"
