"""JSON bodies: in, a request; out, what it holds, or why it cannot be used. Small, and storable by PostgreSQL."""

import json
from typing import Any

from django.http import HttpRequest
from ninja.parser import Parser

from notifications.api.envelope import ApiError

MAX_BYTES = 256 * 1024
# Far deeper than any payload of a template; what walks it later, here and in PostgreSQL, needs no care.
MAX_DEPTH = 32


class BoundedJson(Parser):
    """Refuses what is too large, too deep, or holds text that no database column can."""

    def parse_body(self, request: HttpRequest) -> Any:
        if len(request.body) > MAX_BYTES:
            raise ApiError(
                413, "too_large", f"The body has {len(request.body)} bytes; the limit is {MAX_BYTES}."
            )
        try:
            text = request.body.decode()
            found = json.loads(text, parse_constant=_no_constant)
            json.dumps(found, ensure_ascii=False).encode()  # a lone surrogate cannot be encoded
        except (ValueError, RecursionError):
            raise ApiError(400, "bad_json", "The body is not JSON in UTF-8.") from None
        if "\\u0000" in text:
            raise ApiError(400, "bad_json", "The body holds a NUL character, which cannot be stored.")
        if _is_deeper(found, MAX_DEPTH):
            raise ApiError(400, "bad_json", f"The body is more than {MAX_DEPTH} levels deep.")
        return found


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _is_deeper(found: Any, levels: int) -> bool:
    """Level by level, so that no depth of the body is one of ours."""
    level = [found]
    for _ in range(levels):
        held = [
            item.values() if isinstance(item, dict) else item
            for item in level
            if isinstance(item, dict | list)
        ]
        level = [inner for items in held for inner in items]
    return bool(level)
