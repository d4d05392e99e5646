"""Whom a message is for, and what it really says: in, a POST with a reason; out, a page without a mask, shown once.

A right of its own, asked for with a reason each time. The entry in the audit log is written first: what cannot be written down
is not shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from consent.admin_base import ModelAdmin
from consent.sealed import SealError
from notifications.admin.audit import log_each
from notifications.admin.reason import ReasonForm
from notifications.models import Notification
from notifications.reach import Reach, reach_many
from notifications.rendered_again import AsRendered, rendered_now, sensitive_names
from notifications.sealed_payload import open_payload

REVEAL = "notifications.reveal_notification"


@dataclass(frozen=True, slots=True)
class Revealed:
    """Everything unmasked; `problem` says what cannot be opened, and why."""

    recipient: Sequence[tuple[str, str]]
    payload: Mapping[str, Any]
    shown: AsRendered
    problem: str = ""


def reveal_view(admin: ModelAdmin[Notification], request: HttpRequest, object_id: str) -> HttpResponse:
    """`<id>/reveal/`: ask for a reason, then show. A GET shows nothing."""
    if not (admin.has_view_permission(request) and request.user.has_perm(REVEAL)):
        raise PermissionDenied
    rows = Notification.objects.select_related("template", "template_version")
    row = get_object_or_404(rows, pk=object_id)
    if request.method != "POST":
        return HttpResponseRedirect(reverse("admin:notifications_notification_change", args=[row.pk]))
    form = ReasonForm(request.POST) if "confirmed" in request.POST else ReasonForm()
    revealed = None
    if form.is_bound and form.is_valid():
        log_each(request, [row], f"revealed recipient and text: {form.cleaned_data['reason']}")
        revealed = _revealed(row)
    request.current_app = admin.admin_site.name
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "original": row,
        "row": row,
        "title": admin.opts.verbose_name,
        "form": form,
        "revealed": revealed,
    }
    return TemplateResponse(request, "notifications/admin/reveal.html", context)


def _revealed(row: Notification) -> Revealed:
    reach = reach_many([row.to], with_push=False)[0]
    try:
        payload, problem = open_payload(row.payload, sensitive_names(row)), ""
    except SealError as error:
        payload, problem = {}, str(error)
    return Revealed(_recipient(reach), payload, rendered_now(row, masking=False), problem)


def _recipient(reach: Reach | None) -> list[tuple[str, str]]:
    if reach is None:
        return []
    contact = reach.contact
    facts = [
        (_("Name"), f"{contact.first_name} {contact.last_name}".strip()),
        (_("Company"), contact.company_name),
        (_("E-mail"), reach.addresses.get("email", "")),
        (_("Phone"), reach.addresses.get("sms", "")),
    ]
    return [(name, value) for name, value in facts if value]
