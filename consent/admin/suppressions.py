"""Addresses that are not written to: in, an operator's address or reason; out, a suppression made or lifted, and an audit entry.

Found by address through the index, so that none is stored and none stands in a URL.
"""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from consent.addresses import AddressError, blind_index
from consent.admin.forms import LiftForm, SuppressionForm
from consent.admin.lifting import effects
from consent.admin.links import link
from consent.admin_lists import Bounded
from consent.models import Suppression
from consent.suppress import lift, suppress


@admin.register(Suppression)
class SuppressionAdmin(Bounded[Suppression]):
    """Addresses that are not written to. Found by address through the index; lifted with a reason."""

    nothing_yet = _(
        "No address is suppressed: messages go to all. Bounces, complaints and STOP add to this list by themselves."
    )
    form = SuppressionForm
    actions = None
    list_display = ["address_hint", "channel", "scope", "reason", "created_at", "expires_at", "lifted_at"]
    list_filter = ["channel", "scope", "reason", ("lifted_at", admin.EmptyFieldListFilter)]
    change_list_template = "admin/consent/suppression/change_list.html"

    def leads(self, name: str, value: str) -> bool:
        return name in ("address_hmac__exact", "reason__exact")

    def get_fields(self, request: HttpRequest, obj: Suppression | None = None) -> list[Any]:
        if obj is None:
            return ["channel", "address", "reason", "scope", "note", "expires_at"]
        shown = [
            "address_hint",
            "channel",
            "scope",
            "reason",
            "note",
            "created_at",
            "expires_at",
            "source_link",
        ]
        if obj.lifted_at is not None:
            return [*shown, "lifted_at", "lifted_by", "lift_reason"]
        return [*shown, "lift_link"] if self._may_lift(request) else shown

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"reason": Suppression.Reason.MANUAL}

    def get_urls(self) -> list[URLPattern]:
        site = self.admin_site.admin_view
        return [
            path("find/", site(self.find_view), name="consent_suppression_find"),
            path("<uuid:pk>/lift/", site(self.lift_view), name="consent_suppression_lift"),
            *super().get_urls(),
        ]

    def find_view(self, request: HttpRequest) -> HttpResponse:
        """By POST and then by index, so that no address stands in a URL, a log or a browser's history."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        here = reverse("admin:consent_suppression_changelist")
        if request.method != "POST":  # the address bar, or a login in between
            return HttpResponseRedirect(here)
        typed = request.POST.get("address", "").strip()
        channel = "email" if "@" in typed else "push" if "://" in typed else "sms"
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
        found = get_object_or_404(Suppression, pk=pk)
        form = LiftForm(request.POST or None)
        there = HttpResponseRedirect(reverse("admin:consent_suppression_change", args=[found.pk]))
        if found.lifted_at is not None:
            messages.warning(request, gettext("It is lifted already: nothing was changed."))
            return there
        if request.method == "POST" and form.is_valid():
            self._lift(request, found, form.cleaned_data["reason"])
            return there
        does, stays = effects(found, now=timezone.now())
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Lift this suppression?"),
            "opts": self.opts,
            "form": form,
            "original": found,
            "back": there.url,
            "does": does,
            "stays": stays,
        }
        return TemplateResponse(request, "admin/consent/suppression/lift.html", context)

    def _lift(self, request: HttpRequest, row: Suppression, reason: str) -> None:
        """Of two operators at once the second waits for the row, and is told."""
        with transaction.atomic():
            standing = Suppression.objects.select_for_update().get(pk=row.pk)
            if standing.lifted_at is not None:
                messages.warning(request, gettext("It is lifted already: nothing was changed."))
                return
            lift(row.pk, by=f"staff:{request.user.pk}", reason=reason)
            self.log_change(request, row, f"lift: {reason}")
        messages.success(request, gettext("The suppression is lifted: the address may be written to again."))

    @admin.display(description=_("Asked for by"))
    def source_link(self, obj: Suppression) -> str:
        """The provider's report, where the host shows those and it is still there to be read."""
        if obj.source_event is None:
            return gettext("no report of a provider")
        text = gettext("report %d of a provider") % obj.source_event
        try:
            return link(reverse("admin:notifications_providerevent_change", args=[obj.source_event]), text)
        except NoReverseMatch:
            return text

    @admin.display(description=_("Lift"))
    def lift_link(self, obj: Suppression) -> str:
        url = reverse("admin:consent_suppression_lift", args=[obj.pk])
        return link(url, gettext("Write to this address again…"))

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
