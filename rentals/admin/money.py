"""Money in the admin: in, a booking's number; out, instalments and promotions."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from rentals.admin.record import RecordAdmin
from rentals.models import InstallmentSchedule, PromoRule


@admin.register(InstallmentSchedule)
class InstallmentScheduleAdmin(RecordAdmin[InstallmentSchedule]):
    nothing_yet = _("There are no instalments yet. They come with a booking that is paid in parts.")
    list_display = ("booking", "installment_number", "due_date", "amount", "status", "paid_at")
    list_filter = ("status",)
    list_select_related = ("booking",)
    search_fields = ("booking__booking_number__exact",)
    search_help_text = _("Booking number.")


@admin.register(PromoRule)
class PromoRuleAdmin(RecordAdmin[PromoRule]):
    nothing_yet = _(
        "There are no promotions yet. The job promotion_scheduler begins and ends each at its time."
    )
    list_display = (
        "name",
        "status",
        "start_at",
        "end_at",
        "discount_type",
        "discount_value",
        "announce",
        "segment",
    )
    list_filter = ("status", "announce")
    list_select_related = ("segment",)
    search_fields = ("name__istartswith",)
