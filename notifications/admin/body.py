"""The text of one message: in, a reader with the permission; out, its parts, and the HTML in a frame that can do nothing.

Every look is an entry in the audit log: this is the one place where an operator reads what a customer reads.
"""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from consent.admin_base import ModelAdmin
from notifications.admin.audit import log_each
from notifications.models import InboxItem, Notification
from notifications.rendered_again import AsRendered, rendered_now, shown_payload

READ_BODY = "notifications.view_notification_body"
# Nothing runs, nothing is fetched, no form posts; the sandbox gives the document an origin of its own.
FRAME_POLICY = (
    "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)
# A link clicked inside the frame must not load another site into our page.
PAGE_POLICY = "frame-src 'self'"


def body_view(admin: ModelAdmin[Notification], request: HttpRequest, object_id: str) -> HttpResponse:
    """`<id>/body/`: a page of its own, for who has no scripts."""
    row = _readable(admin, request, object_id)
    request.current_app = admin.admin_site.name
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "original": row,
        "title": admin.opts.verbose_name,
        **_read(request, row),
    }
    response = TemplateResponse(request, "notifications/admin/body.html", context)
    response["Content-Security-Policy"] = PAGE_POLICY
    return response


def parts_view(admin: ModelAdmin[Notification], request: HttpRequest, object_id: str) -> HttpResponse:
    """`<id>/body/parts/`: the same, to be put into the message's page."""
    row = _readable(admin, request, object_id)
    request.current_app = admin.admin_site.name
    return TemplateResponse(request, "notifications/admin/message/parts.html", _read(request, row))


def frame_view(admin: ModelAdmin[Notification], request: HttpRequest, object_id: str) -> HttpResponse:
    """`<id>/body/html/`: the HTML part, for a sandboxed frame; `?scheme=dark` as a dark mail program shows it."""
    row = _readable(admin, request, object_id)
    html = rendered_now(row).parts.get("html")
    if html is None:
        raise Http404
    log_each(request, [row], "read the HTML of the message")
    if request.GET.get("scheme") == "dark":
        # A sandboxed frame does not inherit the page's colour scheme: the rules for the dark are made to hold always.
        html = html.replace("@media (prefers-color-scheme: dark)", "@media all")
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


def _read(request: HttpRequest, row: Notification) -> dict[str, Any]:
    """What is shown of it, once it is on record that it was read."""
    shown = rendered_now(row)
    log_each(request, [row], "read the text of the message")
    written = None
    if row.channel == "inapp" and not shown.masks:  # what stands in the inbox has no masks
        written = InboxItem.objects.filter(notification_id=row.pk).first()
    return {
        "row": row,
        "shown": shown,
        "written": written,
        "payload": shown_payload(row),
        "tabs": _tabs(shown),
        "differs": _differs(row, shown),
    }


def _tabs(shown: AsRendered) -> Sequence[tuple[str, str]]:
    """By id, what each tab is called. Only an e-mail has several parts to read."""
    if "html" not in shown.parts:
        return ()
    return (("html", "HTML"), ("text", _("Text")), ("headers", _("Headers")))


def _differs(row: Notification, shown: AsRendered) -> Sequence[str]:
    """In what this may differ from what was sent: the wording cannot, since a version never changes."""
    if shown.problem:
        return ()
    found = [_("the recipient's name and language are as they are today")]
    if shown.has_placeholder_link:
        found.append(_("the link to unsubscribe is a placeholder"))
    if shown.masks:
        found.append(_("sensitive values are masked"))
    if row.template_version_id:
        found.append(_("our own name and postal address are today's"))
    return found
