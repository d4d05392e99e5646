"""Customers in the admin: in, an address or a name; out, who rents."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from rentals.admin.searching import PostedSearch
from rentals.models import Customer

# Of Canada (Canada Post's symbols).
PROVINCES = ("AB", "BC", "MB", "NB", "NL", "NS", "NT", "NU", "ON", "PE", "QC", "SK", "YT")


class ProvinceFilter(admin.SimpleListFilter):
    """From a list: reading the choices from the customers would read all of them."""

    title = _("province")
    parameter_name = "province"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(code, code) for code in PROVINCES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Customer]) -> QuerySet[Customer]:
        return queryset.filter(province=self.value()) if self.value() else queryset


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
    list_filter = ("status", "preferred_contact_method", "locale", ProvinceFilter)
    search_fields = ("email__iexact", "phone__exact", "last_name__istartswith", "company_name__istartswith")
    search_help_text = _("E-mail, phone (+15065550123), or the beginning of a last name or company.")
