"""What changed between two wordings: in, their texts and placeholders; out, the changed lines with the words marked. Pure.

Lines are compared first, then the words of the lines that differ: a long HTML stays readable, and cheap. Where two texts have
too little in common for that, what lies between their equal ends is shown as replaced.
"""

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Literal

from templates_app.compiled import Texts
from templates_app.engine import PARTS
from templates_app.shape import writable

# So many unchanged lines are shown around a change.
AROUND = 2
# What differs is found in about the square of its length: beyond so many pairs of lines, or of words, nobody waits for it.
PAIRS = 2_000_000
Opcode = tuple[Literal["replace", "delete", "insert", "equal"], int, int, int, int]
_WORD = re.compile(r"\{\{.*?\}\}|\w+|\n|[^\S\n]+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Piece:
    """Some words of a line, and whether they are what changed."""

    text: str
    is_changed: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """kind is same, removed, added or gap (lines that are left out); `number` is the line's in its own text."""

    kind: str
    number: int = 0
    pieces: tuple[Piece, ...] = ()


@dataclass(frozen=True, slots=True)
class TextChange:
    """One text that differs; is_new and is_gone when it stands in one of the two only."""

    locale: str
    channel: str
    part: str
    lines: tuple[Line, ...]
    is_new: bool = False
    is_gone: bool = False


@dataclass(frozen=True, slots=True)
class PlaceholderChange:
    """What is declared otherwise: (key, before, after); no facts for one that is new or gone."""

    name: str
    facts: tuple[tuple[str, str, str], ...] = ()
    is_new: bool = False
    is_gone: bool = False
    breaks: bool = False  # a caller that fills the older one is refused


@dataclass(frozen=True, slots=True)
class Difference:
    """Everything that differs; empty where nothing does."""

    texts: tuple[TextChange, ...]
    placeholders: tuple[PlaceholderChange, ...]

    def __bool__(self) -> bool:
        return bool(self.texts or self.placeholders)

    @property
    def breaks_callers(self) -> bool:
        return any(change.breaks for change in self.placeholders)


def difference(
    old: Texts,
    new: Texts,
    old_placeholders: Sequence[Mapping[str, Any]] = (),
    new_placeholders: Sequence[Mapping[str, Any]] = (),
) -> Difference:
    """From one wording to another."""
    return Difference(tuple(_texts(old, new)), tuple(_placeholders(old_placeholders, new_placeholders)))


def _texts(old: Texts, new: Texts) -> Iterator[TextChange]:
    for locale in dict.fromkeys([*old, *new]):
        before, after = old.get(locale, {}), new.get(locale, {})
        for channel in PARTS:
            for part in writable(channel):
                was, now = before.get(channel, {}).get(part, ""), after.get(channel, {}).get(part, "")
                if was != now:
                    yield TextChange(locale, channel, part, changed_lines(was, now), not was, not now)


def changed_lines(old: str, new: str) -> tuple[Line, ...]:
    """The lines that differ and a few around them."""
    before, after = old.splitlines(), new.splitlines()
    matcher = _Bounded(before, after)
    found: list[Line] = []
    end = 0
    for group in matcher.get_grouped_opcodes(AROUND):
        if group[0][3] > end:
            found.append(Line("gap"))
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                found += [Line("same", j + 1, (Piece(after[j]),)) for j in range(j1, j2)]
            else:
                found += _replaced(before[i1:i2], after[j1:j2], i1 + 1, j1 + 1)
        end = group[-1][4]
    if found and end < len(after):
        found.append(Line("gap"))
    return tuple(found)


def _replaced(old: Sequence[str], new: Sequence[str], old_at: int, new_at: int) -> Iterator[Line]:
    was, now = _WORD.findall("\n".join(old)), _WORD.findall("\n".join(new))
    removed: list[Piece] = []
    added: list[Piece] = []
    for tag, i1, i2, j1, j2 in _Bounded(was, now).get_opcodes():
        # Where nothing was, or nothing is, the line itself says it.
        marked = tag != "equal" and bool(old) and bool(new)
        removed.append(Piece("".join(was[i1:i2]), marked))
        added.append(Piece("".join(now[j1:j2]), marked))
    yield from _lines("removed", removed, old_at, len(old))
    yield from _lines("added", added, new_at, len(new))


class _Bounded(difflib.SequenceMatcher[str]):
    """Beyond PAIRS it looks at the equal beginning and the equal end only."""

    def __init__(self, old: Sequence[str], new: Sequence[str]) -> None:
        super().__init__(None, old, new, autojunk=False)
        self._old, self._new = old, new

    def get_opcodes(self) -> list[Opcode]:
        old, new = self._old, self._new
        if len(old) * len(new) <= PAIRS:
            return super().get_opcodes()
        head = _alike(zip(old, new, strict=False))
        rest = min(len(old), len(new)) - head
        tail = min(rest, _alike(zip(reversed(old), reversed(new), strict=False)))
        a, b = len(old), len(new)
        codes: list[Opcode] = [
            ("equal", 0, head, 0, head),
            ("replace", head, a - tail, head, b - tail),
            ("equal", a - tail, a, b - tail, b),
        ]
        return [code for code in codes if code[1] < code[2] or code[3] < code[4]]


def _alike(pairs: Iterable[tuple[str, str]]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _lines(kind: str, pieces: Sequence[Piece], first: int, count: int) -> Iterator[Line]:
    lines: list[list[Piece]] = [[]]
    for piece in pieces:
        for place, text in enumerate(piece.text.split("\n")):
            if place:
                lines.append([])
            if text:
                lines[-1].append(Piece(text, piece.is_changed))
    for place, line in enumerate(lines[:count]):
        yield Line(kind, first + place, tuple(line))


def _placeholders(
    old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]
) -> Iterator[PlaceholderChange]:
    before, after = {str(p["name"]): p for p in old}, {str(p["name"]): p for p in new}
    for name in dict.fromkeys([*before, *after]):
        was, now = before.get(name), after.get(name)
        if was is None and now is not None:
            yield PlaceholderChange(name, is_new=True, breaks=bool(now.get("required", True)))
        elif now is None:
            yield PlaceholderChange(name, is_gone=True, breaks=True)
        elif was is not None and was != now:
            keys = [key for key in now if was.get(key) != now.get(key)]
            yield PlaceholderChange(
                name,
                tuple((key, _shown(was.get(key)), _shown(now.get(key))) for key in keys),
                breaks="type" in keys or ("required" in keys and bool(now["required"])),
            )


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
