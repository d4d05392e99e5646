"""Two steps to a change: in, a POST with ids; out, a page that asks for a reason, then the change and what became of it.

The page carries the ids it showed, so that what was confirmed is what is done, however the list has moved on since. It
also carries a number used once: sending the page twice sends nothing twice.
"""

import uuid
from collections.abc import Sequence

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from consent.admin_base import ModelAdmin
from notifications.admin.acts import ACTS, Act, carry_out
from notifications.admin.reason import ReasonForm
from notifications.admin.selection import Selection, chosen, preview
from notifications.models import Notification
from notifications.replay import CAP


def act_view(admin: ModelAdmin[Notification], request: HttpRequest, name: str) -> HttpResponse:
    """`act/<name>/`: ask, and once confirmed with a reason, act."""
    act = ACTS.get(name)
    if act is None:
        raise Http404
    if not (act.allowed(request.user) and admin.has_view_permission(request)):
        raise PermissionDenied
    back = _back(request)
    if request.method != "POST":
        # A reload after logging in again, or a bookmark: nothing is chosen.
        messages.info(request, _("Choose the messages first."))
        return HttpResponseRedirect(back)
    ids = _ids(request.POST.get("ids", ""))
    if not ids:
        messages.warning(request, _("No messages were chosen."))
        return HttpResponseRedirect(back)
    form = ReasonForm(request.POST) if "confirmed" in request.POST else ReasonForm()
    if not form.is_bound or not form.is_valid():
        return ask(admin, request, act, chosen(ids), back=back, form=form)
    with transaction.atomic():
        result = carry_out(
            act,
            ids,
            request=request,
            reason=form.cleaned_data["reason"],
            once=_once(request.POST.get("once", "")),
        )
    if result.done:
        messages.success(request, act.told(len(result.done)))
    if result.skipped:
        why = ", ".join(f"{reason} ({count})" for reason, count in sorted(result.skipped.items()))
        messages.warning(request, _("Left alone: %s.") % why)
    return HttpResponseRedirect(back)


def ask(
    admin: ModelAdmin[Notification],
    request: HttpRequest,
    act: Act,
    selection: Selection,
    *,
    back: str,
    form: ReasonForm | None = None,
) -> HttpResponse:
    """The page that says how many would go, which would not and why, and asks for the reason."""
    request.current_app = admin.admin_site.name
    return TemplateResponse(
        request,
        "notifications/admin/confirm.html",
        {
            **admin.admin_site.each_context(request),
            "opts": admin.opts,
            "title": act.title,
            "act": act,
            "selection": selection,
            "preview": preview(selection, act),
            "ids": ",".join(map(str, selection.ids)),
            "once": request.POST.get("once") or uuid.uuid4(),
            "back": back,
            "cap": CAP,
            "form": form or ReasonForm(),
            "action_url": reverse("admin:notifications_notification_act", args=[act.name]),
        },
    )


def _ids(text: str) -> Sequence[uuid.UUID]:
    """One field for all of them: a form may have no more than 1000 fields. What is no id is dropped."""
    found = []
    for part in text.split(",")[: CAP + 1]:
        try:
            found.append(uuid.UUID(part.strip()))
        except ValueError:
            continue
    return found[:CAP]


def _once(text: str) -> str:
    """The page's own number; one that we did not make is replaced, so that it cannot clash with a caller's keys."""
    try:
        return f"again:{uuid.UUID(text)}"
    except ValueError:
        return f"again:{uuid.uuid4()}"


def _back(request: HttpRequest) -> str:
    """Where to go afterwards: the filtered list or the message's page, never another site."""
    here = reverse("admin:notifications_notification_changelist")
    wanted = request.POST.get("back", "")
    ours = wanted.startswith(here) and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return wanted if ours else here
