"""The queue: in, filters, a search and ticked rows; out, the list, each message's page, and the acts on them."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from consent.ids import uuid_of
from notifications.admin.acts import ACTS
from notifications.admin.body import body_view, frame_view, parts_view
from notifications.admin.columns import COLUMNS, QueueColumns
from notifications.admin.confirm import act_view, ask_first
from notifications.admin.criteria import kept
from notifications.admin.detail import load
from notifications.admin.find import search
from notifications.admin.message_view import live_view, show_message
from notifications.admin.past import tell_of_history
from notifications.admin.queue_list import QueueList, tabs_view
from notifications.admin.reveal import reveal_view
from notifications.admin.selection import all_matching, chosen
from notifications.models import Notification


@admin.register(Notification)
class NotificationAdmin(QueueColumns, QueueList):
    """Messages, newest first."""

    list_display = COLUMNS
    list_display_links = ("what",)
    list_select_related = ("template",)
    search_help_text = _("Id, key, reference, customer, e-mail or phone")
    actions = ("replay", "send_again", "cancel", "reschedule", "prioritise", "settle")  # type: ignore[assignment]

    def get_urls(self) -> list[URLPattern]:
        def wrapped(view: Any) -> Any:
            return self.admin_site.admin_view(lambda request, **given: view(self, request, **given))

        return [
            path("tabs/", wrapped(tabs_view), name="notifications_notification_tabs"),
            path("act/<slug:name>/", wrapped(act_view), name="notifications_notification_act"),
            path("<uuid:object_id>/body/", wrapped(body_view), name="notifications_notification_body"),
            path(
                "<uuid:object_id>/body/parts/", wrapped(parts_view), name="notifications_notification_parts"
            ),
            path("<uuid:object_id>/live/", wrapped(live_view), name="notifications_notification_live"),
            path("<uuid:object_id>/reveal/", wrapped(reveal_view), name="notifications_notification_reveal"),
            path("<uuid:object_id>/body/html/", wrapped(frame_view), name="notifications_notification_frame"),
            *super().get_urls(),
        ]

    # ── The list ────────────────────────────────────────────────────────────────────────────────────────
    def search(self, request: HttpRequest, rows: QuerySet[Notification], text: str) -> QuerySet[Notification]:
        if request.user.has_perm("notifications.view_notificationhistory"):
            tell_of_history(request, text)
        return search(rows, text)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """For the log of who acted on it, which outlives the row."""
        return super().get_object(request, object_id, from_field) or _found(object_id)

    # ── One message ─────────────────────────────────────────────────────────────────────────────────────
    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        row = _found(unquote(object_id))
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined, no-any-return]
        around = {"in_list": self.place_in_list(request, row), **(extra_context or {})}
        return show_message(self, request, row, around)

    # ── The acts, on ticked rows or on all that match ───────────────────────────────────────────────────
    def has_replay_permission(self, request: HttpRequest) -> bool:
        return ACTS["replay"].allowed(request.user)

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        return ACTS["cancel"].allowed(request.user)

    def has_reschedule_permission(self, request: HttpRequest) -> bool:
        return ACTS["reschedule"].allowed(request.user)

    def has_settle_permission(self, request: HttpRequest) -> bool:
        return ACTS["settle"].allowed(request.user)

    @admin.action(description=_("Replay failed messages"), permissions=["replay"])
    def replay(self, request: HttpRequest, queryset: QuerySet[Notification]) -> HttpResponse:
        return self._ask("replay", request, queryset)

    @admin.action(description=_("Send again"), permissions=["replay"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Notification]) -> HttpResponse:
        return self._ask("send_again", request, queryset)

    @admin.action(description=_("Cancel queued messages"), permissions=["cancel"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Notification]) -> HttpResponse:
        return self._ask("cancel", request, queryset)

    @admin.action(description=_("Reschedule queued messages"), permissions=["reschedule"])
    def reschedule(self, request: HttpRequest, queryset: QuerySet[Notification]) -> HttpResponse:
        return self._ask("reschedule", request, queryset)

    @admin.action(description=_("Change the priority of queued messages"), permissions=["reschedule"])
    def prioritise(self, request: HttpRequest, queryset: QuerySet[Notification]) -> HttpResponse:
        return self._ask("prioritise", request, queryset)

    @admin.action(description=_("Settle unknown outcomes"), permissions=["settle"])
    def settle(self, request: HttpRequest, queryset: QuerySet[Notification]) -> HttpResponse:
        return self._ask("settle", request, queryset)

    def _ask(self, name: str, request: HttpRequest, queryset: QuerySet[Notification]) -> HttpResponse:
        act = ACTS[name]
        if request.POST.get("select_across") == "1":
            selection = all_matching(queryset, act, kept(request))
        else:
            selection = chosen(queryset.values_list("pk", flat=True))
        return ask_first(self, request, act, selection, back=request.get_full_path())


def _found(object_id: str) -> Notification | None:
    """In the queue or in the history."""
    return load(known) if (known := uuid_of(object_id)) else None
