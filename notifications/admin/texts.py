"""What customers text us: in, events; out, a list of what each was taken for, and the words to whoever may read them.

A keyword acts by itself. What is «unclear» waits for a person: they read it, with a reason that is on record before the words are
shown, do what it asks on the page of the customer's consents, and mark it as done.
"""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from consent.directory import directory
from consent.sealed import SealError
from consent.understand import Meaning
from notifications.admin.audit import log_each
from notifications.admin.cells import NOTHING, badge, moment
from notifications.admin.find import MOST_CUSTOMERS
from notifications.admin.private import PrivateAdmin
from notifications.admin.reason import ReasonForm
from notifications.admin.text_done import DoneForm, OpenFilter, done_words
from notifications.models import InboundText
from notifications.open_texts import decide

READ = "notifications.read_inboundtext"
LABELS = {
    Meaning.STOP: (_("Stop"), "bad"),
    Meaning.START: (_("Start"), "ok"),
    Meaning.HELP: (_("Help"), "info"),
    Meaning.UNCLEAR: (_("Unclear"), "warn"),
    Meaning.OTHER: (_("Other"), "muted"),
}


class MeaningFilter(admin.SimpleListFilter):
    """By what a text was taken for."""

    title = _("taken for")
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(meaning.value, label) for meaning, (label, _tone) in LABELS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[InboundText]) -> QuerySet[InboundText]:
        return queryset.filter(outcome=self.value()) if self.value() else queryset


@admin.register(InboundText)
class InboundTextAdmin(PrivateAdmin[InboundText]):
    """Texts from customers, newest first."""

    nothing_yet = _(
        "No customer has written yet. Texts come in by Twilio's webhook; docs/howto tells how to point it here."
    )
    list_display = ("taken_for", "done", "sender", "keyword_shown", "answered", "received")
    list_filter = (OpenFilter, MeaningFilter)
    ordering = ("-id",)

    def leads(self, name: str, value: str) -> bool:
        return (name, value) == ("done", "no")

    def get_queryset(self, request: HttpRequest) -> QuerySet[InboundText]:
        return super().get_queryset(request).filter(event_type=InboundText.Type.INBOUND)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """What is known of one text. A POST with a reason shows its words, once."""
        row = self.get_object(request, unquote(object_id)) if object_id else None
        if row is None:
            raise Http404
        may_read = bool(row.sealed_text) and request.user.has_perm(READ)
        if not self.has_view_permission(request, row) or (request.method == "POST" and not may_read):
            raise PermissionDenied
        if request.method == "POST" and request.POST.get("act") == "done":
            return self._done(request, row)
        form = ReasonForm(request.POST or None)
        is_shown = request.method == "POST" and form.is_valid()
        if is_shown:
            log_each(request, [row], f"read the text: {form.cleaned_data['reason']}")
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            **(extra_context or {}),
            "opts": self.opts,
            "original": row,
            "title": self.opts.verbose_name,
            "facts": self._facts(row),
            "form": form if may_read and not is_shown else None,
            "done_form": DoneForm() if may_read and _is_open(row) else None,
            **(_shown(row) if is_shown else {}),
        }
        return TemplateResponse(request, "notifications/admin/text.html", context)

    def _done(self, request: HttpRequest, row: InboundText) -> HttpResponse:
        form = DoneForm(request.POST)
        if form.is_valid():
            what, reason = form.cleaned_data["what"], form.cleaned_data["reason"]
            if decide(row.pk, what=what, by=f"staff:{request.user.pk}", reason=reason, now=timezone.now()):
                log_each(request, [row], f"done ({what}): {reason}")
                messages.success(request, gettext("It is done."))
            else:
                messages.warning(request, gettext("Somebody has marked it before you: nothing was changed."))
        else:
            messages.error(request, gettext("Say what you did, and why; no addresses, please."))
        return HttpResponseRedirect(reverse("admin:notifications_inboundtext_change", args=[row.pk]))

    def _facts(self, row: InboundText) -> list[tuple[Any, object]]:
        return [
            (_("taken for"), self.taken_for(row)),
            (_("from"), self.sender(row)),
            (_("keyword"), self.keyword_shown(row)),
            (_("done"), done_words(row)),
            (_("answered"), self.answered(row)),
            (_("answer"), row.answer or NOTHING),
            (_("changed something"), _("yes") if row.detail.get("news") else _("no")),
            (_("received"), self.received(row)),
            (_("message at Twilio"), row.event_id),
        ]

    @admin.display(description=_("taken for"))
    def taken_for(self, row: InboundText) -> SafeString:
        label, tone = LABELS.get(row.outcome, (row.outcome or NOTHING, "muted"))  # type: ignore[call-overload]
        return badge(label, tone)

    @admin.display(description=_("done"))
    def done(self, row: InboundText) -> SafeString | str:
        if row.decided:
            return badge(_("Done"), "ok")
        return badge(_("Open"), "warn") if row.outcome == Meaning.UNCLEAR else NOTHING

    @admin.display(description=_("from"))
    def sender(self, row: InboundText) -> str:
        return row.address_hint or NOTHING

    @admin.display(description=_("keyword"))
    def keyword_shown(self, row: InboundText) -> str:
        return row.keyword.upper() or NOTHING

    @admin.display(description=_("answered"))
    def answered(self, row: InboundText) -> str:
        if row.detail.get("answered_by_twilio"):
            return gettext("by Twilio")
        return gettext("by us") if row.answer else gettext("not at all")

    @admin.display(description=_("received"))
    def received(self, row: InboundText) -> SafeString:
        return moment(row.received_at)


def _is_open(row: InboundText) -> bool:
    return row.outcome == Meaning.UNCLEAR and not row.decided


def _shown(row: InboundText) -> dict[str, object]:
    """The words, the number, and the consents of whoever has it."""
    try:
        written = row.opened()
    except SealError as error:
        return {"problem": str(error)}
    page = reverse("admin:consent_customerconsent_changelist")
    found = sorted(directory().customers_at("sms", written.sender))[:MOST_CUSTOMERS]
    return {"written": written, "people": [(known, f"{page}?{urlencode({'q': known})}") for known in found]}
