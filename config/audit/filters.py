"""What is asked of the audit log: in, a posted form or an address; out, a query that reads one index, newest first.

Never counted: at five million entries a page reads its fifty. Where two filters that are both broad meet in nothing, the
time limit ends it (config/audit/page.py).
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import phonenumbers
from django import forms
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.contrib.postgres.search import SearchQuery, SearchVectorField
from django.core.exceptions import ValidationError
from django.db.models import Func, Q, QuerySet, TextField
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from config.audit.words import KINDS, kind_of
from config.models import AuditEntry
from consent.addresses import DEFAULT_REGION

NEWEST = 300


class _Words(Func):
    """To the letter as the index audit_log_words has it (config/migrations/0004_audit_log.py)."""

    template = """to_tsvector('simple', "django_admin_log"."object_repr" || ' ' || "django_admin_log"."change_message")"""
    output_field = SearchVectorField()


class _Kind(Func):
    """To the letter as the index audit_log_kind has it."""

    template = """rtrim(split_part("django_admin_log"."change_message", ' ', 1), ':.')"""
    output_field = TextField()


@dataclass(frozen=True, slots=True)
class Place:
    """The last entry of a page: the next begins behind it."""

    at: dt.datetime
    id: int

    def __str__(self) -> str:
        return f"{self.at.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%S.%f}Z~{self.id}"

    @classmethod
    def read(cls, text: str) -> "Place | None":
        """None for an address that somebody made up: the first page."""
        at, _tilde, id_ = text.partition("~")
        try:
            moment = dt.datetime.fromisoformat(at)
            return cls(moment, int(id_)) if moment.tzinfo and 0 < int(id_) < 2**31 else None
        except ValueError:
            return None


class FilterForm(forms.Form):
    """Days are the reader's, both included."""

    person = forms.ModelChoiceField(
        User.objects.none(), required=False, label=_("Person"), empty_label=_("Everybody")
    )
    kind = forms.ChoiceField(required=False, label=_("Act"))
    type = forms.ModelChoiceField(
        ContentType.objects.none(), required=False, label=_("Type of object"), empty_label=_("All")
    )
    object = forms.CharField(required=False, max_length=200, label=_("Id of the object"))
    since = forms.DateField(
        required=False, label=_("First day"), widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(
        required=False, label=_("Last day"), widget=forms.DateInput(attrs={"type": "date"})
    )
    words = forms.CharField(
        required=False,
        max_length=100,
        label=_("Words"),
        help_text=_("Of the reason, or of the object’s name."),
    )

    def __init__(self, data: Any) -> None:
        super().__init__(data, label_suffix="")
        # Whole tables of people and types: a business has some dozens of either.
        self.fields["person"].queryset = User.objects.filter(is_staff=True).order_by("username")  # type: ignore[attr-defined]
        self.fields["type"].queryset = ContentType.objects.order_by("app_label", "model")  # type: ignore[attr-defined]
        self.fields["kind"].choices = [("", _("All")), *_kinds(self.data.get("kind", ""))]  # type: ignore[attr-defined]
        for field in self.fields.values():
            field.widget.attrs["class"] = "pr-input"

    def clean_object(self) -> str:
        """What stands here stands in the URL. Numbers are ids: whether one is a phone number, nobody can tell."""
        key: str = self.cleaned_data["object"].strip()
        if "@" in key:
            raise ValidationError(
                _("The audit log holds no addresses. Search by a customer’s id, or by a word.")
            )
        return key

    def clean_words(self) -> str:
        words: str = self.cleaned_data["words"].strip()
        if "@" in words or phonenumbers.PhoneNumberMatcher(words, DEFAULT_REGION).has_next():
            raise ValidationError(
                _("The audit log holds no addresses. Search by a customer’s id, or by a word.")
            )
        return words

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and since > until:
            self.add_error("until", _("This is before the first day."))
        return cleaned

    def asked(self) -> dict[str, str]:
        """What stands in the address."""
        return {name: self.data[name].strip() for name in self.fields if self.data.get(name, "").strip()}


def matching(form: FilterForm) -> QuerySet[Any]:
    """The entries, newest first; a form with errors asks for none."""
    rows: QuerySet[Any] = AuditEntry.objects.order_by("-action_time", "-id")
    if not form.is_valid():
        return rows.none()
    asked = form.cleaned_data
    if asked["person"]:
        rows = rows.filter(user=asked["person"])
    if asked["type"]:
        rows = rows.filter(content_type=asked["type"])
    if asked["object"]:
        rows = rows.filter(object_id=asked["object"])
    if asked["kind"]:
        rows = rows.alias(kind=_Kind()).filter(kind=asked["kind"])
    if asked["since"]:
        rows = rows.filter(action_time__gte=_midnight(asked["since"]))
    if asked["until"] and asked["until"] < dt.date.max:  # there is no day after that
        rows = rows.filter(action_time__lt=_midnight(asked["until"] + dt.timedelta(days=1)))
    if asked["words"]:
        rows = rows.alias(text=_Words()).filter(
            text=SearchQuery(asked["words"], config="simple", search_type="websearch")
        )
    return rows


def behind(rows: QuerySet[Any], place: Place) -> QuerySet[Any]:
    """By row comparison in two parts, of which the first bounds the index."""
    return rows.filter(action_time__lte=place.at).filter(Q(action_time__lt=place.at) | Q(id__lt=place.id))


def _kinds(chosen: str) -> list[tuple[str, Any]]:
    """Those that we know, those of the newest entries, and the chosen one."""
    newest = AuditEntry.objects.order_by("-action_time", "-id").values_list("change_message", flat=True)
    seen = {kind_of(text) for text in newest[:NEWEST]} | {chosen}
    choices = [(kind, str(KINDS.get(kind, kind))) for kind in KINDS.keys() | seen if kind]
    return sorted(choices, key=lambda choice: choice[1].casefold())


def _midnight(day: dt.date) -> dt.datetime:
    """When a day begins by the reader's clock, whatever the clocks do that night."""
    return dt.datetime.combine(day, dt.time(), timezone.get_current_timezone())
