"""What must be right before consent can work: in, the settings; out, a system check that names the variable."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.utils.module_loading import import_string

from consent.field_keys import HOW_TO_MAKE, SHORTEST
from consent.opt_in_defaults import DEFAULT, DEFAULT_WITHIN, SENDER
from consent.policy import REQUIRES, Requires


@register(Tags.security)
def field_keys_are_strong(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:  # noqa: ARG001
    """FIELD_KEYS encrypts addresses: none means that nothing works, a short one can be guessed."""
    keys: list[str] = settings.FIELD_KEYS
    if not keys:
        return [Error("FIELD_KEYS is not set.", hint=f"Make a key with: {HOW_TO_MAKE}", id="consent.E001")]
    return [
        Error(
            f"Entry {number} of FIELD_KEYS has {len(key)} characters; at least {SHORTEST} random ones are needed.",
            hint=f"Put a new key in front of the list (the first encrypts, all decrypt). Make it with: {HOW_TO_MAKE}",
            id="consent.E002",
        )
        for number, key in enumerate(keys, start=1)
        if len(key) < SHORTEST
    ]


@register("postroom")
def double_opt_in_can_be_asked(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:  # noqa: ARG001
    """NOTIFICATIONS["DOUBLE_OPT_IN"] names what needs a grant, and channels on which a link can be sent."""
    name = 'NOTIFICATIONS["DOUBLE_OPT_IN"]'
    asked = settings.NOTIFICATIONS.get("DOUBLE_OPT_IN", DEFAULT)
    within = settings.NOTIFICATIONS.get("CONFIRM_WITHIN", DEFAULT_WITHIN)
    problems = list(_double_opt_in(asked)) if isinstance(asked, Mapping) else ["is no dict"]
    found = [
        _wrong(f"{name} {problem}", 'Write {"marketing": ["email"]}; {} asks nobody.') for problem in problems
    ]
    if not isinstance(within, dt.timedelta) or within <= dt.timedelta(0):
        hint = "Write timedelta(days=7)."
        found.append(_wrong('NOTIFICATIONS["CONFIRM_WITHIN"] is no such length of time.', hint))
    try:
        import_string(settings.NOTIFICATIONS.get("SEND_CONFIRMATION", SENDER))
    except ImportError as error:
        hint = "Write the dotted path of a function that takes a consent.double_opt_in.Question."
        found.append(_wrong(f'NOTIFICATIONS["SEND_CONFIRMATION"] cannot be imported: {error}.', hint))
    return found


def _double_opt_in(asked: Mapping[Any, Any]) -> Iterator[str]:
    for category, channels in asked.items():
        if category not in _GRANTED:
            yield f"names {category!r}: only {' and '.join(_GRANTED)} need a grant that could be confirmed."
        elif isinstance(channels, str) or not set(channels) <= {"email", "sms"}:
            yield f"has {channels!r} for {category}: a link is sent by email or sms (a browser asks its user itself)."


def _wrong(text: str, hint: str) -> CheckMessage:
    return Error(text, hint=hint, id="consent.E003")


_GRANTED = sorted(category.value for category, rule in REQUIRES.items() if rule is Requires.GRANT)
