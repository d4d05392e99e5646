"""Values of placeholders marked sensitive: in, a payload and their names; out, the same with them sealed, opened or masked.

Sealed when the row is made and opened when its text is, nowhere between: gates, callbacks and pages see the sealed form.
A template without such a placeholder costs nothing: its payload is handed through.
"""

import json
from collections.abc import Collection, Mapping
from typing import Any

from consent.sealed import seal, unseal
from templates_app.masked import MASKED

# A value that stands in a payload as {MARK: token}. Callers may not use the name (`validate.py`).
MARK = "__sealed__"

Payload = Mapping[str, Any]


def seal_payload(payload: Payload, names: Collection[str]) -> Payload:
    """Each of these values encrypted; one that is not there stays away."""
    if not names:
        return payload
    return {
        name: {MARK: seal(json.dumps(value))} if name in names and value is not None else value
        for name, value in payload.items()
    }


def open_payload(payload: Payload, names: Collection[str]) -> Payload:
    """The values as they were given. Raises SealError where a key is missing."""
    if not names:
        return payload
    return {
        name: json.loads(unseal(value[MARK])) if name in names and is_sealed(value) else value
        for name, value in payload.items()
    }


def mask_payload(payload: Payload, names: Collection[str]) -> Payload:
    """The payload for a text with masks in the place of these values (`templates_app.masked`); no key is needed."""
    if not names:
        return payload
    return {name: MASKED if name in names and value is not None else value for name, value in payload.items()}


def is_sealed(value: object) -> bool:
    return isinstance(value, dict) and MARK in value
