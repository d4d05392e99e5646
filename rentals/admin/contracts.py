"""Contracts in the admin: in, a number; out, who has signed, what was planned, and what happened."""

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from rentals.admin.record import RecordAdmin, RecordInline
from rentals.models import Booking, Contract, ContractEvent, ContractReminder, ContractSigner


class ContractSignerInline(RecordInline):
    model = ContractSigner


class ContractReminderInline(RecordInline):
    model = ContractReminder


class ContractEventInline(RecordInline):
    model = ContractEvent


@admin.register(Contract)
class ContractAdmin(RecordAdmin[Contract]):
    nothing_yet = _("There are no contracts yet. Reminders begin once one is sent for signing.")
    list_display = ("contract_number", "booking", "status", "sent_at", "expires_at", "signed_at")
    list_filter = ("status",)
    list_select_related = ("booking",)
    search_fields = ("contract_number__exact", "booking__booking_number__exact")
    search_help_text = _("Contract or booking number.")
    inlines = (ContractSignerInline, ContractReminderInline, ContractEventInline)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Contract], search_term: str
    ) -> tuple[QuerySet[Contract], bool]:
        """The booking first: «or» across two tables is answered by no index."""
        number = search_term.strip()
        if not number:
            return queryset, False
        bookings = list(Booking.objects.filter(booking_number=number).values_list("pk", flat=True))
        return queryset.filter(Q(contract_number=number) | Q(booking_id__in=bookings)), False
