"""What customers said, and how it came to this: in, an operator's decision; out, an event in the ledger and an audit entry.

Nothing here is edited in place: a consent changes by a decision with a reason, through `preferences`.
"""

from typing import Any

from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from consent.admin.find import ledger_url
from consent.admin.forms import ConsentForm
from consent.admin.links import link
from consent.admin.receipts import CustomerLedger
from consent.admin_base import ReadOnlyAdmin, TextWidget
from consent.admin_lists import Bounded
from consent.models import ConsentEvent, CustomerConsent, Source
from consent.preferences import request as ask_for
from consent.preferences import revoke


@admin.register(CustomerConsent)
class CustomerConsentAdmin(Bounded[CustomerConsent]):
    """What customers said. Saving records a decision in the ledger; nothing is overwritten."""

    nothing_yet = _("No customer has decided anything yet. What they choose, or an import, is listed here.")
    form = ConsentForm
    actions = None
    list_display = ["customer_id", "channel", "category", "enabled", "granted_at", "revoked_at", "source"]
    list_filter = ["channel", "category", "enabled", "source"]
    change_list_template = "admin/consent/find_customer.html"
    search_fields = ["customer_id__exact"]
    search_help_text = _("Customer id")
    ordering = ["customer_id", "channel", "category"]
    formfield_overrides = {models.TextField: {"widget": TextWidget}}

    def get_fields(self, request: HttpRequest, obj: CustomerConsent | None = None) -> list[Any]:
        key = ["customer_id", "channel", "category"]
        stands = ["enabled", "granted_at", "revoked_at", "source", "ledger"] if obj else []
        asked = ["decision", "how", "reason"] if self.has_change_permission(request, obj) else []
        return [*key, *stands, *asked]

    def get_readonly_fields(self, request: HttpRequest, obj: CustomerConsent | None = None) -> list[str]:
        if obj is None:
            return []
        return [name for name in self.get_fields(request, obj) if name not in ("decision", "how", "reason")]

    @admin.display(description=_("How it came to this"))
    def ledger(self, obj: CustomerConsent) -> str:
        return link(ledger_url(obj.customer_id), gettext("Every event of this customer"))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        one_decision = {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().render_change_form(request, context | one_decision, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: CustomerConsent, form: Any, change: bool) -> None:
        record = ask_for if form.cleaned_data["decision"] == ConsentForm.GRANT else revoke
        event = record(
            customer_id=obj.customer_id,
            channel=obj.channel,
            category=obj.category,
            source=Source.ADMIN,
            actor=f"staff:{request.user.pk}",
            at=timezone.now(),
            evidence={"how": form.cleaned_data["how"], "reason": form.cleaned_data["reason"]},
        )
        row = _row(obj)
        # Asked and not yet confirmed: there may be no state at all, only the question.
        obj.pk = row.pk if row else event.pk if event else obj.pk

    def response_add(
        self, request: HttpRequest, obj: CustomerConsent, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        return self._asked(request, obj) or super().response_add(request, obj, *args, **kwargs)

    def response_change(self, request: HttpRequest, obj: CustomerConsent) -> HttpResponse:
        return self._asked(request, obj) or super().response_change(request, obj)

    def _asked(self, request: HttpRequest, obj: CustomerConsent) -> HttpResponse | None:
        """Where a grant waits for the customer's confirmation, nothing was added or changed yet."""
        row = _row(obj)
        if request.POST.get("decision") != ConsentForm.GRANT or (row and row.enabled):
            return None
        text = _("The customer is asked to confirm, at most once an hour. Until they do, nothing changes.")
        self.message_user(request, text, messages.INFO)
        return HttpResponseRedirect(reverse("admin:consent_customerconsent_changelist"))

    def construct_change_message(  # type: ignore[override]
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> str:
        said = form.cleaned_data
        return f"{said['decision']} ({said['how']}): {said['reason']}"

    def has_add_permission(self, request: HttpRequest) -> bool:
        # A decision makes the row or changes it: one permission for both.
        return self.has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: CustomerConsent | None = None) -> bool:
        return False


def _row(obj: CustomerConsent) -> CustomerConsent | None:
    key = {"customer_id": obj.customer_id, "channel": obj.channel, "category": obj.category}
    return CustomerConsent.objects.filter(**key).first()


@admin.register(ConsentEvent)
class ConsentEventAdmin(CustomerLedger, Bounded[ConsentEvent], ReadOnlyAdmin[ConsentEvent]):
    """The ledger: every change, who made it and what they had read."""

    nothing_yet = _("Nothing was decided yet. Each grant and each refusal is kept here for ever.")
    list_display = ["occurred_at", "customer_id", "action", "channel", "category", "source", "actor"]
    list_filter = ["action", "channel", "category", "source"]
    change_list_template = "admin/consent/find_customer.html"
    search_fields = ["customer_id__exact"]
    search_help_text = _("Customer id")
    fields = [
        "customer_id",
        "whole_ledger",
        "action",
        "channel",
        "category",
        "source",
        "actor",
        "wording",
        "evidence",
        "occurred_at",
        "recorded_at",
        "place",
        "prev_hash",
        "hash",
    ]

    @admin.display(description=_("How it came to this"))
    def whole_ledger(self, obj: ConsentEvent) -> str:
        return link(ledger_url(obj.customer_id), gettext("Every event of this customer"))
