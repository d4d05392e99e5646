"""Languages side by side: in, a wording; out, what each language lacks beside the others, and which placeholders it uses. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from templates_app.compiled import Texts
from templates_app.engine import OPTIONAL_PARTS, PARTS, RESERVED
from templates_app.layout import PREHEADER
from templates_app.partials import uses
from templates_app.placeholders import Placeholder
from templates_app.shape import writable
from templates_app.tags import TemplateError


@dataclass(frozen=True, slots=True)
class Cell:
    """One text in one language. `is_missing` when another language has it, or the channel cannot do without it."""

    locale: str
    text: str
    is_missing: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One part of a channel, in every language."""

    channel: str
    part: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Uneven:
    """A placeholder that some languages use and others do not."""

    name: str
    used_by: tuple[str, ...]
    not_by: tuple[str, ...]


def side_by_side(source: Texts, locales: Sequence[str]) -> list[Row]:
    """Every channel that some language has, part by part."""
    return list(_rows(source, locales))


def _rows(source: Texts, locales: Sequence[str]) -> Iterator[Row]:
    for channel in PARTS:
        if not any(channel in source.get(locale, {}) for locale in locales):
            continue
        for part in writable(channel):
            texts = [source.get(locale, {}).get(channel, {}).get(part, "") for locale in locales]
            needed = (channel, part) not in OPTIONAL_PARTS and part != PREHEADER
            if needed or any(texts):
                cells = [
                    Cell(locale, text, not text.strip()) for locale, text in zip(locales, texts, strict=True)
                ]
                yield Row(channel, part, tuple(cells))


def missing(source: Texts, locales: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
    """(channel, part) that each language lacks, by language; complete languages are absent."""
    lacks: dict[str, list[tuple[str, str]]] = {}
    for row in side_by_side(source, locales):
        for cell in row.cells:
            if cell.is_missing:
                lacks.setdefault(cell.locale, []).append((row.channel, row.part))
    return lacks


def uneven(source: Texts, placeholders: Sequence[Placeholder], locales: Sequence[str]) -> list[Uneven]:
    """Placeholders that one language uses and another does not; a language without any text is not asked."""
    written = [locale for locale in locales if source.get(locale)]
    found = {locale: used_names(source, locale) for locale in written}
    uses_of = {p.name: tuple(locale for locale in written if p.name in found[locale]) for p in placeholders}
    return [
        Uneven(name, by, tuple(locale for locale in written if locale not in by))
        for name, by in uses_of.items()
        if 0 < len(by) < len(written)
    ]


def unused(source: Texts, placeholders: Sequence[Placeholder]) -> list[str]:
    """Placeholders that no text of any language uses."""
    names = {name for locale in source for name in used_names(source, locale)}
    return [p.name for p in placeholders if p.name not in names]


def used_names(source: Texts, locale: str) -> set[str]:
    """What the texts of a language name themselves; a text that cannot be read names nothing."""
    names: set[str] = set()
    for channel in source.get(locale, {}).values():
        for text in channel.values():
            try:
                names |= {use.name.partition(".")[0] for use in uses(_alone(text), {})}
            except TemplateError:
                continue
    return names - set(RESERVED)


def _alone(text: str) -> str:
    """Without its partials, which name reserved values only."""
    return text.replace("{{>", "{{!")
