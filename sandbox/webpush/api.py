"""`POST /push/{id}`. An encrypted message comes in, the push service's answer goes out, the decrypted message
is recorded. Error bodies are those of Mozilla's autopush; a body that the browser could not decrypt is
refused here, where a real service cannot see it."""

import json
import re

from sandbox import keys, push_keys
from sandbox.server import Headers, Request, Response
from sandbox.store import Received, Store, reference_text
from sandbox.webpush.aes128gcm import UndecryptableError, decrypt
from sandbox.webpush.push import Push
from sandbox.webpush.vapid import RejectedError, Verifier

BASE = "/push/"
LIMIT_BYTES = 4096  # RFC 8030, section 7.2: never refuse less
LONGEST_TTL = 30 * 24 * 3600
TOPIC = re.compile(r"[A-Za-z0-9_-]{1,32}")
URGENCIES = frozenset({"very-low", "low", "normal", "high"})
JSON: Headers = (("Content-Type", "application/json"),)

# errno and reason of autopush's error list.
FAULTS = {
    400: (110, "Bad Request"),
    401: (109, "Unauthorized"),
    403: (109, "Forbidden"),
    404: (102, "Not Found"),
    410: (106, "Gone"),
    413: (104, "Payload Too Large"),
    429: (201, "Too Many Requests"),
    500: (999, "Internal Server Error"),
    502: (902, "Bad Gateway"),
    503: (201, "Service Unavailable"),
}


class WebPush:
    """The push service; `gone` holds the ids of dead subscriptions with the status that tells so."""

    name = "webpush"

    def __init__(self, *, seed: str, store: Store) -> None:
        self._seed = seed
        self._store = store
        self._verifier = Verifier(keys.vapid_public_key(seed))
        self.gone: dict[str, int] = {}

    def answer(self, request: Request, now: float) -> tuple[Response, list[Received]]:
        """What a push service would answer, and what it accepted."""
        identifier = request.path.removeprefix(BASE)
        browser = push_keys.browser(identifier, self._seed)
        if browser is None:
            return _error(404, "Unknown subscription"), []
        if request.method != "POST":
            return Response(405, b"", (("Allow", "POST"),)), []
        if identifier in self.gone:
            return _error(self.gone[identifier], "The subscription is no longer valid"), []
        origin = f"http://{request.headers.get('host', '')}"
        try:
            claims = self._verifier.verify(request.headers.get("authorization"), origin, now)
        except RejectedError as error:
            return _error(error.status, str(error)), []
        refusal = _refuse_headers(request)
        if refusal:
            return refusal, []
        try:
            payload = decrypt(request.body, browser) if request.body else None
        except UndecryptableError as error:
            return _error(400, f"The browser could not decrypt the message: {error}"), []
        push = Push(
            endpoint=f"{origin}{request.path}",
            payload=payload,
            ttl=min(int(request.headers["ttl"]), LONGEST_TTL),
            urgency=request.headers.get("urgency", "normal"),
            topic=request.headers.get("topic"),
            subject=claims.subject,
        )
        message = self._record(push, len(request.body), now)
        headers = (("Location", f"{origin}{BASE}m/{message.reference}"), ("TTL", str(push.ttl)))
        return Response(201, b"", headers), [message]

    def fault(self, status: int, retry_after: float | None, now: float) -> Response:  # noqa: ARG002
        """The push service's answer of this status."""
        answer = _error(status, "The sandbox was told to answer so")
        if retry_after is None:
            return answer
        return Response(answer.status, answer.body, (*answer.headers, ("Retry-After", f"{retry_after:g}")))

    def _record(self, push: Push, size: int, now: float) -> Received:
        return self._store.record(
            provider=self.name,
            reference=reference_text(self._store.next_reference()),
            recipients=(push.endpoint,),
            notification_id=push.notification_id,
            content=push,
            size=size,
            now=now,
        )


def _refuse_headers(request: Request) -> Response | None:
    headers = request.headers
    ttl = headers.get("ttl")
    if ttl is None:
        return _error(400, "Missing TTL Header", errno=111)
    if not ttl.isascii() or not ttl.isdigit():
        return _error(400, "Invalid TTL header value", errno=112)
    if "topic" in headers and not TOPIC.fullmatch(headers["topic"]):
        return _error(400, "Invalid Topic header value", errno=113)
    if headers.get("urgency", "normal") not in URGENCIES:
        return _error(400, "Invalid Urgency header value")
    if len(request.body) > LIMIT_BYTES:
        return _error(
            413, f"This message is intended for a constrained device and is limited to {LIMIT_BYTES} bytes"
        )
    if request.body and headers.get("content-encoding") != "aes128gcm":
        return _error(400, "Content-Encoding must be aes128gcm (RFC 8291)")
    return None


def _error(status: int, message: str, *, errno: int | None = None) -> Response:
    number, reason = FAULTS.get(status, (999, "Error"))
    body = {
        "code": status,
        "errno": errno or number,
        "error": reason,
        "message": message,
        "more_info": "http://autopush.readthedocs.io/en/latest/http.html#error-codes",
    }
    return Response(status, json.dumps(body).encode(), JSON)
