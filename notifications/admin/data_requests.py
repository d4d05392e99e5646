"""What people may ask about their data: in, a customer's id and a reason; out, an export, an erasure, and the list of both.

Each is a right of its own, a POST with a reason, and a row that stays.
"""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.admin.audit import log_each
from notifications.admin.cells import moment, short
from notifications.admin.private import PrivateAdmin
from notifications.admin.reason import ReasonForm
from notifications.models import DataRequest
from notifications.privacy.erase import Erased, NobodyError, erase
from notifications.privacy.export import Export
from notifications.privacy.receipts import ReasonError, fingerprint

EXPORT, ERASE = "notifications.export_customer", "notifications.erase_customer"


class PersonForm(ReasonForm):
    """Whom it is about. Their id, not their address: the page's URL and its log know nobody's."""

    field_order = ("customer", "reason")
    customer = forms.CharField(
        label=_("Customer's id"),
        max_length=100,
        widget=forms.TextInput(attrs={"class": "pr-input", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = _("Kept for ever with the request. No addresses, no names.")
        self.fields["reason"].widget.attrs.pop("autofocus", None)  # the id comes first

    def clean_customer(self) -> str:
        return str(self.cleaned_data["customer"]).strip()


@admin.register(DataRequest)
class DataRequestAdmin(PrivateAdmin[DataRequest]):
    """Exports and erasures, newest first."""

    nothing_yet = _(
        "No customer's data was exported or erased yet. Each time somebody does so, it is put on record here."
    )
    list_display = ("made", "kind", "customer_id", "made_by", "why")
    list_filter = ("kind",)
    fields = ("kind", "customer_id", "made_at", "made_by", "reason", "counts", "hash", "holds")
    readonly_fields = ("hash", "holds")
    change_list_template = "notifications/admin/data_requests.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.person_view)
        return [path("person/", view, name="notifications_datarequest_person"), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        may = request.user.has_perm(EXPORT) or request.user.has_perm(ERASE)
        return super().changelist_view(request, {**(extra_context or {}), "may_act": may})

    def person_view(self, request: HttpRequest) -> HttpResponse:
        """`person/`: the form; with `export` a download; with `erase` what would go, and once confirmed, what went."""
        may_export, may_erase = request.user.has_perm(EXPORT), request.user.has_perm(ERASE)
        if not (self.has_view_permission(request) and (may_export or may_erase)):
            raise PermissionDenied
        posted = request.method == "POST"
        form = (
            PersonForm(request.POST)
            if posted
            else PersonForm(initial={"customer": request.GET.get("customer", "")})
        )
        rehearsed: Erased | None = None
        if posted and form.is_valid():
            wanted = next((name for name in ("export", "erase", "confirmed") if name in request.POST), "")
            if not {"export": may_export, "erase": may_erase, "confirmed": may_erase}.get(wanted):
                raise PermissionDenied
            try:
                if wanted == "export":
                    return self._export(request, form)
                done = self._erase(request, form, dry_run=wanted == "erase")
                if wanted == "confirmed":
                    return self._erased(request, done)
                rehearsed = done
            except (ReasonError, NobodyError) as error:
                form.add_error("customer" if isinstance(error, NobodyError) else "reason", str(error))
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": gettext("Personal data of a customer"),
            "form": form,
            "rehearsed": rehearsed,
            "may_export": may_export,
            "may_erase": may_erase,
        }
        return TemplateResponse(request, "notifications/admin/person.html", context)

    def _export(self, request: HttpRequest, form: PersonForm) -> HttpResponse:
        export = Export(
            form.cleaned_data["customer"],
            by=f"staff:{request.user.pk}",
            reason=form.cleaned_data["reason"],
            now=timezone.now(),
        )
        # Whoever stops reading before the end has what they read, and no receipt says so.
        asked = DataRequest(id=export.id, kind=DataRequest.Kind.EXPORT, customer_id=export.who.id)
        log_each(request, [asked], f"exported a customer: {export.reason}")
        response = StreamingHttpResponse(export, content_type="application/json")
        response["Content-Disposition"] = 'attachment; filename="customer-export.json"'
        response["Cache-Control"] = "no-store"
        return response  # type: ignore[return-value]  # the stubs take it for no HttpResponse

    def _erase(self, request: HttpRequest, form: PersonForm, *, dry_run: bool) -> Erased:
        return erase(
            form.cleaned_data["customer"],
            by=f"staff:{request.user.pk}",
            reason=form.cleaned_data["reason"],
            now=timezone.now(),
            dry_run=dry_run,
        )

    def _erased(self, request: HttpRequest, done: Erased) -> HttpResponse:
        if done.receipt is not None and done.did_something:
            log_each(request, [done.receipt], f"erased a customer: {done.receipt.reason}")
            messages.success(request, gettext("The customer is forgotten. This is the receipt."))
        else:
            messages.info(request, gettext("There was nothing left to erase. This is the earlier receipt."))
        assert done.receipt is not None  # who was never erased gets one now
        return HttpResponseRedirect(reverse("admin:notifications_datarequest_change", args=[done.receipt.pk]))

    @admin.display(description=_("made"), ordering="made_at")
    def made(self, row: DataRequest) -> SafeString:
        return moment(row.made_at)

    @admin.display(description=_("reason"))
    def why(self, row: DataRequest) -> SafeString:
        return short(row.reason)

    @admin.display(description="SHA-256")
    def hash(self, row: DataRequest) -> SafeString:
        # In pieces, so that a narrow window can break it.
        return format_html_join(mark_safe("<wbr>"), "{}", ((row.sha256[n : n + 8],) for n in range(0, 64, 8)))

    @admin.display(description=_("The hash"))
    def holds(self, row: DataRequest) -> str:
        if row.kind == DataRequest.Kind.EXPORT:
            return gettext("Is that of the document.")
        return (
            gettext("Fits the receipt.")
            if fingerprint(row) == row.sha256
            else gettext("DOES NOT FIT THE RECEIPT.")
        )
