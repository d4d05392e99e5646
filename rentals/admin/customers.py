"""Customers in the admin: in, an address or a name; out, who rents."""

from django.contrib import admin

from consent.admin_base import ReadOnlyAdmin
from rentals.models import Customer


@admin.register(Customer)
class CustomerAdmin(ReadOnlyAdmin[Customer]):
    """Customers, found by e-mail, phone, id or the beginning of a name."""

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
    search_help_text = "E-mail, phone (+15065550123), or the beginning of a last name or company."
    # Two counts of a large table for one page are one too many.
    show_full_result_count = False
<<<<<<< HEAD


@admin.register(CustomerSegment)
class CustomerSegmentAdmin(RecordAdmin[CustomerSegment]):
    list_display = ("name", "auto_refresh", "member_count", "refreshed_at")
    list_filter = ("auto_refresh",)
    search_fields = ("name__istartswith",)


@admin.register(CustomerSegmentMember)
class CustomerSegmentMemberAdmin(RecordAdmin[CustomerSegmentMember]):
    """Who belongs to a segment: by the segment's page, or by a customer's id."""

    list_display = ("segment", "customer", "added_at")
    list_filter = ("segment",)
    list_select_related = ("segment", "customer")
    # The order of its key: the related rows' own orders would sort them all.
    ordering = ("segment_id", "customer_id")
    search_fields = ("customer__id__exact",)
    search_help_text = "A customer's id."
=======
>>>>>>> watch
