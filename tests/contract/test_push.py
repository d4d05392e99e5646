"""What only push has: several browsers a person, a signature a service, bodies that are too long, browsers that die."""

import base64
import http.server
import json
import threading
import time
from dataclasses import replace
from typing import Any

import pytest
import time_machine

from notifications.channels import vapid
from notifications.channels.push import PushChannel, _encrypted
from notifications.errors import Misconfigured, Outcome, Permanent, Sent, Transient, Unknown
from notifications.message import Message, PushTarget, Rendered
from sandbox.testing import SandboxServer
from tests.contract.calls import deliver, deliver_in_turn, message, target


def with_body(url: str, body: str) -> Message:
    return replace(
        message("push", url), rendered=Rendered("en", {"title": "Pick-up", "body": body, "url": ""})
    )


def test_a_body_that_is_too_long_is_cut_once_and_arrives(sandbox: SandboxServer) -> None:
    assert isinstance(deliver("push", with_body(sandbox.url, "é" * 4000)), Sent)
    (received,) = sandbox.messages()
    body = json.loads(sandbox.message(received["id"])["content"]["raw"])["body"]
    assert body == "é" * 159 + "…"
    assert sandbox.stats()["providers"]["webpush"]["answers"] == {"201": 1, "413": 1}


def test_a_service_that_finds_the_short_one_too_long_too_is_not_asked_again(sandbox: SandboxServer) -> None:
    sandbox.behave("webpush", status=413)
    assert isinstance(deliver("push", message("push", sandbox.url)), Permanent)
    assert sandbox.stats()["providers"]["webpush"]["answers"] == {"413": 2}


def test_the_browsers_of_a_person_are_called_at_once(sandbox: SandboxServer) -> None:
    sandbox.behave("webpush", latency_ms=300)
    targets = [target(sandbox.url, f"s{n}") for n in range(8)]
    began = time.monotonic()
    outcome = deliver("push", message("push", sandbox.url, *targets))
    assert isinstance(outcome, Sent)
    assert outcome.detail["accepted"] == sorted(one.subscription_id for one in targets)
    assert time.monotonic() - began < 4 * 0.3  # one after the other: 8 × 0.3


def test_a_bug_at_one_browser_leaves_what_the_others_answered(
    sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, broken = target(sandbox.url, "good"), target(sandbox.url, "broken")

    def encrypt(one: PushTarget, text: bytes) -> bytes:
        if one == broken:
            raise ZeroDivisionError
        return _encrypted(one, text)

    monkeypatch.setattr("notifications.channels.push._encrypted", encrypt)
    outcome = deliver("push", message("push", sandbox.url, broken, good))
    assert isinstance(outcome, Sent)
    assert outcome.detail["accepted"] == ["good"]
    assert isinstance(deliver("push", message("push", sandbox.url, broken)), Unknown)


@pytest.mark.parametrize("point", [b"\x04" + b"\x01" * 64, b"\x04" * 64, b""])
def test_keys_that_are_none_refuse_the_message_for_good(point: bytes, sandbox: SandboxServer) -> None:
    made = replace(target(sandbox.url), p256dh=base64.urlsafe_b64encode(point).decode())
    outcome = deliver("push", message("push", sandbox.url, made))
    assert isinstance(outcome, Permanent), outcome
    assert outcome.code == "keys"


def test_one_signature_serves_a_push_service_until_it_is_half_spent(settings: Any) -> None:
    sign = vapid.VapidHeaders()
    with time_machine.travel("2026-11-23T12:00:00+00:00", tick=False) as clock:
        first = sign("https://a.example")
        assert sign("https://a.example") == first
        assert sign("https://b.example") != first
        clock.shift(vapid.RENEW_AFTER + 1)
        second = sign("https://a.example")
        assert second != first
        claims = json.loads(base64.urlsafe_b64decode(second.split(".")[1] + "=="))
        assert claims["aud"] == "https://a.example"
        assert claims["sub"] == settings.VAPID_SUBJECT
        assert 0 < claims["exp"] - time.time() <= 24 * 3600


def test_a_redirect_is_not_followed(sandbox: SandboxServer, settings: Any) -> None:
    """An endpoint came from a browser: it must not lead us into our own network."""
    asked: list[str] = []

    class Redirect(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(307)
            self.send_header("Location", "/inside")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Redirect) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        made = target(sandbox.url)
        there = PushTarget("s1", f"http://127.0.0.1:{server.server_port}/outside", made.p256dh, made.auth)
        outcome = deliver("push", message("push", sandbox.url, there))
        server.shutdown()
    assert isinstance(outcome, Permanent)
    assert (outcome.code, asked) == ("307", ["/outside"])


def test_a_dead_browser_that_apple_answers_403_for_pauses_nothing_while_others_accept(
    sandbox: SandboxServer,
) -> None:
    dead, alive = target(sandbox.url, "dead"), target(sandbox.url, "alive")
    sandbox.end_subscription(dead.endpoint, status=403)
    wanted = [message("push", sandbox.url, one) for one in (alive, dead)]
    outcomes: list[Outcome] = deliver_in_turn(PushChannel(), wanted)
    assert [type(outcome) for outcome in outcomes] == [Sent, Transient]
    assert outcomes[1].detail["refused"] == [dead.endpoint]
    # Nobody is known to take our key: it may be the key, and the channel waits.
    assert isinstance(deliver("push", message("push", sandbox.url, dead)), Misconfigured)
    # The database knows that somebody took it today.
    proven = replace(dead, key_works=True)
    assert isinstance(deliver("push", message("push", sandbox.url, proven)), Transient)
    # Both browsers of one person: the message arrived.
    assert isinstance(deliver("push", message("push", sandbox.url, alive, dead)), Sent)
