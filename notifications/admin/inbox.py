"""Where people are reached without an address: in, inbox items and browsers; out, pages to read.

An inbox item is a rendered message: its words are shown to readers of bodies only, and each look is logged. Where sensitive
values are among them, they are not shown at all: to reveal is a right of its own, on the message's page.
"""

from typing import Any

from django.contrib import admin
from django.core.exceptions import ObjectDoesNotExist
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.admin.audit import log_each
from notifications.admin.body import READ_BODY
from notifications.admin.cells import moment, recipient
from notifications.admin.deliveries import message_link
from notifications.admin.private import PrivateAdmin
from notifications.history import find
from notifications.models import InboxItem, PushSubscription
from notifications.rendered_again import sensitive_names


@admin.register(InboxItem)
class InboxItemAdmin(PrivateAdmin[InboxItem]):
    """The in-app inboxes, newest first."""

    nothing_yet = _(
        "Nobody has an in-app message yet. Messages on the in-app channel are listed here as soon as they are sent."
    )
    list_display = ("who", "category", "priority", "created", "read", "message_in_queue")
    list_filter = ("category", "priority")
    # created_at has no index of its own: only one person's items are read in that order.
    ordering = ("-pk",)
    facts = ("user_id", "category", "priority", "created_at", "read_at", "message_in_queue")
    words = ("title", "message", "action_url", "cta_label")
    readonly_fields = ("message_in_queue", "created_at", "hidden")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if not _reads(request):
            return self.facts
        return (
            (*self.facts, "hidden") if obj is not None and _is_sensitive(obj) else (*self.facts, *self.words)
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        response = super().change_view(request, object_id, form_url, extra_context)
        shown = getattr(response, "context_data", None)
        item = shown.get("original") if shown else None
        if _reads(request) and isinstance(item, InboxItem) and not _is_sensitive(item):
            log_each(request, [item], "read the text of the inbox item")
        return response

    @admin.display(description=_("text"))
    def hidden(self, item: InboxItem) -> str:
        return gettext(
            "It may hold sensitive values. Reveal it on the page of the message, as long as that is in the queue."
        )

    @admin.display(description=_("recipient"))
    def who(self, item: InboxItem) -> SafeString:
        return recipient(item.user_id.replace(":", " ", 1))

    @admin.display(description=_("created"))
    def created(self, item: InboxItem) -> SafeString:
        return moment(item.created_at)

    @admin.display(description=_("read"))
    def read(self, item: InboxItem) -> SafeString:
        return moment(item.read_at)

    @admin.display(description=_("queue"))
    def message_in_queue(self, item: InboxItem) -> SafeString:
        return message_link(item.notification_id)


@admin.register(PushSubscription)
class PushSubscriptionAdmin(PrivateAdmin[PushSubscription]):
    """The browsers that asked for push messages. Endpoint and keys stay sealed: they are what lets one write there."""

    nothing_yet = _("No browser has asked for push messages yet. Customers allow them in their own account.")
    list_display = ("who", "endpoint_origin", "created", "used")
    ordering = ("-pk",)
    fields = ("recipient_key", "endpoint_origin", "created_at", "last_used_at")
    readonly_fields = ("created_at",)

    @admin.display(description=_("recipient"))
    def who(self, browser: PushSubscription) -> SafeString:
        return recipient(browser.recipient_key.replace(":", " ", 1))

    @admin.display(description=_("created"))
    def created(self, browser: PushSubscription) -> SafeString:
        return moment(browser.created_at)

    @admin.display(description=_("last used"))
    def used(self, browser: PushSubscription) -> SafeString:
        return moment(browser.last_used_at)


def _reads(request: HttpRequest) -> bool:
    return bool(request.user.has_perm(READ_BODY))


def _is_sensitive(item: InboxItem) -> bool:
    """Does its version declare sensitive values? So does one that nobody can ask any more."""
    try:
        row = find(item.notification_id) if item.notification_id else None
        return row is None or bool(sensitive_names(row))
    except ObjectDoesNotExist:
        return True
