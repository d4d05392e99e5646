"""The table of placeholders: in, what stands declared and what was typed; out, placeholders, a row each.

A sample that is not what its type wants is kept as it was typed: the proof says what it should be.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

from django import forms
from django.utils.translation import gettext_lazy as _

from templates_app.formats import TYPES
from templates_app.placeholders import Placeholder

PREFIX = "ph"
# Of these, a sample is written as JSON.
_AS_JSON = frozenset({"money", "flag", "list"})
_MOST = 100
# In JSON's way to write any sign, NUL and halves of a pair are no text to PostgreSQL. A whole pair is written as itself.
_NO_TEXT = re.compile(r"\\u(?:0000|d[89a-f])", re.IGNORECASE)


class PlaceholderForm(forms.Form):
    """One row. A row without name, sample and description is none."""

    name = forms.CharField(label=_("Name"), required=False, max_length=60)
    type = forms.ChoiceField(label=_("Type"), required=False, choices=[(kind, kind) for kind in TYPES])
    required = forms.BooleanField(label=_("Required"), required=False)
    sensitive = forms.BooleanField(label=_("Sensitive"), required=False)
    sample = forms.CharField(label=_("Sample"), required=False, max_length=5000)
    description = forms.CharField(label=_("Description"), required=False, max_length=300)

    def __init__(self, *args: Any, stored: Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stored = stored
        for name in ("name", "sample", "description"):
            self.fields[name].widget = forms.TextInput(attrs={"class": "ta-input", "autocomplete": "off"})
        for name in ("name", "sample"):
            self.fields[name].widget.attrs |= {"class": "ta-input ta-code", "spellcheck": "false"}
        self.fields["type"].widget.attrs["class"] = "ta-input"
        for field in self.fields.values():
            field.widget.attrs["aria-label"] = field.label

    def clean(self) -> dict[str, Any]:
        row = self.cleaned_data
        if not row.get("name") and (row.get("sample") or row.get("description")):
            self.add_error("name", _("Give it a name."))
        return row

    def placeholder(self) -> Placeholder | None:
        """None for an empty row."""
        row = self.cleaned_data
        if not row.get("name"):
            return None
        kind = row.get("type") or "text"
        return Placeholder(
            name=row["name"],
            type=kind,
            required=row["required"],
            sensitive=row["sensitive"],
            sample=_sample(kind, row["sample"], self.stored.get(row["name"])),
            description=row["description"],
        )


PlaceholderFormSet = forms.formset_factory(PlaceholderForm, extra=0, max_num=_MOST, validate_max=True)


def placeholder_rows(
    stored: Iterable[Mapping[str, Any]], data: Mapping[str, Any] | None = None
) -> "forms.BaseFormSet[PlaceholderForm]":
    """The table of what stands declared, or of what was typed."""
    declared = [Placeholder.of(item) for item in stored]
    return PlaceholderFormSet(
        data,
        prefix=PREFIX,
        initial=[{**p.stored(), "sample": sample_text(p)} for p in declared],
        form_kwargs={"stored": {p.name: p.sample for p in declared}},
    )


def placeholders_in(rows: "forms.BaseFormSet[PlaceholderForm]") -> list[Placeholder]:
    """Of a valid table, in its order."""
    return [found for row in rows if (found := row.placeholder()) is not None]


def sample_text(placeholder: Placeholder) -> str:
    """A sample as its field shows it."""
    sample = placeholder.sample
    return (
        sample
        if isinstance(sample, str)
        else ""
        if sample is None
        else json.dumps(sample, ensure_ascii=False)
    )


def preview_values(placeholders: Sequence[Placeholder], data: Mapping[str, str]) -> dict[str, Any]:
    """What was typed to try out (`try:<name>`), by name; a blank field leaves the sample."""
    typed = [(p, data.get(f"try:{p.name}", "").strip()) for p in placeholders]
    return {p.name: _sample(p.type, text, "") for p, text in typed if text}


def _sample(kind: str, text: str, before: Any) -> Any:
    # A number is a text, too; untouched it stays the number that it was.
    if not isinstance(before, str) and text == (
        "" if before is None else json.dumps(before, ensure_ascii=False)
    ):
        return before
    if kind not in _AS_JSON or _NO_TEXT.search(text):
        return text
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError):
        return text


def _refuse(constant: str) -> NoReturn:
    """NaN and Infinity are in Python's JSON, and not in PostgreSQL's."""
    raise ValueError(constant)


def _finite(digits: str) -> float:
    """Nor is a number that is larger than any float."""
    number = float(digits)
    return number if math.isfinite(number) else _refuse(digits)
