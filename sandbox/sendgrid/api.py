"""`POST /sendgrid/v3/mail/send`. A request with a bearer key comes in, SendGrid's answer goes out, accepted
mail is recorded. Statuses, error bodies and headers are SendGrid's: 202 queued, 200 for its sandbox mode,
`errors` otherwise."""

import json
import re

from sandbox import keys
from sandbox.sendgrid.email import Email
from sandbox.sendgrid.problems import Problem, Problems
from sandbox.sendgrid.schema import check
from sandbox.server import Headers, Request, Response
from sandbox.store import Received, Store, reference_text

PATH = "/sendgrid/v3/mail/send"
LIMIT_BYTES = 30 * 1024 * 1024
REQUESTS_A_MINUTE = 600  # only told in X-RateLimit-*, never enforced: a rule of the control API does that

FAULTS = {
    401: "The provided authorization grant is invalid, expired, or revoked",
    403: "access forbidden",
    404: "not found",
    405: "method not allowed",
    413: "Payload too large",
    415: "Content-Type should be application/json.",
    429: "too many requests",
    500: "internal server error",
    503: "service unavailable",
}
COMMON: Headers = (
    ("Server", "nginx"),
    ("Access-Control-Allow-Origin", "https://sendgrid.api-docs.io"),
    ("Strict-Transport-Security", "max-age=600; includeSubDomains"),
)
JSON: Headers = (("Content-Type", "application/json"),)
CHARSET = re.compile(r"charset\s*=\s*\"?(?!utf-?8\b)", re.IGNORECASE)


class SendGrid:
    """The e-mail provider."""

    name = "sendgrid"

    def __init__(self, *, seed: str, store: Store) -> None:
        self._store = store
        self._authorized = f"Bearer {keys.sendgrid_api_key(seed)}"
        self._restricted = f"Bearer {keys.sendgrid_restricted_api_key(seed)}"
        self._window = 0
        self._used = 0

    def answer(self, request: Request, now: float) -> tuple[Response, list[Received]]:
        """What SendGrid would answer, and what it accepted."""
        refusal = self._refuse(request)
        if refusal:
            return self.fault(refusal, None, now), []
        try:
            message = json.loads(request.body)
        except UnicodeDecodeError:
            return _errors(415, [Problem("Invalid UTF8 in request")]), []
        except (ValueError, RecursionError):
            return _errors(400, [Problem("Bad Request")]), []
        problems = check(message, now)
        if problems:
            return _errors(400, problems), []
        if message.get("mail_settings", {}).get("sandbox_mode", {}).get("enable"):
            self._store.tallies[self.name].validated += len(message["personalizations"])
            return Response(200, b"", COMMON + self._limits(now)), []
        reference = reference_text(self._store.next_reference())
        size = len(request.body) // len(message["personalizations"])
        accepted = [
            self._record(Email(message, index), reference, size, now)
            for index in range(len(message["personalizations"]))
        ]
        return Response(202, b"", (*COMMON, ("X-Message-Id", reference), *self._limits(now))), accepted

    def fault(self, status: int, retry_after: float | None, now: float) -> Response:
        """SendGrid's answer of this status. At 429 it names the second in which the window ends, and no
        Retry-After."""
        headers: Headers = JSON
        if status == 429:
            reset = int(now + (retry_after if retry_after is not None else 60)) + 1
            headers += (
                ("X-RateLimit-Limit", str(REQUESTS_A_MINUTE)),
                ("X-RateLimit-Remaining", "0"),
                ("X-RateLimit-Reset", str(reset)),
            )
        return _errors(
            status, [Problem(FAULTS.get(status, "Bad Request" if status < 500 else "server error"))], headers
        )

    def _refuse(self, request: Request) -> int:
        """The status of a refusal that needs no look at the body; 0 is «go on»."""
        if request.path != PATH:
            return 404
        if request.method != "POST":
            return 405
        authorization = request.headers.get("authorization")
        if authorization != self._authorized:
            return 403 if authorization == self._restricted else 401
        content_type = request.headers.get("content-type", "")
        if not content_type.startswith("application/json") or CHARSET.search(content_type):
            return 415
        return 413 if len(request.body) > LIMIT_BYTES else 0

    def _record(self, email: Email, reference: str, size: int, now: float) -> Received:
        return self._store.record(
            provider=self.name,
            reference=reference,
            recipients=email.recipients(),
            notification_id=email.custom_args.get("notification_id"),
            content=email,
            size=size,
            now=now,
        )

    def _limits(self, now: float) -> Headers:
        window = int(now) // 60
        if window != self._window:
            self._window, self._used = window, 0
        self._used += 1
        return (
            ("X-RateLimit-Limit", str(REQUESTS_A_MINUTE)),
            ("X-RateLimit-Remaining", str(max(REQUESTS_A_MINUTE - self._used, 1))),
            ("X-RateLimit-Reset", str(window * 60 + 60)),
        )


def _errors(status: int, problems: Problems, headers: Headers = JSON) -> Response:
    body = json.dumps({"errors": [problem.as_json() for problem in problems]}).encode()
    return Response(status, body, COMMON + headers)
