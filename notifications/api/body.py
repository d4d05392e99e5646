"""JSON bodies: in, a request; out, what it holds, or why it cannot be used. Small, and storable by PostgreSQL."""

import json
from typing import Any

from django.http import HttpRequest
from ninja.parser import Parser

from notifications.api.envelope import ApiError

MAX_BYTES = 256 * 1024


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
        return found


def _no_constant(name: str) -> Any:
    raise ValueError(name)
