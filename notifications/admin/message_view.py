"""One message's page: in, its id; out, the page, or the part of it that keeps itself up to date while something happens."""

import uuid
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from consent.admin_base import ModelAdmin
from notifications.admin.body import PAGE_POLICY
from notifications.admin.detail import load, message_page
from notifications.models import Notification

# https://htmx.org/docs/#polling: a successful answer after which nobody asks again.
NOTHING_MOVES = 286


def show_message(
    admin: ModelAdmin[Notification], request: HttpRequest, row: Notification, extra: dict[str, Any]
) -> HttpResponse:
    """The page to read; what changes a message is a POST to `act/<name>/`."""
    request.current_app = admin.admin_site.name
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "original": row,
        "title": admin.opts.verbose_name,
        **_shown(request, row),
        **extra,
    }
    response = TemplateResponse(request, "notifications/admin/message.html", context)
    response["Content-Security-Policy"] = PAGE_POLICY
    return response


def live_view(admin: ModelAdmin[Notification], request: HttpRequest, object_id: uuid.UUID) -> HttpResponse:
    """`<id>/live/`: the inside of the part that moves."""
    if not admin.has_view_permission(request):
        raise PermissionDenied
    row = load(object_id)
    if row is None:
        raise Http404
    request.current_app = admin.admin_site.name
    shown = _shown(request, row)
    status = 200 if shown["page"].beat else NOTHING_MOVES
    return TemplateResponse(request, "notifications/admin/message/live.html", shown, status=status)


def _shown(request: HttpRequest, row: Notification) -> dict[str, Any]:
    every = request.GET.get("all") == "1"
    return {"row": row, "page": message_page(row, request.user, now=timezone.now(), every=every)}
