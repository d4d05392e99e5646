"""What must be right before consent can work: in, the settings; out, a system check that names the variable."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from consent.field_keys import HOW_TO_MAKE, SHORTEST


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
