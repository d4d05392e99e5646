"""Is a name used as it was declared? In: one use of a name, the declared placeholders; out: what is wrong, or None. Pure."""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence

from templates_app.engine import RESERVED
from templates_app.formats import PIECES, TYPES, is_valid
from templates_app.partials import Use
from templates_app.placeholders import Placeholder, item_fields

Fault = tuple[str, str]  # code, message

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_WRITES = frozenset({"variable", "raw"})


def check_use(use: Use, declared: Mapping[str, Placeholder], *, escaped: bool) -> Fault | None:
    """`declared` are the template's placeholders by name; `escaped` is whether the part is HTML."""
    if use.kind == "raw" and escaped:
        return "unescaped", f"“{use.name}” would not be escaped in HTML: write {{{{{use.name}}}}}."
    lists = [declared[name] for name in use.inside if name in declared and declared[name].type == "list"]
    first, _, rest = use.name.partition(".")
    if use.name == ".":
        return None if lists else ("syntax", "{{.}} has a meaning only within the section of a list.")
    if first in RESERVED:
        return _check_reserved(use, first, rest)
    if any(first in item_fields(p) for p in lists):
        return None
    if first not in declared:
        return "undeclared", f"“{first}” is not declared as a placeholder{_hint(first, declared)}"
    if use.kind == "section" and declared[first] in lists:
        return "nested", f"“{first}” stands within itself: each item would write the whole list again."
    return _check_declared(use, declared[first], rest)


def declaration_problems(placeholders: Sequence[Placeholder]) -> Iterator[Fault]:
    """What is wrong with the declarations themselves."""
    seen: set[str] = set()
    for p in placeholders:
        if not _NAME.fullmatch(p.name):
            yield "bad_name", f"“{p.name}”: a placeholder's name has lower-case letters, digits and _."
        if p.name in RESERVED:
            yield "reserved", f"“{p.name}” is filled by Postroom: choose another name."
        if p.name in seen:
            yield "duplicate", f"“{p.name}” is declared twice."
        seen.add(p.name)
        if p.type not in TYPES:
            yield "bad_type", f"“{p.name}” has no known type: choose {', '.join(TYPES)}."
        elif not is_valid(p.type, p.sample):
            yield "bad_sample", f"The sample of “{p.name}” must be {TYPES[p.type]}."


def is_url_name(name: str, declared: Mapping[str, Placeholder]) -> bool:
    """Does this name hold an address that may be linked to?"""
    if name in declared:
        return declared[name].type == "url"
    space, _, key = name.partition(".")
    return space == "system" and key.endswith("_url") and key in RESERVED["system"]


def _check_reserved(use: Use, space: str, key: str) -> Fault | None:
    known = {name: blank for name, blank in RESERVED[space].items() if name != "body"}
    if key not in known:
        return "undeclared", f"“{use.name}” is unknown: {space} has {', '.join(sorted(known))}."
    if use.name == "system.sandbox" and use.kind in _WRITES:
        return "not_text", "“system.sandbox” is true or false: use it as a section."
    if known[key] and use.kind in _WRITES and use.name not in use.inside:
        return _unguarded(use.name)
    return None


def _check_declared(use: Use, placeholder: Placeholder, piece: str) -> Fault | None:
    if piece and piece not in PIECES.get(placeholder.type, ()):
        pieces = ", ".join(sorted(PIECES.get(placeholder.type, ()))) or "none"
        return "unknown_piece", f"“{use.name}”: a {placeholder.type} has these pieces: {pieces}."
    if use.kind not in _WRITES:
        return None
    if placeholder.type in ("flag", "list"):
        return (
            "not_text",
            f"“{use.name}” is a {placeholder.type}: use it as {{{{#{use.name}}}}}…{{{{/{use.name}}}}}.",
        )
    if not placeholder.required and not {use.name, placeholder.name} & set(use.inside):
        return _unguarded(placeholder.name)
    return None


def _unguarded(name: str) -> Fault:
    return "unguarded", f"“{name}” may be blank: put it inside {{{{#{name}}}}}…{{{{/{name}}}}}."


def _hint(name: str, declared: Mapping[str, Placeholder]) -> str:
    near = difflib.get_close_matches(name, declared, n=1)
    return f"; did you mean “{near[0]}”?" if near else "."
