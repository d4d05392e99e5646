"""The admin of consent: in, operators' forms; out, changes through `preferences` and `suppress`, with an audit entry each.

Nothing here is edited in place: a consent changes by a decision with a reason, a suppression is added or lifted.
"""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from consent.addresses import AddressError, blind_index
from consent.admin_base import ModelAdmin, ReadOnlyAdmin, TextWidget
from consent.admin_forms import ConsentForm, LiftForm, SuppressionForm
from consent.models import ConsentEvent, CustomerConsent, Source, Suppression
from consent.preferences import grant, revoke
from consent.suppress import lift, suppress


@admin.register(CustomerConsent)
class CustomerConsentAdmin(ModelAdmin[CustomerConsent]):
    """What customers said. Saving records a decision in the ledger; nothing is overwritten."""

    form = ConsentForm
    actions = None
    list_display = ["customer_id", "channel", "category", "enabled", "granted_at", "revoked_at", "source"]
    list_filter = ["channel", "category", "enabled", "source"]
    search_fields = ["customer_id__exact"]
    search_help_text = _("Customer id")
    ordering = ["customer_id", "channel", "category"]
    show_full_result_count = False
    formfield_overrides = {models.TextField: {"widget": TextWidget}}

    def get_fields(self, request: HttpRequest, obj: CustomerConsent | None = None) -> list[Any]:
        key = ["customer_id", "channel", "category"]
        stands = ["enabled", "granted_at", "revoked_at", "source", "ledger"] if obj else []
        asked = ["decision", "reason"] if self.has_change_permission(request, obj) else []
        return [*key, *stands, *asked]

    def get_readonly_fields(self, request: HttpRequest, obj: CustomerConsent | None = None) -> list[str]:
        if obj is None:
            return []
        return [name for name in self.get_fields(request, obj) if name not in ("decision", "reason")]

    @admin.display(description=_("How it came to this"))
    def ledger(self, obj: CustomerConsent) -> str:
        url = f"{reverse('admin:consent_consentevent_changelist')}?{urlencode({'q': obj.customer_id})}"
        return _link(url, gettext("Every event of this customer"))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        one_decision = {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().render_change_form(request, context | one_decision, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: CustomerConsent, form: Any, change: bool) -> None:
        record = grant if form.cleaned_data["decision"] == ConsentForm.GRANT else revoke
        record(
            customer_id=obj.customer_id,
            channel=obj.channel,
            category=obj.category,
            source=Source.ADMIN,
            actor=f"staff:{request.user.pk}",
            at=timezone.now(),
            evidence={"reason": form.cleaned_data["reason"]},
        )
        obj.pk = CustomerConsent.objects.get(
            customer_id=obj.customer_id, channel=obj.channel, category=obj.category
        ).pk

    def construct_change_message(  # type: ignore[override]
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> str:
        return f"{form.cleaned_data['decision']}: {form.cleaned_data['reason']}"

    def has_add_permission(self, request: HttpRequest) -> bool:
        # A decision makes the row or changes it: one permission for both.
        return self.has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: CustomerConsent | None = None) -> bool:
        return False


@admin.register(ConsentEvent)
class ConsentEventAdmin(ReadOnlyAdmin[ConsentEvent]):
    """The ledger: every change, who made it and what they had read."""

    list_display = ["occurred_at", "customer_id", "action", "channel", "category", "source", "actor"]
    list_filter = ["action", "channel", "category", "source"]
    search_fields = ["customer_id__exact"]
    search_help_text = _("Customer id")
    show_full_result_count = False
    fields = [
        "customer_id",
        "action",
        "channel",
        "category",
        "source",
        "actor",
        "wording",
        "evidence",
        "occurred_at",
        "recorded_at",
    ]


@admin.register(Suppression)
class SuppressionAdmin(ModelAdmin[Suppression]):
    """Addresses that are not written to. Found by address through the index; lifted with a reason."""

    form = SuppressionForm
    actions = None
    list_display = ["address_hint", "channel", "scope", "reason", "created_at", "expires_at", "lifted_at"]
    list_filter = ["channel", "scope", "reason", ("lifted_at", admin.EmptyFieldListFilter)]
    change_list_template = "admin/consent/suppression/change_list.html"

    def get_fields(self, request: HttpRequest, obj: Suppression | None = None) -> list[Any]:
        if obj is None:
            return ["channel", "address", "reason", "scope", "note", "expires_at"]
        shown = ["address_hint", "channel", "scope", "reason", "note", "created_at", "expires_at"]
        if obj.lifted_at is not None:
            return [*shown, "lifted_at", "lifted_by", "lift_reason"]
        return [*shown, "lift_link"] if self._may_lift(request) else shown

    def get_urls(self) -> list[URLPattern]:
        site = self.admin_site.admin_view
        return [
            path("find/", site(require_POST(self.find_view)), name="consent_suppression_find"),
            path("<uuid:pk>/lift/", site(self.lift_view), name="consent_suppression_lift"),
            *super().get_urls(),
        ]

    def find_view(self, request: HttpRequest) -> HttpResponse:
        """By POST and then by index, so that no address stands in a URL, a log or a browser's history."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        typed = request.POST.get("address", "").strip()
        channel = "email" if "@" in typed else "push" if "://" in typed else "sms"
        here = reverse("admin:consent_suppression_changelist")
        try:
            found = blind_index(channel, typed)
        except AddressError as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(here)
        return HttpResponseRedirect(f"{here}?{urlencode({'address_hmac__exact': found})}")

    def lift_view(self, request: HttpRequest, pk: str) -> HttpResponse:
        """A page that asks for the reason; its POST lifts."""
        if not self._may_lift(request):
            raise PermissionDenied
        found = get_object_or_404(Suppression, pk=pk, lifted_at__isnull=True)
        form = LiftForm(request.POST or None)
        there = reverse("admin:consent_suppression_change", args=[found.pk])
        if request.method == "POST" and form.is_valid():
            lift(found.pk, by=f"staff:{request.user.pk}", reason=form.cleaned_data["reason"])
            self.log_change(request, found, f"lift: {form.cleaned_data['reason']}")
            messages.success(
                request, gettext("The suppression is lifted: the address may be written to again.")
            )
            return HttpResponseRedirect(there)
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Lift this suppression?"),
            "opts": self.opts,
            "form": form,
            "original": found,
            "back": there,
        }
        return TemplateResponse(request, "admin/consent/suppression/lift.html", context)

    @admin.display(description=_("Lift"))
    def lift_link(self, obj: Suppression) -> str:
        url = reverse("admin:consent_suppression_lift", args=[obj.pk])
        return _link(url, gettext("Write to this address again…"))

    def save_model(self, request: HttpRequest, obj: Suppression, form: Any, change: bool) -> None:
        names = ("channel", "address", "reason", "scope", "note", "expires_at")
        kept = suppress(**{name: form.cleaned_data[name] for name in names})
        obj.pk, obj.address_hint = kept.pk, kept.address_hint

    def has_change_permission(self, request: HttpRequest, obj: Suppression | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Suppression | None = None) -> bool:
        return super().has_view_permission(request, obj) or self._may_lift(request)

    def has_delete_permission(self, request: HttpRequest, obj: Suppression | None = None) -> bool:
        return False

    def _may_lift(self, request: HttpRequest) -> bool:
        return super().has_change_permission(request)


def _link(url: str, text: str) -> str:
    # unfold does not underline links inside a page, and nobody finds what looks like text.
    return format_html(
        '<a class="text-primary-600 underline dark:text-primary-500" href="{}">{}</a>', url, text
    )
