"""The seed folder (`seed/README.md` explains it): in, a path; out, partials and templates as values, or errors with file and line."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from consent.policy import Category
from templates_app.placeholders import Placeholder
from templates_app.shape import Problem

SEED = Path(__file__).resolve().parent / "seed"
FACTS = "template.toml"
SHORT_TEXTS = "texts.toml"
FILES: Mapping[str, tuple[str, str]] = {
    "email.html": ("email", "html"),
    "email.txt": ("email", "text"),
    "sms.txt": ("sms", "text"),
}
_PLACEHOLDER_KEYS = {"type", "required", "sensitive", "sample", "description"}


class SeedError(ValueError):
    """Files that cannot be read: each line names the file and, where there is one, the line."""


@dataclass(frozen=True, slots=True)
class SeedTemplate:
    """One folder. `places` says where each part stands: (locale, channel, part) → file and the line before it."""

    name: str
    category: str
    description: str
    placeholders: tuple[Placeholder, ...]
    source: Mapping[str, Mapping[str, Mapping[str, str]]]
    places: Mapping[tuple[str, str, str], tuple[Path, int]]


@dataclass(frozen=True, slots=True)
class Seed:
    """The whole folder."""

    folder: Path
    partials: Mapping[str, str]
    templates: tuple[SeedTemplate, ...]

    def locate(self, problem: Problem) -> str:
        """`file:line: message` for a problem that publishing found."""
        template = next((t for t in self.templates if t.name == problem.template), None)
        place = template.places.get((problem.locale, problem.channel, problem.part)) if template else None
        if place:
            path, before = place
            return f"{self._shown(path)}:{before + (problem.line or 1)}: {problem.message}"
        if problem.part in self.partials or "/" in problem.part:
            found = sorted(self.folder.glob(f"{problem.part}.*"))
            file = next(
                (f for f in found if f".{problem.locale}." in f.name), found[0] if found else self.folder
            )
            return f"{self._shown(file)}:{problem.line or 1}: {problem.message}"
        where = " ".join(filter(None, [problem.locale, problem.channel, problem.part]))
        return f"{self._shown(self.folder / problem.template / FACTS)}: {where + ': ' if where else ''}{problem.message}"

    def _shown(self, path: Path) -> str:
        return str(path.relative_to(self.folder.parent))


@dataclass(slots=True)
class _Reading:
    folder: Path
    errors: list[str] = field(default_factory=list)

    def fail(self, path: Path, message: str) -> None:
        self.errors.append(f"{path.relative_to(self.folder.parent)}: {message}")


def read_seed(folder: Path = SEED) -> Seed:
    """Read every file. Raises SeedError with all that cannot be read."""
    if not folder.is_dir():
        raise SeedError(f"{folder} is no folder.")
    reading = _Reading(folder)
    partials: dict[str, str] = {}
    templates: list[SeedTemplate] = []
    for child in sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith((".", "_"))):
        if (child / FACTS).exists():
            template = _template(child, reading)
            if template:
                templates.append(template)
        elif "." in child.name:
            reading.fail(child, f"a template's folder needs a {FACTS}.")
        else:
            files = sorted(p for p in child.rglob("*") if p.is_file() and not p.name.startswith("."))
            partials |= {str(p.relative_to(folder).with_suffix("")): p.read_text("utf-8") for p in files}
    if reading.errors:
        raise SeedError("\n".join(reading.errors))
    return Seed(folder, partials, tuple(templates))


def _template(folder: Path, reading: _Reading) -> SeedTemplate | None:
    facts = _toml(folder / FACTS, reading)
    if facts is None:
        return None
    for key in sorted(set(facts) - {"category", "description", "placeholders"}):
        reading.fail(folder / FACTS, f"“{key}” is unknown here.")
    if facts.get("category") not in set(Category):
        reading.fail(folder / FACTS, f"category must be one of {', '.join(Category)}.")
    source: dict[str, dict[str, dict[str, str]]] = {}
    places: dict[tuple[str, str, str], tuple[Path, int]] = {}
    for locale in sorted(p for p in folder.iterdir() if p.is_dir()):
        for channel, part, text, path, before in _texts(locale, reading):
            source.setdefault(locale.name, {}).setdefault(channel, {})[part] = text
            places[locale.name, channel, part] = (path, before)
    return SeedTemplate(
        name=folder.name,
        category=str(facts.get("category")),
        description=str(facts.get("description", "")),
        placeholders=tuple(_placeholders(folder / FACTS, facts.get("placeholders", {}), reading)),
        source=source,
        places=places,
    )


def _texts(folder: Path, reading: _Reading) -> Iterator[tuple[str, str, str, Path, int]]:
    for path in sorted(p for p in folder.iterdir() if not p.name.startswith(".")):
        if path.name in FILES:
            yield *FILES[path.name], path.read_text("utf-8"), path, 0
        elif path.name == SHORT_TEXTS:
            lines = _lines_of_keys(path.read_text("utf-8"))
            for channel, parts in (_toml(path, reading) or {}).items():
                if not isinstance(parts, dict) or not all(isinstance(text, str) for text in parts.values()):
                    reading.fail(path, f"[{channel}] must hold texts only.")
                    continue
                for part, text in parts.items():
                    yield channel, part, text, path, lines.get((channel, part), 1) - 1
        else:
            reading.fail(path, f"unknown file; a language has {SHORT_TEXTS}, {', '.join(FILES)}.")


def _placeholders(path: Path, declared: Mapping[str, Any], reading: _Reading) -> Iterator[Placeholder]:
    for name, facts in declared.items():
        unknown = sorted(set(facts) - _PLACEHOLDER_KEYS) if isinstance(facts, dict) else ["its value"]
        if unknown:
            keys = ", ".join(sorted(_PLACEHOLDER_KEYS))
            reading.fail(path, f"[placeholders.{name}]: {', '.join(unknown)} is unknown; it may hold {keys}.")
            continue
        try:
            yield Placeholder.of({"name": name, **facts})
        except TypeError as error:
            reading.fail(path, f"[placeholders.{name}]: {error}.")


def _toml(path: Path, reading: _Reading) -> dict[str, Any] | None:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        reading.fail(path, f"{error}.")
        return None


def _lines_of_keys(text: str) -> dict[tuple[str, str], int]:
    """Where each key of a table stands; tomllib does not say."""
    lines: dict[tuple[str, str], int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), start=1):
        heading = re.match(r"\s*\[\s*([\w.-]+)\s*\]", line)
        key = re.match(r"\s*([\w-]+)\s*=", line)
        if heading:
            table = heading[1]
        elif key:
            lines.setdefault((table, key[1]), number)
    return lines
