"""What is watched, in the admin: in, a type or an id; out, alerts, audit events, incidents."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from rentals.admin.record import RecordAdmin
from rentals.models import Alert, AuditEvent, SecurityIncident


@admin.register(Alert)
class AlertAdmin(RecordAdmin[Alert]):
    list_display = ("type", "severity", "status", "entity_type", "entity_id", "summary", "detected_at")
    list_filter = ("status", "severity")
    search_fields = ("type__exact", "entity_id__exact")
    search_help_text = _("A type, such as sla_breach, or the id of what it is about.")


@admin.register(AuditEvent)
class AuditEventAdmin(RecordAdmin[AuditEvent]):
    """Millions of rows: the newest, or one actor's. Addresses and devices stand on the page of an event."""

    list_display = (
        "event_type",
        "action",
        "severity",
        "actor_id",
        "resource_type",
        "resource_id",
        "occurred_at",
    )
    search_fields = ("actor_id__exact",)
    search_help_text = _("An actor's id.")


@admin.register(SecurityIncident)
class SecurityIncidentAdmin(RecordAdmin[SecurityIncident]):
    list_display = ("incident_type", "severity", "description", "detected_at", "resolved_at", "resolved_by")
    list_filter = ("severity", ("resolved_at", admin.EmptyFieldListFilter))
    search_fields = ("incident_type__exact", "evidence_key__exact")
    search_help_text = _("A type, or the key of the evidence.")
