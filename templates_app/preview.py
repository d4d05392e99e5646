"""A version as its readers would see it: in, a version, a language; out, its messages made from the samples.

Nothing is sent, and no real person's data is in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.conf import settings

from templates_app.compiled import CompiledVersion, Texts
from templates_app.models import NotificationTemplateVersion
from templates_app.publish import placeholders_of, proof_of
from templates_app.samples import sample_context
from templates_app.segments import Segments, segments
from templates_app.shape import Problem
from templates_app.tags import TemplateError


@dataclass(frozen=True, slots=True)
class Preview:
    """The parts by channel, or the problems that stand in the way. `full` is with every optional value."""

    locale: str
    locales: Sequence[str]
    full: bool
    messages: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    problems: Sequence[Problem] = ()
    sms: Segments | None = None


def preview(version: NotificationTemplateVersion, *, locale: str = "", full: bool = True) -> Preview:
    """Render every channel of one language. A draft is proved first: it has no rendered content of its own yet."""
    placeholders = placeholders_of(version)
    content: Texts = version.content
    problems: Sequence[Problem] = ()
    if version.status == NotificationTemplateVersion.Status.DRAFT:
        proof = proof_of(version)
        content, problems = proof.content, proof.problems
    locales = sorted(content or version.source, key=lambda name: (name != settings.LANGUAGE_CODE, name))
    chosen = locale if locale in locales else next(iter(locales), settings.LANGUAGE_CODE)
    if problems:
        return Preview(chosen, locales, full, problems=problems)
    compiled = CompiledVersion.of(content, placeholders, default_locale=settings.LANGUAGE_CODE)
    context = sample_context(placeholders, category=version.template.category, full=full)
    messages: dict[str, Mapping[str, str]] = {}
    try:
        for channel in version.channels or content[chosen]:
            _, messages[channel] = compiled.render(channel=channel, locale=chosen, context=context)
    except TemplateError as error:
        problem = Problem(
            error.code, error.message, version.template.name, chosen, channel, error.part, error.line
        )
        return Preview(chosen, locales, full, problems=[problem])
    sms = messages.get("sms")
    return Preview(chosen, locales, full, messages, sms=segments(sms["text"]) if sms else None)
