"""A message as it would read: in, content, its placeholders and their samples; out, contexts and what goes wrong. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any

from consent.policy import OPTIONAL
from templates_app.compiled import CompiledVersion, Texts
from templates_app.placeholders import Placeholder
from templates_app.segments import segments
from templates_app.tags import TemplateError

SMS_SEGMENTS = 3
# A push service must take 4096 bytes encrypted (RFC 8030 section 7.2); this leaves room for the envelope.
PUSH_BYTES = 3000


def sample_context(
    placeholders: Sequence[Placeholder], *, category: str, full: bool = True
) -> dict[str, Any]:
    """Samples for a preview. Not `full` is the barest message: no optional value, nothing known of the person."""
    person = {"first_name": "Camille", "last_name": "Cormier", "company_name": "Chantier Cormier Inc."}
    can_leave = category in OPTIONAL
    return {
        **{p.name: p.sample for p in placeholders if full or p.required},
        "recipient": {**(person if full else dict.fromkeys(person, "")), "timezone": ""},
        "system": {
            "company_name": "Fundy Equipment Rental",
            "postal_address": "120 Main Street, Moncton NB E1C 1B7, Canada",
            "public_url": "https://rental.example",
            "unsubscribe_url": "https://rental.example/u/sample" if can_leave else "",
            "preferences_url": "https://rental.example/preferences/sample" if full else "",
            "sandbox": full,
        },
    }


def sample_problems(
    content: Texts, placeholders: Sequence[Placeholder], *, category: str, default_locale: str
) -> Iterator[tuple[str, str, TemplateError]]:
    """(locale, channel, what is wrong) for every text that cannot be written with the samples, full and bare."""
    compiled = CompiledVersion.of(content, placeholders, default_locale=default_locale)
    for locale, channels in content.items():
        for channel in channels:
            for full in (True, False):
                context = sample_context(placeholders, category=category, full=full)
                try:
                    _, parts = compiled.render(channel=channel, locale=locale, context=context)
                except TemplateError as error:
                    yield locale, channel, error
                    break
                yield from ((locale, channel, error) for error in _too_long(channel, parts))


def _too_long(channel: str, parts: dict[str, str]) -> Iterator[TemplateError]:
    if channel == "sms" and (cost := segments(parts["text"])).count > SMS_SEGMENTS:
        yield TemplateError(
            "too_long",
            f"With the samples this is {cost.count} SMS ({cost.encoding}): {SMS_SEGMENTS} at most.",
            "text",
        )
    if channel == "push" and len("".join(parts.values()).encode()) > PUSH_BYTES:
        yield TemplateError(
            "too_long",
            f"With the samples this exceeds {PUSH_BYTES} bytes: a push service may refuse it.",
            "body",
        )
