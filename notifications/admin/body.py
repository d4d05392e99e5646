"""The text of one message: in, a reader with the permission; out, its parts, and the HTML in a frame that can do nothing.

Every look is an entry in the audit log: this is the one place where an operator reads what a customer reads.
"""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse

from consent.admin_base import ModelAdmin
from notifications.admin.audit import log_each
from notifications.models import Notification
from notifications.rendered_again import rendered_now, shown_payload

READ_BODY = "notifications.view_notification_body"
# Nothing runs, nothing is fetched, no form posts; the sandbox gives the document an origin of its own.
FRAME_POLICY = (
    "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)
# A link clicked inside the frame must not load another site into our page.
PAGE_POLICY = "frame-src 'self'"
# As a reader meets them; the rest in the channel's own order.
_ORDER = {"subject": 0, "title": 0, "html": 1, "text": 2}


def body_view(admin: ModelAdmin[Notification], request: HttpRequest, object_id: str) -> HttpResponse:
    """`<id>/body/`: subject, text, SMS with its segments, push, in-app, and the payload."""
    row = _readable(admin, request, object_id)
    shown = rendered_now(row)
    log_each(request, [row], "read the text of the message")
    request.current_app = admin.admin_site.name
    context: dict[str, Any] = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "original": row,
        "row": row,
        "title": admin.opts.verbose_name,
        "shown": shown,
        "parts": sorted(shown.parts.items(), key=lambda part: _ORDER.get(part[0], len(_ORDER))),
        "payload": shown_payload(row),
    }
    response = TemplateResponse(request, "notifications/admin/body.html", context)
    response["Content-Security-Policy"] = PAGE_POLICY
    return response


def frame_view(admin: ModelAdmin[Notification], request: HttpRequest, object_id: str) -> HttpResponse:
    """`<id>/body/html/`: the HTML part, for a sandboxed frame."""
    row = _readable(admin, request, object_id)
    html = rendered_now(row).parts.get("html")
    if html is None:
        raise Http404
    log_each(request, [row], "read the HTML of the message")
    response = HttpResponse(html)
    response["Content-Security-Policy"] = FRAME_POLICY
    response["X-Frame-Options"] = "SAMEORIGIN"
    response["X-Content-Type-Options"] = "nosniff"
    response["Referrer-Policy"] = "no-referrer"
    return response


def _readable(admin: ModelAdmin[Notification], request: HttpRequest, object_id: str) -> Notification:
    if not (admin.has_view_permission(request) and request.user.has_perm(READ_BODY)):
        raise PermissionDenied
    rows = Notification.objects.select_related("template", "template_version")
    return get_object_or_404(rows, pk=object_id)
