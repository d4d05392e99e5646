"""Take an act back: in, the act that is over; out, a page that says how many still can be, then the undo, itself an act."""

from collections import Counter
from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from notifications.acted import CAP, By, in_words
from notifications.admin.act_page import not_undone
from notifications.admin.audit import log_act
from notifications.admin.reason import ReasonForm
from notifications.bulk.order import ask_to_undo, start_later, why_not_undone
from notifications.bulk.undo import undo
from notifications.bulk.work import do_now
from notifications.models import BulkAct, BulkActRow

if TYPE_CHECKING:
    from notifications.admin.bulk import BulkActAdmin

EXPLAINS: dict[str, str | Promise] = {
    BulkAct.Kind.REPLAY: gettext_lazy(
        "Those that nobody has tried to send since are failed again, as they were."
    ),
    BulkAct.Kind.SEND_AGAIN: gettext_lazy("The new messages that nobody has tried to send yet are withheld."),
    BulkAct.Kind.CANCEL: gettext_lazy(
        "Those that have not expired are queued again. What was due meanwhile goes out at once."
    ),
    BulkAct.Kind.RESCHEDULE: gettext_lazy(
        "Those that still wait get their former moment back. What was due meanwhile goes out at once."
    ),
    BulkAct.Kind.PRIORITISE: gettext_lazy("Those that still wait get their former priority back."),
}


def undo_view(admin: "BulkActAdmin", request: HttpRequest, act: BulkAct) -> HttpResponse:
    """GET asks, POST with a reason does."""
    if not admin.may_change(request, act):
        raise PermissionDenied
    if why_not_undone(act):
        messages.info(request, not_undone(act) or _("It was undone before; nothing was done a second time."))
        return HttpResponseRedirect(_page(act.undone_by.first() or act))
    form = ReasonForm(request.POST) if request.method == "POST" else ReasonForm()
    if not form.is_bound or not form.is_valid():
        return _ask(admin, request, act, form)
    now = timezone.now()
    with transaction.atomic():
        row, is_new = ask_to_undo(
            act.pk, by=f"staff:{request.user.pk}", reason=form.cleaned_data["reason"], now=now
        )
        if is_new and row.total is not None:
            row = do_now(row, now=now)
        if is_new:
            start_later()
            log_act(request, row, count=act.done)
    if not is_new:
        messages.info(request, _("It was undone before; nothing was done a second time."))
    elif row.is_over:
        messages.success(
            request, _("Taken back: %(done)d of %(total)d.") % {"done": row.done, "total": act.done}
        )
    else:
        messages.success(request, _("It runs in the background: this page shows how far it is."))
    return HttpResponseRedirect(_page(row))


def _ask(admin: "BulkActAdmin", request: HttpRequest, act: BulkAct, form: ReasonForm) -> HttpResponse:
    """How many of the first CAP can be taken back, by the same statement, rolled back."""
    some = BulkActRow.objects.filter(act=act, state=BulkActRow.State.DONE).order_by("notification_id")
    befores = {id_: before or {} for id_, before in some.values_list("notification_id", "before")[:CAP]}
    rehearsed = undo(act, befores, By("staff:?", "rehearsal", timezone.now(), dry_run=True))
    request.current_app = admin.admin_site.name
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "original": act,
        "act": act,
        "title": _("Undo: %s") % BulkAct.Kind(act.act).label,
        "explains": EXPLAINS[act.act],
        "possible": len(rehearsed.done),
        "of": len(befores),
        "is_sample": act.done > len(befores),
        "skipped": in_words(Counter(rehearsed.left.values())),
        "form": form,
    }
    return TemplateResponse(request, "notifications/admin/undo.html", context)


def _page(act: BulkAct) -> str:
    return reverse("admin:notifications_bulkact_change", args=[act.pk])
