"""HTTP/1.1 over asyncio and httptools. Bytes come in, a Request goes to the application, its Response goes
back as bytes. Not an ASGI server: a provider must be able to hang up without an answer, and 5,000 requests/s
must fit one core."""

import asyncio
import sys
import time
import traceback
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from typing import cast
from urllib.parse import unquote

import httptools

MAX_BODY = 40 * 1024 * 1024  # above the 30 MB that SendGrid takes, so that its own 413 can be given
PHRASES = {status.value: status.phrase for status in HTTPStatus}

Headers = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Request:
    """One request; header names are lower-case, `path` is decoded and `query` is not."""

    method: str = ""
    path: str = ""
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    keep_alive: bool = True


@dataclass(frozen=True, slots=True)
class Response:
    """One answer; `delay` in seconds holds it back, `hang_up` closes the connection in its place."""

    status: int
    body: bytes = b""
    headers: Headers = ()
    delay: float = 0.0
    hang_up: bool = False


Application = Callable[[Request], Response | Awaitable[Response]]


class Connection(asyncio.Protocol):
    """One client connection; answers leave in the order of the requests."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._request = Request()
        self._url = b""
        self._chunks: list[bytes] = []
        self._size = 0
        self._waiting: deque[Request] = deque()
        self._is_busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports are no subclass

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._transport = None
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        if self._transport is None:  # refused: what still arrives is not read
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._refuse(400)

    # What httptools calls, in this order.

    def on_message_begin(self) -> None:
        self._request = Request()
        self._url = b""
        self._chunks = []
        self._size = 0

    def on_url(self, part: bytes) -> None:
        self._url += part

    def on_header(self, name: bytes, value: bytes) -> None:
        self._request.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        path, _, query = self._url.decode("latin-1").partition("?")
        self._request.path = unquote(path) if "%" in path else path
        self._request.query = query
        if self._request.headers.get("expect", "").lower() == "100-continue" and self._transport:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size > MAX_BODY:
            self._refuse(413)
        else:
            self._chunks.append(body)

    def on_message_complete(self) -> None:
        if self._transport is None:
            return
        request = self._request
        request.method = self._parser.get_method().decode("latin-1")
        request.keep_alive = self._parser.should_keep_alive()
        request.body = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._waiting.append(request)
        self._answer_waiting()

    def _answer_waiting(self) -> None:
        while self._waiting and not self._is_busy and self._transport is not None:
            self._answer(self._waiting.popleft())

    def _answer(self, request: Request) -> None:
        try:
            answer = self._application(request)
        except Exception:  # noqa: BLE001 - a fault in the sandbox must be loud and must not end it
            answer = _crashed()
        if not isinstance(answer, Response):
            self._is_busy = True
            task = asyncio.ensure_future(answer)
            task.add_done_callback(lambda done: self._finish(request, _result(done)))
        elif answer.delay > 0:
            self._is_busy = True
            asyncio.get_running_loop().call_later(answer.delay, self._finish, request, answer)
        else:
            self._write(request, answer)

    def _finish(self, request: Request, response: Response) -> None:
        self._is_busy = False
        self._write(request, response)
        self._answer_waiting()

    def _write(self, request: Request, response: Response) -> None:
        if self._transport is None:
            return
        if response.hang_up:
            self._transport.abort()
            self._transport = None
            return
        self._transport.write(_encode(request, response))
        if not request.keep_alive:
            self._transport.close()
            self._transport = None

    def _refuse(self, status: int) -> None:
        if self._transport is not None:
            self._transport.write(_encode(Request(keep_alive=False), Response(status)))
            self._transport.close()
            self._transport = None


def _encode(request: Request, response: Response) -> bytes:
    lines = [f"HTTP/1.1 {response.status} {PHRASES.get(response.status, 'Unknown')}", _date_line()]
    lines += [f"{name}: {value}" for name, value in response.headers]
    lines.append(f"Content-Length: {len(response.body)}")
    lines.append("Connection: keep-alive" if request.keep_alive else "Connection: close")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
    return head if request.method == "HEAD" else head + response.body


_date: tuple[int, str] = (0, "")


def _date_line() -> str:
    """Formatted once a second: formatdate costs more than the rest of an answer."""
    global _date
    second = int(time.time())
    if _date[0] != second:
        _date = (second, f"Date: {formatdate(second, usegmt=True)}")
    return _date[1]


def _result(done: asyncio.Future[Response]) -> Response:
    try:
        return done.result()
    except Exception:  # noqa: BLE001
        return _crashed()


def _crashed() -> Response:
    traceback.print_exc(file=sys.stderr)
    return Response(
        500,
        b'{"error": "the sandbox itself failed; its terminal shows where"}',
        (("Content-Type", "application/json"),),
    )
