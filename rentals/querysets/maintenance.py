"""When a machine wants the workshop, and which one that is out does: in, `now`; out, the limits, and alerts chosen in SQL.

A day is one of the workshop's own time zone, so that a service due at any hour of a day is due from that morning on.
"""

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Subquery

if TYPE_CHECKING:
    from rentals.models import MaintenanceAlert  # noqa: F401 (named in the generic bases)

# From here on a service is due: time enough to order parts, and to find a day on which the machine is not rented out.
DUE_DAYS = 14
DUE_HOURS = 25


@dataclass(frozen=True, slots=True)
class Limits:
    """A service before `overdue_before` is overdue, one before `due_before` due."""

    overdue_before: dt.datetime
    due_before: dt.datetime


def limits(now: dt.datetime) -> Limits:
    """Overdue is what was due on a day before today, due what is within DUE_DAYS days, that day included."""
    zone = ZoneInfo(settings.TIME_ZONE)
    today = now.astimezone(zone).date()

    def begins(day: dt.date) -> dt.datetime:
        return dt.datetime.combine(day, dt.time.min, zone)

    return Limits(begins(today), begins(today + dt.timedelta(days=DUE_DAYS + 1)))


class MaintenanceAlertQuerySet(models.QuerySet["MaintenanceAlert"]):
    def unresolved(self) -> "MaintenanceAlertQuerySet":
        return self.filter(resolved_at__isnull=True)

    def overdue_and_out(self, *, now: dt.datetime) -> "MaintenanceAlertQuerySet":
        """Open alerts of services that are overdue while the machine is with a customer; one a machine, the oldest.

        A machine that is out of service is in somebody's hands already, and so is one of which the workshop was told.
        """
        from rentals.models import TelematicsSnapshot

        told = self.model.objects.unresolved().filter(
            equipment=OuterRef("equipment"), told_out_at__isnull=False
        )
        readings = TelematicsSnapshot.objects.filter(equipment=OuterRef("equipment"))
        newest = Subquery(readings.order_by("-captured_at").values("engine_hours")[:1])
        return (
            self.unresolved()
            .filter(equipment__status="rented", equipment__maintenance_status="overdue")
            .alias(hours=newest)
            .filter(
                Q(alert_type="calendar_based", due_at__lt=limits(now).overdue_before)
                | Q(alert_type="hours_based", threshold_value__lte=F("hours")),
                ~Exists(told),
            )
            .order_by("equipment_id", "triggered_at", "pk")
            .distinct("equipment_id")
        )
