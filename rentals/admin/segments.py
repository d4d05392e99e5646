"""Segments in the admin: in, a filter that staff write; out, the filter checked, how many customers match, and who belongs."""

import datetime as dt
import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import OperationalError
from django.db.models import QuerySet
from django.forms.fields import InvalidJSONInput
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from consent.admin_base import ModelAdmin, ModelForm, TextareaWidget, TextWidget
from consent.ids import uuid_of
from rentals.admin.record import RecordAdmin
from rentals.models import CustomerSegment, CustomerSegmentMember
from rentals.segments.parse import FilterError, parse
from rentals.segments.refresh import count_matching

# A page must answer; the night has more time.
COUNT_TIMEOUT = dt.timedelta(seconds=5)


class FilterField(forms.JSONField):
    """A filter as JSON; empty is no filter. Errors are those of the nightly run, with the place in the filter."""

    widget = TextareaWidget

    def to_python(self, value: Any) -> Any:
        try:
            given = super().to_python(value)
        except (RecursionError, ValueError):
            # Brackets without end, or a number of thousands of digits: Django expects neither.
            raise ValidationError(self.error_messages["invalid"], code="invalid") from None
        if not given:
            return {}
        try:
            parse(given)
        except FilterError as error:
            raise ValidationError(str(error), code="filter") from None
        return given

    def bound_data(self, data: Any, initial: Any) -> Any:
        """What was typed, shown again with its error."""
        try:
            return super().bound_data(data, initial)
        except (RecursionError, ValueError):
            return InvalidJSONInput(data)

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, InvalidJSONInput | str):
            return value
        return json.dumps(value, ensure_ascii=False, indent=2)


class SegmentForm(ModelForm[CustomerSegment]):
    filter = FilterField(
        label=_("Filter"),
        required=False,
        widget=TextareaWidget(attrs={"rows": 14}),
        help_text=_(
            "Such as {“logic”: “and”, “conditions”: [{“field”: “bookingCount”, “operator”: “gt”, “value”: 3}]}, with"
            " straight quotes. Fields: location, bookingCount, lastBooking, totalSpend, equipmentCategory, tag, riskScore."
        ),
    )

    class Meta:
        model = CustomerSegment
        fields = ["name", "description", "auto_refresh", "filter"]
        # Both are text in the table, and a line or two on the page.
        widgets = {"name": TextWidget(), "description": TextareaWidget(attrs={"rows": 3})}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("auto_refresh") and cleaned.get("filter") == {}:
            self.add_error("filter", _("A segment that is refreshed by itself needs a filter."))
        return cleaned


@admin.register(CustomerSegment)
class CustomerSegmentAdmin(ModelAdmin[CustomerSegment]):
    """Written by those who may; never deleted, since promotions refer to segments."""

    nothing_yet = _("There are no segments yet. Add one, so that a promotion can be addressed to it.")
    form = SegmentForm
    actions = None
    list_display = ("name", "auto_refresh", "member_count", "refreshed_at")
    list_filter = ("auto_refresh",)
    search_fields = ("name__istartswith",)
    readonly_fields = ("matching", "member_count", "refreshed_at")
    fields = ("name", "description", "auto_refresh", "filter", *readonly_fields)

    @admin.display(description=_("Matching now"))
    def matching(self, segment: CustomerSegment) -> str:
        return _how_many(segment) or "–"

    def save_model(self, request: HttpRequest, obj: CustomerSegment, form: Any, change: bool) -> None:
        # Only what the form holds: the night's run may be writing the count beside us.
        names = ["name", "description", "auto_refresh", "filter"]
        obj.save(update_fields=[*names, "updated_at"] if change else None)
        if found := _how_many(obj):
            messages.info(request, found)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(CustomerSegmentMember)
class CustomerSegmentMemberAdmin(RecordAdmin[CustomerSegmentMember]):
    """Who belongs to a segment: by the segment's page, or by a customer's id."""

    nothing_yet = _("No customer belongs to a segment yet. The job segment_refresh fills them every night.")
    list_display = ("segment", "customer", "added_at")
    list_filter = ("segment",)
    list_select_related = ("segment", "customer")
    # The only order that an index has: by the ids, not by the names behind them.
    ordering = ("segment_id", "customer_id")
    search_fields = ("customer__id__exact",)
    search_help_text = _("A customer's id.")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[CustomerSegmentMember], search_term: str
    ) -> tuple[QuerySet[CustomerSegmentMember], bool]:
        """Django would compare every id as text, which no index holds."""
        word = search_term.strip()
        if not word:
            return queryset, False
        known = uuid_of(word)
        return (queryset.filter(customer_id=known) if known else queryset.none()), False

    def leads(self, name: str, value: str) -> bool:
        return name == "segment__id__exact"


def _how_many(segment: CustomerSegment) -> str:
    """A sentence; nothing where there is no filter."""
    if not segment.filter:
        return ""
    try:
        found = count_matching(parse(segment.filter), timeout=COUNT_TIMEOUT)
    except FilterError as error:
        return str(error)
    except OperationalError:
        seconds = int(COUNT_TIMEOUT.total_seconds())
        return str(_("Counting takes longer than %(seconds)d seconds.") % {"seconds": seconds})
    return ngettext(
        "%(count)d customer matches the filter.", "%(count)d customers match the filter.", found
    ) % {"count": found}
