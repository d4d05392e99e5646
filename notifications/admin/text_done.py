"""A customer's unclear text is done: in, what somebody made of it and why; out, a form, a filter, and the words for a page."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib.admin import SimpleListFilter
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from consent.staff_names import staff_name
from notifications.admin.cells import NOTHING
from notifications.admin.reason import ResumeForm
from notifications.models import InboundText
from notifications.open_texts import ANSWERED, OPEN, SWITCHED_OFF, SWITCHED_ON
from notifications.open_texts import NOTHING as NOTHING_TO_DO

WORDS: Mapping[str, str | Promise] = {
    SWITCHED_OFF: _("Consent withdrawn as they asked"),
    SWITCHED_ON: _("Consent given as they asked"),
    ANSWERED: _("Answered another way"),
    NOTHING_TO_DO: _("Nothing to do"),
}


class DoneForm(ResumeForm):
    """What came of it. The consent itself is changed on its own page."""

    what = forms.ChoiceField(
        label=_("What you did"),
        choices=[("", "—"), *WORDS.items()],
        widget=forms.Select(attrs={"class": "pr-input"}),
    )
    field_order = ("what", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, auto_id="done_%s", **kwargs)
        self.fields["reason"].label = _("In a few words")


class OpenFilter(SimpleListFilter):
    """Those that wait for a person, by their own index."""

    title = _("done")
    parameter_name = "done"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("no", _("Open")), ("yes", _("Done"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[InboundText]) -> QuerySet[InboundText]:
        if self.value() == "no":
            return queryset.filter(OPEN)
        return queryset.filter(Q(detail__has_key="decided")) if self.value() == "yes" else queryset


def done_words(row: InboundText) -> str:
    """«Answered another way, olive, 2026-11-28 14:05: called her back»."""
    said = row.decided
    if not said:
        return NOTHING
    at = timezone.localtime(dt.datetime.fromisoformat(said["at"])).strftime("%Y-%m-%d %H:%M")
    who = staff_name(said["by"])
    return f"{WORDS.get(said['what'], said['what'])}, {who}, {at}: {said['reason']}"
