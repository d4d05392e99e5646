"""The form of a draft: in, a version and what was typed; out, its texts and placeholders, and each problem at its field.

There is a field for every language, channel and part. A draft with problems is kept: publishing is what refuses it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from templates_app.admin.placeholder_form import placeholder_rows, placeholders_in
from templates_app.compiled import ONE_LINE
from templates_app.drafts import state_of
from templates_app.engine import OPTIONAL_PARTS, PARTS
from templates_app.models import NotificationTemplateVersion
from templates_app.placeholders import Placeholder
from templates_app.problem_words import in_words, message_in_words
from templates_app.shape import Problem, writable
from templates_app.spoken import CHANNEL_NAMES, PART_NAMES, language_name, site_locales

_ROWS = {"html": 18, "text": 10}


@dataclass(frozen=True, slots=True)
class Told:
    """A problem as its field says it. `line` is where it stands, to jump to."""

    message: str
    line: int | None = None

    def __str__(self) -> str:
        return f"{gettext('line %s: ') % self.line}{self.message}" if self.line else self.message


@dataclass(frozen=True, slots=True)
class TextField:
    """One text, and what is wrong with it."""

    field: BoundField
    told: Sequence[Told] = ()


@dataclass(frozen=True, slots=True)
class ChannelFields:
    """The fields of one channel in one language."""

    channel: str
    name: str
    fields: Sequence[TextField]


@dataclass(slots=True)
class ByField:
    """Problems by the field they belong to, and those that belong to none."""

    fields: dict[str, list[Told]] = field(default_factory=dict)
    others: list[Told] = field(default_factory=list)


class DraftForm(forms.Form):
    """Texts by `locale:channel:part`, a note for the next editor, and what was seen (`state_of`). `rows` are the placeholders."""

    seen = forms.CharField(required=False, widget=forms.HiddenInput)
    note = forms.CharField(
        label=_("What changed"),
        required=False,
        max_length=300,
        help_text=_("For whoever reads the history. Publishing asks for it."),
        widget=forms.TextInput(attrs={"class": "ta-input"}),
    )

    def __init__(
        self, version: NotificationTemplateVersion, data: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> None:
        kwargs.setdefault("initial", {"note": version.note, "seen": state_of(version)})
        super().__init__(data, label_suffix="", **kwargs)
        self.rows = placeholder_rows(version.placeholders, data)
        self.told = ByField()
        self.locales = site_locales(version.source)
        for locale, channel, part in self._slots():
            optional = (channel, part) in OPTIONAL_PARTS or part == "preheader"
            self.fields[f"{locale}:{channel}:{part}"] = forms.CharField(
                label=PART_NAMES[part],
                required=False,
                strip=False,
                initial=version.source.get(locale, {}).get(channel, {}).get(part, ""),
                help_text=_("Optional") if optional else "",
                widget=forms.Textarea(attrs=_attributes(locale, channel, part)),
            )

    def is_valid(self) -> bool:
        return bool(super().is_valid() and self.rows.is_valid())

    def placeholders(self) -> list[Placeholder]:
        return placeholders_in(self.rows)

    def source(self) -> dict[str, dict[str, dict[str, str]]]:
        """The texts as `save_draft` takes them. A language or channel left empty is one that the template lacks."""
        source: dict[str, dict[str, dict[str, str]]] = {}
        for locale, channel, part in self._slots():
            text = self.cleaned_data.get(f"{locale}:{channel}:{part}", "")
            if text.strip():
                source.setdefault(locale, {}).setdefault(channel, {})[part] = text
        return source

    def show(self, problems: Sequence[Problem]) -> None:
        """Put each problem at its field; what belongs to no field stands above the form."""
        for problem in problems:
            name = f"{problem.locale}:{problem.channel}:{problem.part}"
            if name in self.fields:
                told = Told(message_in_words(problem.message), problem.line)
                self.told.fields.setdefault(name, []).append(told)
            else:
                self.told.others.append(Told(in_words(problem)))

    def by_locale(self) -> Iterator[tuple[str, list[ChannelFields]]]:
        """The fields as the page lays them out."""
        for locale in self.locales:
            yield (
                locale,
                [ChannelFields(c, str(CHANNEL_NAMES[c]), list(self._texts(locale, c))) for c in PARTS],
            )

    def _texts(self, locale: str, channel: str) -> Iterator[TextField]:
        for part in writable(channel):
            name = f"{locale}:{channel}:{part}"
            mistakes = [Told(str(error)) for error in self.errors.get(name, ())] if self.is_bound else []
            yield TextField(self[name], [*mistakes, *self.told.fields.get(name, ())])

    def _slots(self) -> Iterator[tuple[str, str, str]]:
        return (
            (locale, channel, part)
            for locale in self.locales
            for channel in PARTS
            for part in writable(channel)
        )


def _attributes(locale: str, channel: str, part: str) -> dict[str, str | int]:
    spoken = f"{language_name(locale)}, {CHANNEL_NAMES[channel]}: {PART_NAMES[part]}"
    code: dict[str, str | int] = {
        "class": "ta-input ta-code",
        "lang": locale,
        "aria-label": spoken,
        "data-text": "",
    }
    if part in ONE_LINE:
        return {**code, "rows": 1}
    if channel != "email":
        return {**code, "rows": 3}
    # One line of the text is one line of the field, so that the numbers beside it hold.
    return {**code, "rows": _ROWS[part], "wrap": "off", "data-lines": ""}
