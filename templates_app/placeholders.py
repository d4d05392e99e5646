"""What a payload may hold: in, a template's declared placeholders and a payload; out, what is wrong with it. Pure."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from templates_app.engine import RESERVED
from templates_app.formats import TYPES, is_valid

_KINDS = {"name": str, "type": str, "description": str, "required": bool, "sensitive": bool}


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One name that a payload fills. `type` (formats.TYPES) says what the value must be and how it is written.

    `sensitive` values are sealed in the queue, opened when the text is made, and masked wherever a message is shown.
    """

    name: str
    required: bool = True
    sensitive: bool = False
    sample: Any = None
    description: str = ""
    type: str = "text"

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "Placeholder":
        """From `NotificationTemplateVersion.placeholders`, a file or a form. Raises TypeError where a key or value is wrong."""
        placeholder = cls(**stored)
        for key, kind in _KINDS.items():
            if not isinstance(getattr(placeholder, key), kind):
                raise TypeError(f"{key} must be {'true or false' if kind is bool else 'a text'}")
        return placeholder

    def stored(self) -> dict[str, Any]:
        """As `NotificationTemplateVersion.placeholders` keeps it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class PayloadProblem:
    """One thing wrong with a payload: code missing, surplus, reserved or invalid; the message never holds a value."""

    code: str
    name: str
    message: str


def payload_problems(declared: Iterable[Placeholder], payload: Mapping[str, Any]) -> list[PayloadProblem]:
    """Everything wrong with a payload, in the order of the declaration, then the names nobody declared."""
    by_name = {p.name: p for p in declared}
    problems = [problem for p in by_name.values() if (problem := _own_problem(p, payload))]
    missing = [p.name for p in problems if p.code == "missing"]
    for name in payload:
        if name in RESERVED:
            text = f"“{name}” is filled by Postroom: rename it in the payload."
            problems.append(PayloadProblem("reserved", name, text))
        elif name not in by_name:
            # A misspelt name is missing under its right one: look there first.
            near = difflib.get_close_matches(str(name), missing, n=1) or difflib.get_close_matches(
                str(name), by_name, n=1
            )
            hint = (
                f"did you mean “{near[0]}”?"
                if near
                else f"it knows: {', '.join(by_name) or 'no placeholder'}."
            )
            problems.append(PayloadProblem("surplus", name, f"“{name}” is unknown to the template; {hint}"))
    return problems


def filled(declared: Iterable[Placeholder], payload: Mapping[str, Any]) -> dict[str, Any]:
    """The payload with every optional placeholder present: None where it was left out."""
    return {**{p.name: None for p in declared if not p.required}, **payload}


def item_fields(placeholder: Placeholder) -> frozenset[str]:
    """The names that a list's items may hold: those of its sample."""
    if placeholder.type != "list" or not isinstance(placeholder.sample, list):
        return frozenset()
    return frozenset(key for item in placeholder.sample if isinstance(item, dict) for key in item)


def _own_problem(placeholder: Placeholder, payload: Mapping[str, Any]) -> PayloadProblem | None:
    name, value = placeholder.name, payload.get(placeholder.name)
    if value is None or (isinstance(value, str) and not value.strip()):
        if not placeholder.required:
            return None
        about = f" ({placeholder.description})" if placeholder.description else ""
        text = f"“{name}”{about} is missing: add {TYPES[placeholder.type]}."
        return PayloadProblem("missing", name, text)
    if not is_valid(placeholder.type, value):
        return PayloadProblem("invalid", name, f"“{name}” must be {TYPES[placeholder.type]}.")
    fields = item_fields(placeholder)
    if fields and not all(isinstance(item, dict) and fields <= set(item) for item in value):
        return PayloadProblem("invalid", name, f"Each item of “{name}” needs: {', '.join(sorted(fields))}.")
    return None
