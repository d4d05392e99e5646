"""Bookings in the admin: in, a number or a name; out, who rents what and when."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from rentals.admin.searching import PostedSearch
from rentals.models import Booking


@admin.register(Booking)
class BookingAdmin(PostedSearch[Booking]):
    """Bookings, found by number or by whose they are."""

    nothing_yet = _("There are no bookings yet. For a sample business run manage.py seed_rentals.")
    list_display = (
        "booking_number",
        "customer_name",
        "machine",
        "start_date",
        "end_date",
        "type",
        "status",
        "billing_status",
    )
    list_filter = ("status", "type", "billing_status")
    search_fields = ("booking_number__iexact", "customer__last_name__istartswith", "customer__email__iexact")
    search_help_text = _("Booking number, or the customer's last name or e-mail.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Booking]:
        return super().get_queryset(request).select_related("customer", "equipment")

    @admin.display(description=_("customer"))
    def customer_name(self, booking: Booking) -> str:
        return booking.customer.name

    @admin.display(description=_("machine"))
    def machine(self, booking: Booking) -> str:
        return booking.equipment.label
