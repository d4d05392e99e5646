"""What providers reported by webhook: in, events; out, a list and pages to read without addresses, and those stuck tried again."""

import json

from django.contrib import admin, messages
from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from consent.admin_base import ModelAdmin
from notifications.admin.audit import log_each
from notifications.admin.cells import moment
from notifications.admin.deliveries import message_link
from notifications.admin.private import PrivateAdmin
from notifications.feedback import TROUBLE
from notifications.masking import redact
from notifications.models import ProviderEvent
from notifications.reported import report_text
from notifications.webhooks.apply import TRIES, try_again


class StandingFilter(SimpleListFilter):
    """Those not applied yet, through the index that holds no others."""

    title = _("standing")
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[ProviderEvent]) -> list[tuple[str, str]]:
        return [("waiting", gettext("Waits to be applied")), ("stuck", gettext("Failed: waits for a person"))]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[ProviderEvent]
    ) -> QuerySet[ProviderEvent] | None:
        match self.value():
            case "waiting":
                return queryset.filter(applied_at=None)
            case "stuck":
                return queryset.filter(applied_at=None, attempts__gte=TRIES)
        return None


@admin.register(ProviderEvent)
class ProviderEventAdmin(PrivateAdmin[ProviderEvent]):
    """What came by webhook, newest first."""

    nothing_yet = _(
        "No provider has reported anything yet. If messages were sent, see whether its webhook points here."
    )
    list_display = ("event_type", "provider", "message", "address_hint", "outcome", "occurred", "received")
    list_filter = ("event_type", StandingFilter)
    ordering = ("-id",)
    fields = (
        "says", "provider", "event_type", "code", "event_id", "reference", "message", "address_hint", "occurred_at",
        "received_at", "applied_at", "outcome", "attempts", "retry_at", "error", "told",
    )  # fmt: skip
    readonly_fields = ("says", "message", "told", "received_at")
    actions = ("again",)  # type: ignore[assignment]

    def leads(self, name: str, value: str) -> bool:
        return name == "standing" or (name == "event_type__exact" and value in TROUBLE)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProviderEvent]:
        """What people wrote to us has a page of its own (texts.py)."""
        return super().get_queryset(request).exclude(event_type=ProviderEvent.Type.INBOUND)

    def has_again_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("notifications.change_providerevent")

    @admin.action(description=_("Try to apply again"), permissions=["again"])
    def again(self, request: HttpRequest, queryset: QuerySet[ProviderEvent]) -> None:
        """Only what waits is touched; what was applied stays applied."""
        rows = list(queryset.filter(applied_at=None)[:1000])
        count = try_again([row.pk for row in rows])
        log_each(request, rows, "try to apply again")
        told = ngettext("%d report is tried again.", "%d reports are tried again.", count)
        messages.success(request, told % count)

    @admin.display(description=_("says"))
    def says(self, event: ProviderEvent) -> str:
        return report_text(event)

    @admin.display(description=_("message"))
    def message(self, event: ProviderEvent) -> SafeString:
        return message_link(event.notification_id)

    @admin.display(description=_("occurred"))
    def occurred(self, event: ProviderEvent) -> SafeString:
        return moment(event.occurred_at)

    @admin.display(description=_("received"))
    def received(self, event: ProviderEvent) -> SafeString:
        return moment(event.received_at)

    @admin.display(description=_("detail"))
    def told(self, event: ProviderEvent) -> SafeString:
        """What the provider sent, without addresses."""
        return format_html(
            '<pre class="pr-text">{}</pre>', redact(json.dumps(event.detail, ensure_ascii=False))
        )
