"""Other e-mail providers of Anymail over our client: their requests as Anymail makes them, and their answers as it reads them."""

import base64
import email.parser
import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import pytest

from notifications.errors import Misconfigured, Outcome, Permanent, Sent, Unknown
from tests.contract.calls import deliver, message


@dataclass
class Provider:
    """A provider that answers as told and remembers what it was sent."""

    url: str = ""
    status: int = 200
    answer: Any = None
    path: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    known = Provider()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            known.path = self.path
            known.headers = {name.lower(): value for name, value in self.headers.items()}
            known.body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            body = (
                known.answer.encode() if isinstance(known.answer, str) else json.dumps(known.answer).encode()
            )
            self.send_response(known.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        known.url = f"http://127.0.0.1:{server.server_port}/"
        settings.ANYMAIL = {
            "POSTMARK_SERVER_TOKEN": "token",
            "POSTMARK_API_URL": known.url,
            "MAILGUN_API_KEY": "key",
            "MAILGUN_API_URL": f"{known.url}v3",
            "MAILGUN_SENDER_DOMAIN": "mg.example.com",
            "MAILJET_API_KEY": "key",
            "MAILJET_SECRET_KEY": "secret",
            "MAILJET_API_URL": known.url,
        }
        yield known
        server.shutdown()


def by(name: str, settings: Any) -> Outcome:
    settings.EMAIL_BACKEND = f"anymail.backends.{name}.EmailBackend"
    return deliver("email", message("email", ""))


ACCEPTED = {"ErrorCode": 0, "Message": "OK", "MessageID": "pm-1", "To": "marie@example.com"}
# Postmark's own words, which Anymail takes apart.
INACTIVE = (
    "You tried to send to a recipient that has been marked as inactive. Found inactive addresses: marie@example.com. "
    "Inactive recipients are ones that have generated a hard bounce or a spam complaint."
)


def test_a_provider_with_json(provider: Provider, settings: Any) -> None:
    provider.answer = [ACCEPTED]  # one recipient with metadata of its own is a batch of one
    assert by("postmark", settings) == Sent("pm-1")
    assert provider.headers["x-postmark-server-token"] == "token"
    (mail,) = json.loads(provider.body)
    assert mail["To"] == "Marie Léger <marie@example.com>"
    assert mail["HtmlBody"] == "<p>Hello &amp; welcome</p>"


def test_a_provider_with_forms_and_basic_authentication(provider: Provider, settings: Any) -> None:
    provider.answer = {"id": "<mg-1@mg.example.com>", "message": "Queued. Thank you."}
    assert by("mailgun", settings) == Sent("<mg-1@mg.example.com>")
    assert provider.path == "/v3/mg.example.com/messages"
    user, _, key = base64.b64decode(provider.headers["authorization"].split()[1]).decode().partition(":")
    assert (user, key) == ("api", "key")
    assert _form(provider)["subject"] == ["Pick-up today"]


def test_a_provider_with_json_and_basic_authentication(provider: Provider, settings: Any) -> None:
    to = {"Email": "marie@example.com", "MessageID": 7}
    provider.answer = {"Messages": [{"Status": "success", "To": [to]}]}
    assert by("mailjet", settings) == Sent("7")
    assert provider.headers["authorization"] == f"Basic {base64.b64encode(b'key:secret').decode()}"
    assert provider.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("status", "answer", "expected"),
    [
        (200, [{"ErrorCode": 406, "Message": INACTIVE}], Permanent),
        (401, {"ErrorCode": 10, "Message": "No server token"}, Misconfigured),
        (422, {"ErrorCode": 300, "Message": "Invalid marie@example.com"}, Permanent),
        (200, "accepted, probably", Unknown),
        (200, [], Unknown),
    ],
)
def test_what_a_provider_refuses_or_mumbles(
    status: int, answer: Any, expected: type[Outcome], provider: Provider, settings: Any
) -> None:
    provider.status, provider.answer = status, answer
    outcome = by("postmark", settings)
    assert isinstance(outcome, expected), outcome
    assert "example.com" not in getattr(outcome, "error", "")


def _form(provider: Provider) -> dict[str, list[str]]:
    if "multipart" not in provider.headers["content-type"]:
        return parse_qs(provider.body)
    parsed = email.parser.Parser().parsestr(
        f"Content-Type: {provider.headers['content-type']}\n\n{provider.body}"
    )
    parts: Any = parsed.get_payload()
    return {part.get_param("name", header="content-disposition"): [part.get_payload()] for part in parts}
