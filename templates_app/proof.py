"""Is a wording fit to publish? In: what an editor wrote, and the partials; out: what is sent, and every problem found. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from templates_app.compiled import ONE_LINE, Texts
from templates_app.engine import PARTS, RESERVED
from templates_app.law import lacking
from templates_app.layout import LAYOUTS, PREHEADER, document, enclosed, for_locale, frames
from templates_app.markup import ADDRESS_RULE, broken_rules, is_safe_address
from templates_app.names import check_use, declaration_problems, is_url_name
from templates_app.partials import Use, expand, included, uses
from templates_app.placeholders import Placeholder
from templates_app.samples import sample_problems
from templates_app.shape import Problem, shape_problems, writable
from templates_app.tags import TAG, TemplateError, scan

LINKS = frozenset({("push", "url"), ("inapp", "action_url")})


@dataclass(frozen=True, slots=True)
class Proof:
    """What would be sent (empty where there are problems), its channels, and the problems."""

    content: dict[str, dict[str, dict[str, str]]]
    channels: tuple[str, ...]
    problems: tuple[Problem, ...]


def prove(
    *,
    template: str,
    category: str,
    source: Texts,
    placeholders: Sequence[Placeholder],
    partials: Mapping[str, str],
    default_locale: str,
) -> Proof:
    """Check every language, channel and part, then write each with the samples as a last proof."""
    names = {p.name: p for p in placeholders}
    problems = [Problem(code, message) for code, message in declaration_problems(placeholders)]
    problems += shape_problems(source)
    content: dict[str, dict[str, dict[str, str]]] = {}
    for locale, channels in source.items():
        seen = for_locale(partials, locale, default=default_locale)
        found: list[Problem] = []
        used: set[str] = set()
        for channel in (c for c in channels if c in PARTS):
            for part in (
                p for p, text in channels[channel].items() if text.strip() and p in writable(channel)
            ):
                names_used, part_problems = _part(channel, part, channels[channel], seen, names, category)
                used |= names_used
                found += [replace(p, channel=channel, part=p.part or part) for p in part_problems]
        found += [
            Problem(
                "unused",
                f"“{p.name}” is required but no text in this language uses it: use it, or remove it.",
            )
            for p in placeholders
            if p.required and p.name not in used
        ]
        problems += [replace(problem, locale=locale) for problem in found]
        if not problems:
            content |= written(locale, channels, seen)
    if not problems:
        problems += [
            problem_of(error, locale, channel, source, for_locale(partials, locale, default=default_locale))
            for locale, channel, error in sample_problems(
                content, placeholders, category=category, default_locale=default_locale
            )
        ]
    channels_in_order = tuple(c for c in PARTS if any(c in channels for channels in source.values()))
    unique = dict.fromkeys(replace(problem, template=template) for problem in problems)
    return Proof({} if unique else content, channels_in_order, tuple(unique))


def problem_of(
    error: TemplateError, locale: str, channel: str, source: Texts, partials: Mapping[str, str]
) -> Problem:
    """What went wrong in writing a text, at the line that its editor can mend; `partials` as its language sees them."""
    part, line = error.part, error.line
    turns = _turns(channel, part, source.get(locale, {}).get(channel, {}), partials, error.section)
    if turns:
        # Of sections with one name, the innermost multiplies most.
        worst = max(turns, key=lambda use: len(use.inside))
        part, line = _place(worst.partial, part), worst.line
    return Problem(error.code, error.message, "", locale, channel, part, line)


def _turns(
    channel: str, part: str, texts: Mapping[str, str], partials: Mapping[str, str], section: str
) -> list[Use]:
    """Where a section of this name stands; nowhere, for words in force whose partials have gone since."""
    if not section or part not in texts:
        return []
    try:
        found = list(uses(*_whole(channel, part, texts, partials), part=part))
    except TemplateError:
        return []
    return [use for use in found if use.kind in ("section", "inverted") and use.name == section]


def _whole(
    channel: str, part: str, texts: Mapping[str, str], partials: Mapping[str, str]
) -> tuple[str, Mapping[str, str]]:
    """A part within its layout, and the partials that it may use."""
    if channel == "email" and part in LAYOUTS:
        return enclosed(part, texts, partials)
    return texts[part], partials


def _part(
    channel: str,
    part: str,
    texts: Mapping[str, str],
    partials: Mapping[str, str],
    names: Mapping[str, Placeholder],
    category: str,
) -> tuple[set[str], list[Problem]]:
    """The placeholders that one part uses, and what is wrong with it."""
    text, within = _whole(channel, part, texts, partials)
    problems: list[Problem] = []
    try:
        scan(texts[part], part=part)
        found = list(uses(text, within, part=part))
        sent = expand(text, within, part=part)
    except TemplateError as error:
        return set(), [Problem(error.code, error.message, part=_place(error.part, part), line=error.line)]
    for use in found:
        problem = check_use(use, names, escaped=part == "html")
        if problem:
            name = use.name.partition(".")[0] if problem[0] == "undeclared" else ""
            place = _place(use.partial, part)
            problems.append(
                Problem(*problem, part=place, line=use.line, name="" if name in RESERVED else name)
            )
    problems += _style(channel, part, texts[part], text, within, names)
    if category == "marketing":
        problems += [Problem(*fault) for fault in lacking(channel, part, sent)]
    return {use.name.partition(".")[0] for use in found}, problems


def _style(
    channel: str,
    part: str,
    text: str,
    within: str,
    partials: Mapping[str, str],
    names: Mapping[str, Placeholder],
) -> Iterator[Problem]:
    def is_url(name: str) -> bool:
        return is_url_name(name, names)

    if part in ONE_LINE and "\n" in text.strip():
        yield Problem("line_break", "This part is one line: remove the line break.", line=1)
    if (channel, part) in LINKS and not is_safe_address(text.strip(), is_url=is_url):
        yield Problem("unsafe_address", f"This link {ADDRESS_RULE}", line=1)
    loose = TAG.sub(lambda tag: "\n" * tag[0].count("\n"), text).find("}}")
    if loose >= 0 and part != "html":
        yield Problem(
            "syntax", "“}}” closes nothing: write tags as {{name}}.", line=text.count("\n", 0, loose) + 1
        )
    if part == "html":
        for place in sorted(included(within, partials)):
            for line, code, message in broken_rules(partials[place], is_url=is_url):
                yield Problem(code, message, part=_place(place, part), line=line)


def written(
    locale: str, channels: Mapping[str, Mapping[str, str]], partials: Mapping[str, str]
) -> dict[str, dict[str, dict[str, str]]]:
    """One language as it is kept and sent, tags still in it; `partials` as that language sees them. Raises TemplateError."""
    content: dict[str, dict[str, str]] = {}
    for channel, texts in channels.items():
        content[channel] = {
            part: document(part, texts, partials)
            if channel == "email" and part in LAYOUTS
            else expand(text, partials, part=part)
            for part, text in texts.items()
            if text.strip() and part != PREHEADER
        }
        if channel == "email":
            content[channel] |= frames(partials)
    return {locale: content}


def _place(where: str, part: str) -> str:
    """The hole {{> body}} is the part itself."""
    return part if where in ("", "body") else where
