"""What languages, channels and parts are called: in, a code; out, its name in the reader's language."""

from django import template

from templates_app.spoken import CHANNEL_NAMES, PART_NAMES, language_name

register = template.Library()


@register.filter
def channel_name(code: str) -> str:
    return str(CHANNEL_NAMES.get(code, code))


@register.filter
def part_name(code: str) -> str:
    return str(PART_NAMES.get(code, code))


@register.filter
def locale_name(code: str) -> str:
    return language_name(code)
