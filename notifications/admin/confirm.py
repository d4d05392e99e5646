"""Two steps to a change: in, a POST with ids or a filter; out, a page that asks for a reason, then the act and what became of it.

The page carries the ids it showed, so that what was confirmed is what is done, however the list has moved on since; beyond
CAP it carries the filter, and the act runs in the background. It also carries a number, which is the act's: sending the page
twice asks for the same act, which is done once.
"""

import json
import uuid
from collections.abc import Sequence

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from consent.admin_base import ModelAdmin
from consent.ids import uuid_of
from notifications.acted import CAP, in_words
from notifications.admin.act_forms import ActForm
from notifications.admin.acts import ACTS, Act
from notifications.admin.audit import log_act
from notifications.admin.criteria import FilterNotUnderstood, rows_of
from notifications.admin.forewarned import elsewhere, warnings
from notifications.admin.selection import Selection, all_matching, chosen, preview
from notifications.bulk.order import Wish, ask, start_later
from notifications.bulk.work import do_now
from notifications.models import BulkAct, Notification


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
    number = _number(request.POST.get("once", ""))
    if (earlier := BulkAct.objects.filter(pk=number).first()) is not None:
        return _done_before(request, earlier, back)
    try:
        selection = _selection(request, act)
    except FilterNotUnderstood as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(back)
    if not selection.ids:
        messages.warning(request, _("No messages were chosen."))
        return HttpResponseRedirect(back)
    form = act.form(request.POST) if "confirmed" in request.POST else act.form()
    if not form.is_bound or not form.is_valid() or _has_more_to_show(form, request):
        return ask_first(admin, request, act, selection, back=back, form=form, number=number)
    return _carry_out(request, act, selection, form, number=number, back=back)


def ask_first(
    admin: ModelAdmin[Notification],
    request: HttpRequest,
    act: Act,
    selection: Selection,
    *,
    back: str,
    form: ActForm | None = None,
    number: uuid.UUID | None = None,
) -> HttpResponse:
    """The page that says how many would go, which would not and why, what follows, and asks for the reason."""
    request.current_app = admin.admin_site.name
    form, now = form or act.form(), timezone.now()
    arguments = form.shown(now)
    is_shown = not form.is_checked or (form.is_bound and not form.errors.get("to"))
    return TemplateResponse(
        request,
        "notifications/admin/confirm.html",
        {
            **admin.admin_site.each_context(request),
            "opts": admin.opts,
            "title": act.title,
            "act": act,
            "selection": selection,
            "preview": preview(selection, act, arguments, now=now),
            "warnings": warnings(selection, act),
            "elsewhere": elsewhere(selection.ids, form.cleaned_data["to"])
            if form.is_checked and is_shown
            else (),
            "ids": "" if selection.query else ",".join(map(str, selection.ids)),
            "once": number or uuid.uuid4(),
            "shown": json.dumps(arguments, sort_keys=True) if is_shown else "",
            "is_shown": is_shown,
            "back": back,
            "form": form,
            "action_url": reverse("admin:notifications_notification_act", args=[act.name]),
        },
    )


def _carry_out(
    request: HttpRequest, act: Act, selection: Selection, form: ActForm, *, number: uuid.UUID, back: str
) -> HttpResponse:
    """Up to CAP at once and here, more in the background. The audit's entry is in the same transaction: without it no act."""
    now = timezone.now()
    wish = Wish(
        act=act.name,
        by=f"staff:{request.user.pk}",
        reason=form.cleaned_data["reason"],
        arguments=form.arguments(),
        ids=None if selection.query else selection.ids,
        query=selection.query,
        id=number,
    )
    with transaction.atomic():
        row, is_new = ask(wish, now=now)
        if not is_new:
            return _done_before(request, row, back)
        if row.total is not None:
            row = do_now(row, now=now)
        else:
            start_later()
        log_act(request, row, count=selection.count)
    if row.total is None:
        messages.success(request, _("It runs in the background: this page shows how far it is."))
        return HttpResponseRedirect(reverse("admin:notifications_bulkact_change", args=[row.pk]))
    _tell(request, act, row)
    return HttpResponseRedirect(back)


def _tell(request: HttpRequest, act: Act, row: BulkAct) -> None:
    if row.done:
        messages.success(request, act.told(row.done))
    if row.skipped:
        why = ", ".join(f"{reason} ({count})" for reason, count in sorted(in_words(row.skipped).items()))
        messages.warning(request, _("Left alone: %s.") % why)


def _done_before(request: HttpRequest, row: BulkAct, back: str) -> HttpResponse:
    """A second click, a reload or the back button: what became of the first."""
    act = ACTS.get(row.act)
    if act is None or not row.is_over or row.query:
        messages.info(request, _("This page was confirmed before; here is what became of it."))
        return HttpResponseRedirect(reverse("admin:notifications_bulkact_change", args=[row.pk]))
    messages.info(request, _("Nothing was done a second time. The first time: %s") % act.told(row.done))
    return HttpResponseRedirect(back)


def _has_more_to_show(form: ActForm, request: HttpRequest) -> bool:
    """Was another moment confirmed than the page had told the consequences of?"""
    told = json.dumps(form.arguments(), sort_keys=True)
    return form.is_checked and request.POST.get("shown", "") != told


def _selection(request: HttpRequest, act: Act) -> Selection:
    query = request.POST.get("query", "")
    if not query:
        return chosen(_ids(request.POST.get("ids", "")))
    return all_matching(rows_of(query, request.user), act, query)


def _ids(text: str) -> Sequence[uuid.UUID]:
    """One field for all of them: a form may have no more than 1000 fields. What is no id is dropped."""
    parts = text.split(",")[: CAP + 1]
    return [found for part in parts if (found := uuid_of(part.strip()))][:CAP]


def _number(text: str) -> uuid.UUID:
    """The page's own number; what is none is replaced."""
    return uuid_of(text) or uuid.uuid4()


def _back(request: HttpRequest) -> str:
    """Where to go afterwards: the filtered list or the message's page, never another site."""
    here = reverse("admin:notifications_notification_changelist")
    wanted = request.POST.get("back", "")
    ours = wanted.startswith(here) and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return wanted if ours else here
