"""Payouts in the admin: in, a payout's id, or a reason; out, what was compared, or a discrepancy that somebody has explained."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from consent.admin.forms import ReasonField
from consent.admin.links import link
from rentals.admin.record import RecordAdmin
from rentals.models import PayoutReconciliation
from rentals.settle import settle_payout


class SettleForm(forms.Form):
    """Why the difference is right as it is."""

    reason = ReasonField()


@admin.register(PayoutReconciliation)
class PayoutReconciliationAdmin(RecordAdmin[PayoutReconciliation]):
    nothing_yet = _("No payout was compared yet. The job payout_reconciliation does so every night.")
    list_display = (
        "stripe_payout_id",
        "arrival_date",
        "amount",
        "expected_amount",
        "currency",
        "status",
        "reconciled_at",
    )
    list_filter = ("status", "currency")
    search_fields = ("stripe_payout_id__exact",)
    search_help_text = _("Stripe's payout id, such as po_1Nq…")

    def get_fields(self, request: HttpRequest, obj: PayoutReconciliation | None = None) -> list[Any]:
        fields = [field.name for field in self.opts.concrete_fields if field.editable]
        is_open = obj is not None and obj.status != PayoutReconciliation.Status.RECONCILED
        return [*fields, "settle_link"] if is_open and _may_settle(request) else fields

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.settle_view)
        return [
            path("<uuid:pk>/settle/", view, name="rentals_payoutreconciliation_settle"),
            *super().get_urls(),
        ]

    def settle_view(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """A page that asks for the reason; its POST settles."""
        if not _may_settle(request):
            raise PermissionDenied
        found = get_object_or_404(PayoutReconciliation, pk=pk)
        form = SettleForm(request.POST or None)
        there = reverse("admin:rentals_payoutreconciliation_change", args=[found.pk])
        if request.method == "POST" and form.is_valid():
            if settle_payout(found.pk, by=f"staff:{request.user.pk}", now=timezone.now()):
                self.log_change(request, found, f"settle: {form.cleaned_data['reason']}")
                messages.success(request, gettext("The payout is settled, and its alert is resolved."))
            else:
                messages.warning(request, gettext("The payout was in order already."))
            return HttpResponseRedirect(there)
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Settle this payout?"),
            "opts": self.opts,
            "form": form,
            "original": found,
            "back": there,
        }
        return TemplateResponse(request, "admin/rentals/payoutreconciliation/settle.html", context)

    @admin.display(description=_("Settle"))
    def settle_link(self, obj: PayoutReconciliation) -> str:
        url = reverse("admin:rentals_payoutreconciliation_settle", args=[obj.pk])
        return link(url, gettext("The difference is explained…"))


def _may_settle(request: HttpRequest) -> bool:
    return request.user.has_perm("rentals.change_payoutreconciliation")
