"""Support tickets in the admin: in, a number; out, what was asked, who answers, and what was promised."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from rentals.admin.record import RecordAdmin, RecordInline
from rentals.models import SupportSla, SupportTicket


class SupportSlaInline(RecordInline):
    model = SupportSla


@admin.register(SupportTicket)
class SupportTicketAdmin(RecordAdmin[SupportTicket]):
    nothing_yet = _("There are no tickets yet. The job sla_monitor watches how long each waits.")
    list_display = (
        "ticket_number",
        "subject",
        "priority",
        "status",
        "assigned_to",
        "created_at",
        "resolved_at",
    )
    list_filter = ("status", "priority")
    list_select_related = ("assigned_to",)
    search_fields = ("ticket_number__exact",)
    search_help_text = _("Ticket number.")
    inlines = (SupportSlaInline,)
