"""The form of a draft: in, a version and what was typed; out, its texts and placeholders, and each problem at its field.

There is a field for every language, channel and part. A draft with problems is kept: publishing is what refuses it.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.forms.boundfield import BoundField
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from templates_app.compiled import ONE_LINE
from templates_app.engine import OPTIONAL_PARTS, PARTS
from templates_app.models import NotificationTemplateVersion
from templates_app.placeholders import Placeholder
from templates_app.shape import Problem, writable

_ROWS = {"html": 18, "text": 10}


@dataclass(frozen=True, slots=True)
class ChannelFields:
    """The fields of one channel in one language."""

    channel: str
    fields: Sequence[BoundField]


class DraftForm(forms.Form):
    """Texts by `locale:channel:part`, the placeholders as JSON, and a note for the next editor."""

    note = forms.CharField(
        label=_("What changed"),
        required=False,
        max_length=300,
        widget=forms.TextInput(attrs={"class": "ta-input"}),
    )
    placeholders = forms.CharField(
        label=_("Placeholders"),
        required=False,
        help_text=_("A JSON list of name, type, required, sensitive, sample, description."),
        widget=forms.Textarea(attrs={"rows": 12, "class": "ta-input ta-code", "spellcheck": "false"}),
    )

    def __init__(self, version: NotificationTemplateVersion, *args: Any, **kwargs: Any) -> None:
        stored = json.dumps(version.placeholders, ensure_ascii=False, indent=2)
        kwargs.setdefault("initial", {"note": version.note, "placeholders": stored})
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        self.locales = list(dict.fromkeys([*(code for code, _name in settings.LANGUAGES), *version.source]))
        for locale, channel, part in self._slots():
            self.fields[f"{locale}:{channel}:{part}"] = forms.CharField(
                label=part,
                required=False,
                strip=False,
                initial=version.source.get(locale, {}).get(channel, {}).get(part, ""),
                help_text=_("Optional") if (channel, part) in OPTIONAL_PARTS else "",
                widget=forms.Textarea(
                    attrs={"rows": _rows(channel, part), "class": "ta-input ta-code", "lang": locale}
                ),
            )

    def clean_placeholders(self) -> list[Placeholder]:
        text = self.cleaned_data["placeholders"] or "[]"
        if "\\u0000" in text:
            raise ValidationError(_("The character \\u0000 cannot be stored: remove it."))
        try:
            return [Placeholder.of(item) for item in json.loads(text, parse_constant=_refuse)]
        except json.JSONDecodeError as error:
            raise ValidationError(
                _("Line %(line)s is no JSON: %(error)s."), params={"line": error.lineno, "error": error.msg}
            ) from error
        except TypeError as error:
            raise ValidationError(
                _("Each placeholder is an object with a name; it may hold %(keys)s (%(error)s)."),
                params={"keys": "type, required, sensitive, sample, description", "error": error},
            ) from error

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
            line = gettext("line %s: ") % problem.line if problem.line else ""
            if name in self.fields:
                self.add_error(name, f"{line}{problem.message}")
            else:
                where = " ".join(filter(None, [problem.locale, problem.channel, problem.part]))
                self.add_error(
                    None, f"{where}: {line}{problem.message}" if where else f"{line}{problem.message}"
                )

    def by_locale(self) -> Iterator[tuple[str, list[ChannelFields]]]:
        """The fields as the page lays them out."""
        for locale in self.locales:
            yield (
                locale,
                [ChannelFields(c, [self[f"{locale}:{c}:{part}"] for part in writable(c)]) for c in PARTS],
            )

    def _slots(self) -> Iterator[tuple[str, str, str]]:
        return (
            (locale, channel, part)
            for locale in self.locales
            for channel in PARTS
            for part in writable(channel)
        )


def _refuse(constant: str) -> None:
    """NaN and Infinity are in Python's JSON, and not in PostgreSQL's."""
    raise TypeError(constant)


def _rows(channel: str, part: str) -> int:
    if part in ONE_LINE:
        return 1
    return _ROWS.get(part, 3) if channel == "email" else 3
