"""What is watched, in the admin: in, a type or an id; out, alerts, audit events, incidents."""

from collections.abc import Mapping

from django.contrib import admin
from django.db.models import Model
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from consent.admin.links import link
from rentals.admin.record import RecordAdmin
from rentals.models import (
    Alert,
    AuditEvent,
    Booking,
    Equipment,
    InstallmentSchedule,
    InsuranceDocument,
    SecurityIncident,
    SupportTicket,
)

# What an alert may be about and has a page, under its id.
ABOUT: Mapping[str, type[Model]] = {
    "booking": Booking,
    "equipment": Equipment,
    "installment": InstallmentSchedule,
    "insurance_document": InsuranceDocument,
    "support_ticket": SupportTicket,
}


@admin.register(Alert)
class AlertAdmin(RecordAdmin[Alert]):
    nothing_yet = _("Nothing needs attention. The job generate_dashboard_alerts looks every five minutes.")
    list_display = ("type", "severity", "status", "about", "summary", "detected_at")
    list_filter = ("status", "severity")
    search_fields = ("type__exact", "entity_id__exact")
    finds_by_index = False
    search_help_text = _("A type, such as sla_breach, or the id of what it is about.")

    @admin.display(description=_("about"))
    def about(self, alert: Alert) -> str:
        """What it is about, as a link where that has a page of its own: a whole id would make the list too wide."""
        model = ABOUT.get(alert.entity_type)
        if model is None:
            return alert.entity_type
        opts = model._meta  # noqa: SLF001 (public by its documentation)
        page = reverse(f"admin:rentals_{opts.model_name}_change", args=[alert.entity_id])
        return link(page, str(opts.verbose_name))


@admin.register(AuditEvent)
class AuditEventAdmin(RecordAdmin[AuditEvent]):
    """Millions of rows: the newest, or one actor's. Addresses and devices stand on the page of an event."""

    nothing_yet = _("Nobody has done anything that is kept on record yet.")
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
    nothing_yet = _("Nothing suspicious was found. The job audit_anomaly_detector looks every hour.")
    list_display = ("incident_type", "severity", "description", "detected_at", "resolved_at", "resolved_by")
    list_filter = ("severity", ("resolved_at", admin.EmptyFieldListFilter))
    search_fields = ("incident_type__exact", "evidence_key__exact")
    finds_by_index = False
    search_help_text = _("A type, or the key of the evidence.")
