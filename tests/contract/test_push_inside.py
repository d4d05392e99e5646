"""An endpoint that leads into our own network, by its host or by what DNS says of it: nothing connects."""

import asyncio
import http.server
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from notifications.channels.network import Answer, Client, Lost
from notifications.channels.public_addresses import PublicResolver
from notifications.channels.push import PushChannel
from notifications.errors import Permanent, Transient
from notifications.message import PushTarget
from notifications.models import PushSubscription
from notifications.push_hosts import EndpointError
from notifications.push_subscriptions import NewSubscription, subscribe, subscribe_many
from sandbox.testing import SandboxServer
from tests.contract.calls import deliver, message, target


class Inside(http.server.ThreadingHTTPServer):
    """A service of our own network, which notes who called."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Inside

    def do_POST(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(201)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


class Lying(AbstractResolver):
    """DNS of somebody who wants us to call our own network. `answers` are given in turn."""

    def __init__(self, *answers: str) -> None:
        self.answers, self.asked = list(answers), 0

    async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> list[ResolveResult]:
        self.asked += 1
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            ResolveResult(hostname=host, host=one, port=port, family=socket.AF_INET, proto=0, flags=0)
            for one in found.split()
        ]

    async def close(self) -> None: ...


@pytest.fixture
def inside() -> Iterator[Inside]:
    with Inside() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def post(inside: Inside, resolver: AbstractResolver) -> Answer | Lost:
    async def call() -> Answer | Lost:
        client = Client(width=1, timeout=5, resolver=lambda: resolver)
        try:
            return await client.post(f"http://push.example:{inside.server_port}/x", headers={}, body=b"")
        except Lost as lost:
            return lost
        finally:
            await client.close()

    return asyncio.run(call())


def test_a_name_that_leads_to_this_machine_is_not_called(inside: Inside) -> None:
    lost = post(inside, PublicResolver(Lying("127.0.0.1")))
    assert isinstance(lost, Lost)
    assert isinstance(lost.outcome, Transient)
    assert (lost.outcome.code, inside.asked) == ("dns", [])
    assert isinstance(post(inside, Lying("127.0.0.1")), Answer), "the control: without the guard it is"
    assert inside.asked == ["/x"]


def test_a_name_that_answers_differently_a_moment_later_gains_nothing(inside: Inside) -> None:
    """The one answer that is looked at is the one that is connected to; the second is never asked for."""
    dns = Lying("127.0.0.1 10.0.0.1", "127.0.0.1")
    assert isinstance(post(inside, PublicResolver(dns)), Lost)
    assert (dns.asked, inside.asked) == (1, [])


def test_of_several_addresses_only_public_ones_are_left() -> None:
    found = asyncio.run(
        PublicResolver(Lying("127.0.0.1 142.250.1.95 169.254.169.254")).resolve("push.example", 443)
    )
    assert [entry["host"] for entry in found] == ["142.250.1.95"]


def test_a_listed_name_that_leads_to_this_machine_is_not_called_by_the_channel(
    sandbox: SandboxServer, settings: Any
) -> None:
    settings.POSTROOM_MODE = "live"
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "PUSH_HOSTS": ("localhost",)}
    made = target(sandbox.url)
    there = PushTarget("s1", "https://localhost/x", made.p256dh, made.auth)
    outcome = deliver(PushChannel(), message("push", sandbox.url, there))
    assert isinstance(outcome, Transient)
    assert outcome.code == "dns"


def test_in_live_mode_the_sandbox_is_refused_at_the_call(sandbox: SandboxServer, settings: Any) -> None:
    settings.POSTROOM_MODE = "live"
    outcome = deliver(PushChannel(), message("push", sandbox.url))
    assert isinstance(outcome, Permanent)
    assert outcome.code == "endpoint_refused"
    assert sandbox.url not in outcome.error
    assert sandbox.messages() == []


@pytest.mark.django_db
def test_a_subscription_of_another_host_is_not_kept_nor_any_beside_it(sandbox: SandboxServer) -> None:
    good = target(sandbox.url)
    rows = [
        NewSubscription("customer:1", good.endpoint, good.p256dh, good.auth),
        NewSubscription("customer:2", "https://169.254.169.254/latest/", good.p256dh, good.auth),
    ]
    with pytest.raises(EndpointError):
        subscribe_many(rows)
    with pytest.raises(EndpointError):
        subscribe(recipient_key="customer:3", endpoint="https://evil.example/x", p256dh="x", auth="y")
    assert not PushSubscription.objects.exists()
