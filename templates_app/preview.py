"""A version as its readers would see it: in, a version, saved or as it is being typed; out, its messages made from samples.

Nothing is sent, nothing is kept, and no real person's data is in it. A channel that cannot be made yet is left out, so that
an editor keeps looking at the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.conf import settings

from templates_app.compiled import CompiledVersion, Texts
from templates_app.drafts import placeholders_of
from templates_app.engine import PARTS
from templates_app.layout import PREHEADER, for_locale
from templates_app.looks import Hint, SmsCost, hints, sms_cost
from templates_app.models import NotificationTemplateVersion, TemplatePartial
from templates_app.partials import expand
from templates_app.placeholders import Placeholder
from templates_app.proof import problem_of, written
from templates_app.publish import proof_of
from templates_app.samples import sample_context
from templates_app.shape import Problem
from templates_app.tags import TemplateError

# With these a text is not fit to publish, but it can be read.
READABLE = frozenset({"too_long", "law", "missing_part", "missing_channel", "unused", "line_break"})


@dataclass(frozen=True, slots=True)
class Preview:
    """The parts by channel as far as they can be made, and all problems. `full` is with every optional value."""

    locale: str
    locales: Sequence[str]
    full: bool
    messages: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    problems: Sequence[Problem] = ()
    sms: SmsCost | None = None
    preheader: str = ""
    hints: Mapping[str, Sequence[Hint]] = field(default_factory=dict)


def preview(
    version: NotificationTemplateVersion,
    *,
    locale: str = "",
    full: bool = True,
    values: Mapping[str, Any] | None = None,
) -> Preview:
    """Render every channel of one language. `values` stand in for samples, for this preview only. A draft is proved first:
    it has no rendered content of its own yet."""
    partials = dict(TemplatePartial.objects.values_list("name", "text"))
    problems: list[Problem] = []
    if version.status == NotificationTemplateVersion.Status.DRAFT:
        problems = list(proof_of(version, partials=partials).problems)
    locales = sorted(
        version.content or version.source, key=lambda name: (name != settings.LANGUAGE_CODE, name)
    )
    chosen = locale if locale in locales else next(iter(locales), settings.LANGUAGE_CODE)
    placeholders = [replace(p, sample=(values or {}).get(p.name, p.sample)) for p in placeholders_of(version)]
    seen = for_locale(partials, chosen, default=settings.LANGUAGE_CODE)
    context = sample_context(placeholders, category=version.template.category, full=full)
    broken = {p.channel for p in problems if p.locale == chosen and p.code not in READABLE}
    messages: dict[str, Mapping[str, str]] = {}
    preheader = ""
    for channel in PARTS:
        if channel in broken or channel not in version.source.get(chosen, {}):
            continue
        try:
            content = version.content or written(chosen, {channel: version.source[chosen][channel]}, seen)
            messages[channel] = _parts(content, placeholders, channel, chosen, context)
            if channel == "email" and (line := version.source[chosen][channel].get(PREHEADER)):
                alone = {chosen: {"email": {"subject": expand(line, seen)}}}
                preheader = _parts(alone, placeholders, "email", chosen, context)["subject"]
        except TemplateError as error:
            problem = problem_of(error, chosen, channel, version.source, seen)
            if not any((p.channel, p.message) == (channel, error.message) for p in problems):
                problems.append(replace(problem, template=version.template.name))
    return Preview(
        chosen,
        locales,
        full,
        messages,
        problems,
        sms=sms_cost(messages["sms"]["text"]) if messages.get("sms", {}).get("text") else None,
        preheader=preheader,
        hints={channel: hints(channel, parts, preheader) for channel, parts in messages.items()},
    )


def _parts(
    content: Texts, placeholders: Sequence[Placeholder], channel: str, locale: str, context: Mapping[str, Any]
) -> Mapping[str, str]:
    compiled = CompiledVersion.of(content, placeholders, default_locale=settings.LANGUAGE_CODE)
    return compiled.render(channel=channel, locale=locale, context=context)[1]
