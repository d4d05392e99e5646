"""Which code sends a template: in, its name; out, the jobs and modules that name it, read from the code itself.

`TEMPLATES_APP["MENTIONS"]` names it. A name stands in the code as a whole text, or as an f-string with a hole, which then
stands for every name that fits.
"""

import importlib.util
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.apps import apps
from django.urls import reverse

from jobs import catalog
from templates_app.usage import Mention

# A text of lower-case words and dots, with holes if it is an f-string.
_NAME = re.compile(r"""(?<!\w)(f?)["']([a-z][a-z0-9_]*\.[a-zA-Z0-9_{}.\[\]]+)["']""")
_HOLE = re.compile(r"\\\{.*?\\\}")
# The layer of the templates reads names, and sends nothing.
_BELOW = frozenset({"templates_app", "consent"})
# They name templates as examples: a demo's sample week, and the API's documentation. Neither sends anything of a business's.
_EXAMPLES = frozenset({"config.sample_week", "notifications.api.shapes"})


@dataclass(frozen=True, slots=True)
class _Place:
    module: str
    pattern: re.Pattern[str]


def mentions(name: str) -> Sequence[Mention]:
    """The jobs of the catalogue first, then other modules, by name."""
    jobs = {spec.run.__module__: job for job, spec in catalog.CATALOG.items()}
    modules = {place.module for place in _places() if place.pattern.fullmatch(name)} - _EXAMPLES
    found = [_job(jobs[module]) if module in jobs else Mention(module) for module in modules]
    return sorted(found, key=lambda mention: (not mention.job, mention.label))


def _job(name: str) -> Mention:
    url = reverse("admin:jobs_jobrun_job", args=[name])
    return Mention(name, job=True, url=url, permission="jobs.view_jobrun")


# The code does not change while a process runs. About half a second for the whole project.
@lru_cache(maxsize=1)
def _places() -> tuple[_Place, ...]:
    return tuple(_read())


def _read() -> Iterator[_Place]:
    for home in _homes():
        for path in sorted(home.rglob("*.py")):
            parts = path.relative_to(home.parent).with_suffix("").parts
            if "migrations" in parts:
                continue
            module = ".".join(parts).removesuffix(".__init__")
            for match in _NAME.finditer(path.read_text("utf-8")):
                text = re.escape(match[2])
                yield _Place(module, re.compile(_HOLE.sub("[a-z0-9_]+", text) if match[1] else text))


def _homes() -> Iterator[Path]:
    """The project's own apps: those that stand beside this one."""
    spec = importlib.util.find_spec("jobs")
    assert spec
    assert spec.origin
    beside = Path(spec.origin).parent.parent
    for config in apps.get_app_configs():
        home = Path(config.path)
        if home.parent == beside and config.name not in _BELOW:
            yield home
