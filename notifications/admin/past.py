"""The history: in, filters and a search; out, the list of messages that have left the queue. Their page is the queue's own."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.admin.cells import moment, short, status_badge, trouble
from notifications.admin.find import search_past
from notifications.admin.searching import SearchedAdmin
from notifications.history import as_notification
from notifications.models import NotificationHistory


@admin.register(NotificationHistory)
class NotificationHistoryAdmin(SearchedAdmin[NotificationHistory]):
    """What ended, newest first. Nobody is named here; a recipient is found by their id or address."""

    nothing_yet = _(
        "No message has left the queue yet. A week after it ended a message moves here, without recipient and text."
    )
    list_display = (
        "status_shown",
        "what",
        "channel_shown",
        "attempts",
        "feedback",
        "why",
        "finished",
        "moved",
    )
    list_display_links = ("what",)
    # Each by an index; a filter by channel or category would read all of it.
    list_filter = ("status", "finished_at")
    search_help_text = _("Id, key, reference, customer, e-mail or phone")

    def leads(self, name: str, value: str) -> bool:
        return name == "status__exact"

    def search(
        self, request: HttpRequest, rows: QuerySet[NotificationHistory], text: str
    ) -> QuerySet[NotificationHistory]:
        return search_past(rows, text)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:notifications_notification_change", args=[object_id]))

    @admin.display(description=_("status"))
    def status_shown(self, past: NotificationHistory) -> SafeString:
        return status_badge(as_notification(past))

    @admin.display(description=_("message"))
    def what(self, past: NotificationHistory) -> SafeString:
        name = past.template_name or gettext("inline text")
        return format_html('{} <small class="pr-aside">{}</small>', name, past.get_category_display())

    @admin.display(description=_("channel"))
    def channel_shown(self, past: NotificationHistory) -> str:
        return past.get_channel_display()

    @admin.display(description=_("error or reason"))
    def why(self, past: NotificationHistory) -> SafeString:
        return short(trouble(as_notification(past)), 48)

    @admin.display(description=_("ended"))
    def finished(self, past: NotificationHistory) -> SafeString:
        return moment(past.finished_at)

    @admin.display(description=_("moved"))
    def moved(self, past: NotificationHistory) -> SafeString:
        return moment(past.moved_at)


def tell_of_history(request: HttpRequest, text: str) -> None:
    """Beside what a search found in the queue: that there are past messages too, with the way to them."""
    if search_past(NotificationHistory.objects.order_by(), text).exists():
        there = reverse("admin:notifications_notificationhistory_changelist")
        link = '<a class="pr-link" href="{}?{}">{}</a>'
        messages.info(
            request,
            format_html(link, there, urlencode({"q": text}), gettext("Past messages match this search too.")),
        )
