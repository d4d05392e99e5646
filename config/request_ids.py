"""Which request a line of the log belongs to: in, a request, perhaps with an X-Request-ID; out, the same id on its lines and answer.

An id that is well formed is the caller's or the proxy's, so that their logs and ours are one; else we make one.
"""

import re
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from notifications.log_ids import log_ids

HEADER = "X-Request-ID"
# What proxies make: hexadecimal digits, a UUID, or a name with a number. No @ and no blank: an address is no id.
_ID = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9][A-Za-z0-9._-]{7,63}")


class RequestIds:
    """Middleware: the outermost, so that every line has it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get(HEADER, "")
        own = given if _ID.fullmatch(given) else uuid.uuid4().hex
        with log_ids(request=own):
            response = self.get_response(request)
        response.headers[HEADER] = own
        return response
