"""Templates for the pipeline: in, names or version ids; out, frozen values. Reads only; `publish.py` writes."""

import json
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import connection

from consent.arrays import array
from templates_app.compiled import CompiledVersion, render_inline_parts
from templates_app.engine import Mustache
from templates_app.layout import for_locale, frames
from templates_app.models import NotificationTemplateVersion, TemplatePartial
from templates_app.placeholders import PayloadProblem, Placeholder, payload_problems
from templates_app.tags import TemplateError

__all__ = [
    "CompiledVersion",
    "PayloadProblem",
    "Placeholder",
    "Published",
    "check_payload",
    "compiled",
    "published",
    "refreshed",
    "remembered",
    "render_inline",
    "template_name",
]


@dataclass(frozen=True, slots=True)
class Published:
    """The version of a template that is in force, as far as enqueueing needs it."""

    template_id: uuid.UUID
    version_id: uuid.UUID
    name: str
    category: str
    channels: frozenset[str]
    locales: tuple[str, ...]
    placeholders: tuple[Placeholder, ...]
    sensitive: frozenset[str] = frozenset()


PUBLISHED = """
SELECT t.id, v.id, t.name, t.category, v.channels, v.locales, v.placeholders
FROM notification_templates AS t JOIN notification_template_versions AS v ON v.id = t.published_version_id
WHERE t.name = ANY(%s::text[]) AND t.archived_at IS NULL
"""
# What was in force when this process last asked, by name.
_remembered: dict[str, Published] = {}


def published(names: Collection[str]) -> dict[str, Published]:
    """The published versions by template name, in one query; unknown, unpublished and archived names are absent."""
    if not names:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(PUBLISHED, [array(names)])
        rows = cursor.fetchall()
    return {row[2]: _published(*row) for row in rows}


def _published(
    template_id: uuid.UUID,
    version_id: uuid.UUID,
    name: str,
    category: str,
    channels: str,
    locales: str,
    placeholders: str,
) -> Published:
    declared = tuple(Placeholder.of(stored) for stored in json.loads(placeholders))
    return Published(
        template_id=template_id,
        version_id=version_id,
        name=name,
        category=category,
        channels=frozenset(json.loads(channels)),
        locales=tuple(json.loads(locales)),
        placeholders=declared,
        sensitive=frozenset(p.name for p in declared if p.sensitive),
    )


def remembered(names: Collection[str]) -> dict[str, Published]:
    """As `published`, but what this process knows already is not asked again, and may have changed since: whoever uses
    it has the database check it (`notifications/insert.py`), and calls `refreshed` when it does not agree."""
    unknown = [name for name in names if name not in _remembered]
    if unknown:
        _remembered.update(published(unknown))
    return {name: _remembered[name] for name in names if name in _remembered}


def refreshed(names: Collection[str]) -> bool:
    """Ask again; answers whether anything has changed since it was remembered."""
    before = {name: _remembered.pop(name, None) for name in names}
    now = published(names)
    _remembered.update(now)
    return any(now.get(name) != version for name, version in before.items())


def check_payload(template: Published, payload: Mapping[str, Any]) -> list[PayloadProblem]:
    """Everything wrong with a payload: names missing, surplus or reserved, values of the wrong type."""
    return payload_problems(template.placeholders, payload)


# A published version never changes, so a process may keep it for ever; 128 of them are about 10 MB.
@lru_cache(maxsize=128)
def compiled(version_id: uuid.UUID) -> CompiledVersion:
    """A published version, ready to render. Raises TemplateError (`not_published`) for a draft or an unknown id."""
    row = (
        NotificationTemplateVersion.objects.filter(
            pk=version_id, status=NotificationTemplateVersion.Status.PUBLISHED
        )
        .values_list("content", "placeholders")
        .first()
    )
    if row is None:
        # An exception is not cached: a draft may be published later.
        raise TemplateError("not_published", f"Template version {version_id} is not published.")
    content, placeholders = row
    return CompiledVersion.of(
        content, [Placeholder.of(stored) for stored in placeholders], default_locale=settings.LANGUAGE_CODE
    )


# A version never changes its template, nor a template its name.
@lru_cache(maxsize=4096)
def template_name(version_id: uuid.UUID) -> str:
    """The template that a version belongs to. Raises DoesNotExist for an unknown id."""
    versions = NotificationTemplateVersion.objects.filter(pk=version_id)
    return versions.values_list("template__name", flat=True).get()


def render_inline(
    *, channel: str, locale: str, context: Mapping[str, Any], subject: str | None, body: str
) -> dict[str, str]:
    """The parts of a message without a template: its own subject and body, an e-mail within the shared layout."""
    layout = _layout(locale) if channel == "email" else {}
    return render_inline_parts(
        channel=channel, locale=locale, context=context, subject=subject, body=body, frames=layout
    )


def _layout(locale: str) -> Mapping[str, Mustache]:
    partials = TemplatePartial.objects.filter(name__startswith="layout/").order_by("name")
    return _compiled_layout(tuple(partials.values_list("name", "text")), locale, settings.LANGUAGE_CODE)


# Keyed by the texts themselves: an edited layout is a new key.
@lru_cache(maxsize=32)
def _compiled_layout(
    partials: tuple[tuple[str, str], ...], locale: str, default_locale: str
) -> Mapping[str, Mustache]:
    texts = frames(for_locale(dict(partials), locale, default=default_locale))
    return {name: Mustache.read(text, part=name) for name, text in texts.items()}
