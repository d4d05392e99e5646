"""What providers answered: in, attempts; out, a list and pages to read, without addresses."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from notifications.admin.cells import NOTHING, latency, moment, outcome_badge, short
from notifications.admin.private import PrivateAdmin
from notifications.models import DeliveryAttempt


@admin.register(DeliveryAttempt)
class DeliveryAttemptAdmin(PrivateAdmin[DeliveryAttempt]):
    """Every try, newest first."""

    nothing_yet = _(
        "Nothing was given to a provider yet. Each try of each message is listed here; see in the queue what is due."
    )
    list_display = (
        "outcome_shown",
        "message",
        "number",
        "provider",
        "provider_code",
        "latency",
        "started",
        "why",
    )
    list_display_links = ("outcome_shown",)
    list_filter = ("outcome",)  # `provider` has no choices: a DISTINCT over the table would make them
    ordering = ("-id",)  # the order of recording; the table's own order groups by message
    fields = (
        "message",
        "number",
        "provider",
        "outcome_shown",
        "provider_code",
        "provider_reference",
        "retry_after",
        "started_at",
        "finished_at",
        "latency",
        "error",
    )
    readonly_fields = ("message", "outcome_shown", "latency")

    @admin.display(description=_("outcome"))
    def outcome_shown(self, attempt: DeliveryAttempt) -> SafeString:
        return outcome_badge(attempt)

    @admin.display(description=_("message"))
    def message(self, attempt: DeliveryAttempt) -> SafeString:
        return message_link(attempt.notification_id)

    @admin.display(description=_("latency"))
    def latency(self, attempt: DeliveryAttempt) -> str:
        return latency(attempt)

    @admin.display(description=_("started"))
    def started(self, attempt: DeliveryAttempt) -> SafeString:
        return moment(attempt.started_at)

    @admin.display(description=_("error"))
    def why(self, attempt: DeliveryAttempt) -> SafeString:
        return short(attempt.error)


def message_link(notification_id: object) -> SafeString:
    if notification_id is None:
        return format_html("{}", NOTHING)
    url = reverse("admin:notifications_notification_change", args=[notification_id])
    return format_html('<a class="pr-link" href="{}">{}…</a>', url, str(notification_id)[:8])
