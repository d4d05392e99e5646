"""One sandbox for these tests, emptied before each, and a receiver of webhooks. No database, no Django."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
import requests

from sandbox import keys
from sandbox.testing import SandboxServer

Send = Callable[..., requests.Response]


@pytest.fixture(scope="session")
def shared_server() -> Iterator[SandboxServer]:
    with SandboxServer() as server:
        yield server


@pytest.fixture
def server(shared_server: SandboxServer) -> SandboxServer:
    shared_server.reset()
    return shared_server


@pytest.fixture
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def mail(**changes: Any) -> dict[str, Any]:
    """A valid Mail Send request, with parts replaced; None takes a part away."""
    message: dict[str, Any] = {
        "personalizations": [
            {"to": [{"email": "ada@example.com"}], "custom_args": {"notification_id": "n-1"}}
        ],
        "from": {"email": "rentals@example.com", "name": "Fundy Rentals"},
        "subject": "Pickup tomorrow",
        "content": [
            {"type": "text/plain", "value": "At 7:30."},
            {"type": "text/html", "value": "<p>At 7:30.</p>"},
        ],
    }
    return {name: value for name, value in {**message, **changes}.items() if value is not None}


@pytest.fixture
def send_mail(server: SandboxServer, http: requests.Session) -> Send:
    def send(message: Any = None, *, key: str | None = None, **changes: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {key or keys.sendgrid_api_key()}"}
        body = mail(**changes) if message is None else message
        return http.post(f"{server.url}/sendgrid/v3/mail/send", json=body, headers=headers, timeout=10)

    return send


@pytest.fixture
def send_sms(server: SandboxServer, http: requests.Session) -> Send:
    def send(**changes: Any) -> requests.Response:
        form = {"To": "+15062345678", "From": keys.TWILIO_FROM, "Body": "Your excavator is ready.", **changes}
        sid = keys.twilio_account_sid()
        url = f"{server.url}/twilio/2010-04-01/Accounts/{sid}/Messages.json"
        auth = (sid, keys.twilio_auth_token())
        return http.post(url, data={k: v for k, v in form.items() if v is not None}, auth=auth, timeout=10)

    return send


@dataclass
class Posted:
    """One webhook as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """A local server that takes webhooks; it answers with `statuses` in turn, then with 200, and says `answer`."""

    url: str = ""
    posted: list[Posted] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    answer: str = "thank you"

    def wait(self, count: int, seconds: float = 10) -> list[Posted]:
        """The first `count` posts; fails if they do not arrive in time."""
        deadline = time.monotonic() + seconds
        while len(self.posted) < count:
            assert time.monotonic() < deadline, f"{len(self.posted)} of {count} webhooks arrived"
            time.sleep(0.01)
        return self.posted[:count]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    result = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            result.posted.append(Posted(self.path, dict(self.headers), body))
            self.send_response(result.statuses.pop(0) if result.statuses else 200)
            self.end_headers()
            self.wfile.write(result.answer.encode())

        do_GET = do_POST  # noqa: N815 - a test may want to know that nobody looked

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        result.url = f"http://127.0.0.1:{httpd.server_port}"
        thread = Thread(target=httpd.serve_forever, daemon=True)
        thread.start()
        yield result
        httpd.shutdown()
        thread.join()
