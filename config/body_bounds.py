"""No body without end: in, a request's own word about its length; out, the request let through, or 411 or 413.

What an address takes at most is its own to say (the API 256 KB, the public pages 16 KB, a webhook what its provider
sends); this is the wall around all of them. A body without a length is refused: WSGI would read it as empty, and what it
asked for would be taken for something else; ASGI would write it to disk to its end before anybody looked.
"""

from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse

BIGGEST_BODY = 4 * 1024 * 1024
SAYS: dict[int, str] = {
    411: "Say how long the body is (Content-Length): this site takes no chunked bodies.",
    413: f"The body is too large: nothing here takes more than {BIGGEST_BODY} bytes.",
}
App = Callable[..., Coroutine[Any, Any, None]]


def refusal(*, length: str | None, encoding: str | None) -> int | None:
    """The status to refuse with, from Content-Length and Transfer-Encoding; None: let it in."""
    if encoding:
        return 411
    # Its digits are counted first: Python reads no number of thousands of them.
    if length and (
        not length.isascii() or not length.isdigit() or len(length) > 20 or int(length) > BIGGEST_BODY
    ):
        return 413
    return None


class BodyBounds:
    """Middleware, for WSGI."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length, encoding = request.META.get("CONTENT_LENGTH"), request.META.get("HTTP_TRANSFER_ENCODING")
        status = refusal(length=length, encoding=encoding)
        if status is None:
            return self.get_response(request)
        return HttpResponse(f"{SAYS[status]}\n", content_type="text/plain; charset=utf-8", status=status)


def bounded(app: App) -> App:
    """The same around an ASGI application, which has read a whole body before any middleware sees it."""

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            length, encoding = (
                _header(scope["headers"], name) for name in (b"content-length", b"transfer-encoding")
            )
            status = refusal(length=length, encoding=encoding)
            if status is not None:
                headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
                await send({"type": "http.response.start", "status": status, "headers": headers})
                await send({"type": "http.response.body", "body": f"{SAYS[status]}\n".encode()})
                return
        await app(scope, receive, send)

    return wrapped


def _header(headers: Iterable[tuple[bytes, bytes]], wanted: bytes) -> str | None:
    return next((value.decode("latin-1") for name, value in headers if name.lower() == wanted), None)
