"""The tags of a mustache text: in, a text; out, its tags with their lines, or the error with its line.

Pure. mystace's own errors know no line, and an editor needs it.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

TAG = re.compile(r"\{\{(?:\{(?P<triple>.*?)\}\}\}|(?P<sigil>[#^/>!&=]?)(?P<name>.*?)\}\})", re.DOTALL)
_KINDS = {
    "": "variable",
    "#": "section",
    "^": "inverted",
    "/": "close",
    ">": "partial",
    "!": "comment",
    "&": "raw",
}
_NAME = re.compile(r"\.|[A-Za-z_]\w*(?:\.\w+)*")
_PARTIAL = re.compile(r"[a-z0-9_-]+(?:/[a-z0-9_-]+)*")


class TemplateError(ValueError):
    """A text that cannot be read or written. `code` is stable; the message says what to do and holds no value. `section` is
    the one that was written too often."""

    def __init__(
        self, code: str, message: str, part: str = "", line: int | None = None, *, section: str = ""
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.part = part
        self.line = line
        self.section = section

    def __str__(self) -> str:
        place = ", ".join(filter(None, [self.part, f"line {self.line}" if self.line else ""]))
        return f"{place}: {self.message}" if place else self.message


@dataclass(frozen=True, slots=True)
class Tag:
    """One `{{…}}`: kind is variable, raw, section, inverted, close, partial or comment; text[start:end] is the tag."""

    kind: str
    name: str
    line: int
    start: int
    end: int


# Proving a version reads its layout once a part and language: what a text holds does not change.
@lru_cache(maxsize=1024)
def scan(text: str, *, part: str = "") -> tuple[Tag, ...]:
    """All tags in order. Raises TemplateError (`syntax`) where a tag or a section is not right."""
    tags: list[Tag] = []
    read_to = 0
    for match in TAG.finditer(text):
        _refuse_loose_braces(text, read_to, match.start(), part)
        read_to = match.end()
        line = _line(text, match.start())
        sigil = match["sigil"] or ""
        if sigil == "=":
            raise TemplateError("syntax", "Delimiters cannot be changed: write tags as {{name}}.", part, line)
        kind = "raw" if match["triple"] is not None else _KINDS[sigil]
        name = (match["name"] if match["triple"] is None else match["triple"]).strip()
        if kind != "comment" and not (_PARTIAL if kind == "partial" else _NAME).fullmatch(name):
            shown = match[0] if len(match[0]) <= 40 else f"{match[0][:40]}…"
            raise TemplateError(
                "syntax", f"“{shown}” is no tag: a name has letters, digits, _ and dots.", part, line
            )
        tags.append(Tag(kind, name, line, match.start(), match.end()))
    _refuse_loose_braces(text, read_to, len(text), part)
    _refuse_unbalanced(tags, part)
    return tuple(tags)


def _refuse_loose_braces(text: str, start: int, end: int, part: str) -> None:
    loose = text.find("{{", start, end)
    if loose >= 0:
        raise TemplateError("syntax", "“{{” is never closed: add “}}”.", part, _line(text, loose))


def _refuse_unbalanced(tags: list[Tag], part: str) -> None:
    opened: list[Tag] = []
    for tag in tags:
        if tag.kind in ("section", "inverted"):
            opened.append(tag)
        elif tag.kind == "close":
            if not opened:
                raise TemplateError("syntax", f"{{{{/{tag.name}}}}} closes nothing.", part, tag.line)
            last = opened.pop()
            if last.name != tag.name:
                raise TemplateError(
                    "syntax",
                    f"{{{{/{tag.name}}}}} stands where {{{{/{last.name}}}}} should close line {last.line}.",
                    part,
                    tag.line,
                )
    if opened:
        raise TemplateError(
            "syntax", f"The section “{opened[-1].name}” is never closed.", part, opened[-1].line
        )


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
