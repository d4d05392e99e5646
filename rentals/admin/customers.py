"""Customers in the admin: in, an address or a name; out, who rents."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from rentals.admin.searching import PostedSearch
from rentals.models import Customer


@admin.register(Customer)
class CustomerAdmin(PostedSearch[Customer]):
    """Customers, found by e-mail, phone, id or the beginning of a name."""

    nothing_yet = _("There are no customers yet. For a sample business run manage.py seed_rentals.")
    list_display = (
        "last_name",
        "first_name",
        "company_name",
        "city",
        "locale",
        "preferred_contact_method",
        "status",
    )
    list_display_links = ("last_name", "first_name")
    list_filter = ("status", "preferred_contact_method", "locale", "province")
    search_fields = ("email__iexact", "phone__exact", "last_name__istartswith", "company_name__istartswith")
    search_help_text = _("E-mail, phone (+15065550123), or the beginning of a last name or company.")
    # Two counts of a large table for one page are one too many.
    show_full_result_count = False
