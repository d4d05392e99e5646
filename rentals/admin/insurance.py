"""Proofs of insurance in the admin: in, a booking's number; out, its documents, and what was done with each."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from rentals.admin.record import RecordAdmin, RecordInline
from rentals.models import InsuranceActivity, InsuranceDocument, InsuranceReminder


class InsuranceReminderInline(RecordInline):
    model = InsuranceReminder


class InsuranceActivityInline(RecordInline):
    model = InsuranceActivity


@admin.register(InsuranceDocument)
class InsuranceDocumentAdmin(RecordAdmin[InsuranceDocument]):
    nothing_yet = _("There are no insurance documents yet. Bookings that miss one are reminded of it.")
    list_display = ("booking", "document_type", "status", "expires_at", "last_reminder_at", "created_at")
    list_filter = ("status",)
    list_select_related = ("booking",)
    search_fields = ("booking__booking_number__exact",)
    search_help_text = _("Booking number.")
    inlines = (InsuranceReminderInline, InsuranceActivityInline)
