"""The fleet in the admin: in, a unit's number; out, machines, their services, alerts, readings and hours out."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from rentals.admin.record import RecordAdmin
from rentals.models import (
    Equipment,
    EquipmentUtilization,
    MaintenanceAlert,
    MaintenanceLog,
    TelematicsSnapshot,
)

UNIT = _("Unit number, such as EX-00042.")


@admin.register(Equipment)
class EquipmentAdmin(RecordAdmin[Equipment]):
    nothing_yet = _("There are no machines yet. For a sample business run manage.py seed_rentals.")
    list_display = ("unit_id", "category", "machine", "status", "maintenance_status", "total_engine_hours")
    list_filter = ("status", "maintenance_status", "category")
    search_fields = ("unit_id__exact", "serial_number__exact")
    search_help_text = _("Unit or serial number.")

    @admin.display(description=_("machine"))
    def machine(self, equipment: Equipment) -> str:
        return equipment.label


@admin.register(MaintenanceLog)
class MaintenanceLogAdmin(RecordAdmin[MaintenanceLog]):
    nothing_yet = _("No maintenance was logged yet. What is due next is reckoned from these entries.")
    list_display = ("equipment", "maintenance_type", "status", "performed_at", "engine_hours", "next_due_at")
    list_filter = ("status", "maintenance_type")
    list_select_related = ("equipment",)
    search_fields = ("equipment__unit_id__exact",)
    search_help_text = UNIT


@admin.register(MaintenanceAlert)
class MaintenanceAlertAdmin(RecordAdmin[MaintenanceAlert]):
    nothing_yet = _("No machine is due for maintenance. The job maintenance_reminders tells the workshop.")
    list_display = (
        "equipment",
        "alert_type",
        "threshold_value",
        "due_at",
        "fault_code",
        "triggered_at",
        "resolved_at",
    )
    list_filter = ("alert_type", ("resolved_at", admin.EmptyFieldListFilter))
    list_select_related = ("equipment",)
    search_fields = ("equipment__unit_id__exact",)
    search_help_text = UNIT


@admin.register(TelematicsSnapshot)
class TelematicsSnapshotAdmin(RecordAdmin[TelematicsSnapshot]):
    nothing_yet = _("No machine has reported its hours yet. They come from the machines' own units.")
    list_display = ("equipment", "captured_at", "engine_hours", "battery_level", "fault_codes")
    list_select_related = ("equipment",)
    # The only order that an index has: machine by machine, the newest reading first.
    ordering = ("equipment_id", "-captured_at")
    search_fields = ("equipment__unit_id__exact",)
    search_help_text = UNIT


@admin.register(EquipmentUtilization)
class EquipmentUtilizationAdmin(RecordAdmin[EquipmentUtilization]):
    nothing_yet = _("Nothing was reckoned yet. The job refresh_materialized_views reckons each day's use.")
    list_display = ("equipment", "date", "rented_hours", "revenue")
    list_select_related = ("equipment",)
    search_fields = ("equipment__unit_id__exact",)
    search_help_text = UNIT
