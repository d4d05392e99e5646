"""Texts that include others: in, a text and the partials by name; out, one text, or every name used in all of them.

Pure. mystace would follow a partial that includes itself for ever; here that is an error which names the chain.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from templates_app.tags import Tag, TemplateError, scan


@dataclass(frozen=True, slots=True)
class Use:
    """One place where a name is used. `partial` is the partial it stands in (“” for the text itself).

    `inside` are the sections around it whose value is there, `outside` those (`{{^x}}`) whose value is not.
    """

    kind: str
    name: str
    line: int
    partial: str
    inside: tuple[str, ...]
    outside: tuple[str, ...]


def expand(text: str, partials: Mapping[str, str], *, part: str = "", _chain: tuple[str, ...] = ()) -> str:
    """The text with every partial inlined. A partial alone on its line stays on lines of its own, indented alike.

    Raises TemplateError (`unknown_partial`, `cyclic_partial`) that names the chain.
    """
    out: list[str] = []
    read_to = 0
    for tag in scan(text, part=part):
        if tag.kind != "partial":
            continue
        inner = expand(
            follow(tag, partials, part=part, chain=_chain), partials, part=part, _chain=(*_chain, tag.name)
        )
        line_start = text.rfind("\n", 0, tag.start) + 1
        line_end = text.find("\n", tag.end) + 1 or len(text)
        before, after = text[line_start : tag.start], text[tag.end : line_end]
        if before.strip() or after.strip():
            out += [text[read_to : tag.start], inner]
            read_to = tag.end
        else:
            lines = inner.splitlines()
            out += [text[read_to:line_start], *(f"{before}{line}\n" if line else "\n" for line in lines)]
            read_to = line_end
    return "".join([*out, text[read_to:]])


def uses(text: str, partials: Mapping[str, str], *, part: str = "") -> Iterator[Use]:
    """Every variable and section of a text and its partials, with the sections around it."""
    yield from _uses(text, partials, part, chain=(), inside=(), outside=())


def included(text: str, partials: Mapping[str, str], *, part: str = "") -> frozenset[str]:
    """The partials that a text reaches, at any depth."""
    reached: set[str] = set()
    waiting = [text]
    while waiting:
        for tag in scan(waiting.pop(), part=part):
            if tag.kind == "partial" and tag.name not in reached:
                reached.add(tag.name)
                waiting.append(follow(tag, partials, part=part, chain=()))
    return frozenset(reached)


def follow(tag: Tag, partials: Mapping[str, str], *, part: str, chain: tuple[str, ...]) -> str:
    """The text of the partial that a tag names, unless it is unknown or already open."""
    path = " → ".join([*chain, tag.name])
    if tag.name in chain:
        raise TemplateError(
            "cyclic_partial", f"The partial “{tag.name}” includes itself: {path}.", part, tag.line
        )
    if tag.name not in partials:
        known = ", ".join(sorted(partials)) or "none"
        raise TemplateError(
            "unknown_partial", f"There is no partial “{tag.name}” ({path}); known: {known}.", part, tag.line
        )
    return partials[tag.name]


def _uses(
    text: str,
    partials: Mapping[str, str],
    part: str,
    *,
    chain: tuple[str, ...],
    inside: tuple[str, ...],
    outside: tuple[str, ...],
) -> Iterator[Use]:
    opened: list[tuple[tuple[str, ...], tuple[str, ...]]] = []
    for tag in scan(text, part=chain[-1] if chain else part):
        if tag.kind == "partial":
            inner = follow(tag, partials, part=chain[-1] if chain else part, chain=chain)
            yield from _uses(inner, partials, part, chain=(*chain, tag.name), inside=inside, outside=outside)
        elif tag.kind == "close":
            inside, outside = opened.pop()
        elif tag.kind != "comment":
            yield Use(tag.kind, tag.name, tag.line, chain[-1] if chain else "", inside, outside)
            if tag.kind in ("section", "inverted"):
                opened.append((inside, outside))
                if tag.kind == "section":
                    inside = (*inside, tag.name)
                else:
                    outside = (*outside, tag.name)
