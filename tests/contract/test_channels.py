"""What every channel promises, run against each one and the provider's protocol. A new channel joins by one line in `calls`."""

import asyncio
import datetime as dt
import email.utils
import json
import socket
import time
from dataclasses import replace
from typing import Any

import pytest

from consent.models import Channel as Name
from notifications.channels import network
from notifications.channels.base import Channel
from notifications.channels.email import EmailChannel
from notifications.channels.mail import as_mail, sendgrid_payload
from notifications.channels.registry import CHANNELS
from notifications.errors import Misconfigured, Outcome, Permanent, Sent, Transient, Unknown
from notifications.message import Message
from sandbox.testing import SandboxServer
from tests.contract.calls import NETWORK, PARTS, deliver, message, network_channel


def test_every_channel_of_the_blueprint_is_in_the_table() -> None:
    assert set(CHANNELS) == set(Name.values)
    assert all(CHANNELS[name].name == name for name in CHANNELS)


def test_a_provider_is_named_without_a_connection_or_a_loop(settings: Any) -> None:
    settings.EMAIL_BACKEND = "anymail.backends.postmark.EmailBackend"
    names = {"email": "postmark", "sms": "twilio", "push": "webpush", "inapp": "inbox"}
    assert {name: CHANNELS[name].provider for name in CHANNELS} == names
    assert {name: CHANNELS[name]().provider for name in CHANNELS} == names


@pytest.mark.parametrize("channel", NETWORK)
def test_an_accepted_message_is_sent_once_with_a_reference(channel: str, sandbox: SandboxServer) -> None:
    wanted = message(channel, sandbox.url)
    outcome = deliver(channel, wanted)
    assert isinstance(outcome, Sent)
    assert outcome.reference
    (received,) = sandbox.messages()
    assert received["notification_id"] == str(wanted.id)


@pytest.mark.parametrize("channel", NETWORK)
def test_many_calls_share_one_channel_and_its_connections(channel: str, sandbox: SandboxServer) -> None:
    wanted = [message(channel, sandbox.url) for _ in range(40)]

    async def calls() -> list[Outcome]:
        adapter = network_channel(channel)
        try:
            return await asyncio.gather(*(adapter.deliver(one) for one in wanted))
        finally:
            await adapter.close()

    outcomes = asyncio.run(calls())
    assert all(isinstance(outcome, Sent) for outcome in outcomes), outcomes
    assert {entry["notification_id"] for entry in sandbox.messages()} == {str(one.id) for one in wanted}


@pytest.mark.parametrize("accept_first", [True, False])
@pytest.mark.parametrize("channel", NETWORK)
def test_a_provider_that_hangs_up_leaves_the_outcome_unknown(
    channel: str, accept_first: bool, sandbox: SandboxServer
) -> None:
    sandbox.behave(NETWORK[channel], hang_up=True, accept_first=accept_first)
    outcome = deliver(channel, message(channel, sandbox.url))
    assert isinstance(outcome, Unknown), outcome
    assert outcome.code == "connection_lost"


@pytest.mark.parametrize("channel", NETWORK)
def test_an_answer_that_does_not_come_in_time_leaves_the_outcome_unknown(
    channel: str, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.behave(NETWORK[channel], latency_ms=3000)
    for module in ("anymail_http", "sms", "push"):
        monkeypatch.setattr(f"notifications.channels.{module}.TIMEOUT", 0.2)
    outcome = deliver(channel, message(channel, sandbox.url))
    assert isinstance(outcome, Unknown), outcome
    assert outcome.code == "timeout"


@pytest.mark.parametrize("channel", NETWORK)
def test_a_provider_that_cannot_be_reached_was_not_sent_anything(
    channel: str, sandbox: SandboxServer, settings: Any
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{probe.getsockname()[1]}"
    settings.ANYMAIL = {**settings.ANYMAIL, "SENDGRID_API_URL": f"{nowhere}/v3/"}
    settings.TWILIO_API_URL = nowhere
    outcome = deliver(channel, message(channel, nowhere))
    assert isinstance(outcome, Transient), outcome
    assert outcome.code == "connect"


@pytest.mark.parametrize("channel", NETWORK)
def test_a_call_that_gets_no_connection_in_time_was_not_sent_anything(
    channel: str, sandbox: SandboxServer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.behave(NETWORK[channel], latency_ms=1000)
    monkeypatch.setattr(network, "CONNECT", 0.2)
    monkeypatch.setattr("notifications.channels.push.BROWSERS", 1)
    monkeypatch.setattr("notifications.channels.email.EXTRA", 0)
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "CONCURRENCY": 1}

    async def calls() -> list[Outcome]:
        adapter = network_channel(channel)
        try:
            return await asyncio.gather(*(adapter.deliver(message(channel, sandbox.url)) for _ in range(2)))
        finally:
            await adapter.close()

    first, second = asyncio.run(calls())
    assert isinstance(first, Sent)
    assert isinstance(second, Transient), second
    assert second.code == "connect_timeout"
    assert len(sandbox.messages()) == 1


WAITS = {
    "seconds": lambda: {"Retry-After": "30"},
    "a date": lambda: {"Retry-After": email.utils.formatdate(time.time() + 30, usegmt=True)},
    "the window's end": lambda: {"X-RateLimit-Reset": str(int(time.time()) + 30)},
}


@pytest.mark.parametrize("form", WAITS)
@pytest.mark.parametrize("channel", NETWORK)
def test_the_wait_that_a_provider_asks_for_reaches_the_outcome(
    channel: str, form: str, sandbox: SandboxServer
) -> None:
    status = 503 if channel == "email" else 429  # SendGrid's 429 has headers of its own
    sandbox.behave(NETWORK[channel], status=status, headers=WAITS[form]())
    outcome = deliver(channel, message(channel, sandbox.url))
    assert isinstance(outcome, Transient)
    assert outcome.retry_after is not None
    assert dt.timedelta(seconds=25) <= outcome.retry_after <= dt.timedelta(seconds=31)


def test_sendgrids_own_limit_names_the_end_of_the_window(sandbox: SandboxServer) -> None:
    sandbox.behave("sendgrid", status=429, retry_after=90_000)
    outcome = deliver("email", message("email", sandbox.url))
    assert isinstance(outcome, Transient)
    assert outcome.retry_after == dt.timedelta(days=1)  # at most


@pytest.mark.parametrize("channel", NETWORK)
def test_a_wrong_key_is_our_fault_and_not_the_messages(
    channel: str, sandbox: SandboxServer, settings: Any
) -> None:
    settings.ANYMAIL = {**settings.ANYMAIL, "SENDGRID_API_KEY": "SG.wrong"}
    settings.TWILIO_AUTH_TOKEN = "0" * 32
    settings.VAPID_PRIVATE_KEY = "AQ" * 21 + "A"
    outcome = deliver(channel, message(channel, sandbox.url))
    assert isinstance(outcome, Misconfigured), outcome


@pytest.mark.parametrize("channel", NETWORK)
def test_no_address_is_left_in_an_error(channel: str, sandbox: SandboxServer) -> None:
    bad = message(channel, sandbox.url)
    wrong = {"email": "a" * 400 + "@example.com", "sms": "+15005550001"}
    bad = replace(bad, address=wrong.get(channel, bad.address))
    secrets = [bad.address, *(one.endpoint for one in bad.push_targets)]
    if channel == "push":
        sandbox.end_subscription(bad.push_targets[0].endpoint)
    outcome = deliver(channel, bad)
    assert isinstance(outcome, Permanent), outcome
    assert outcome.error
    assert not any(secret in outcome.error for secret in secrets if secret)
    assert "example.com" not in outcome.error


def test_a_bug_in_an_adapter_is_an_unknown_outcome_and_not_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    adapter = network_channel("sms")

    async def fail(_: Message) -> Outcome:
        raise ZeroDivisionError("marie@example.com")

    monkeypatch.setattr(adapter, "deliver_one", fail)
    outcome = deliver(adapter, message("sms", "http://127.0.0.1:1"))
    assert isinstance(outcome, Unknown)
    assert (outcome.code, outcome.error) == ("ZeroDivisionError", "[e-mail]")


def test_a_cancelled_call_is_no_outcome() -> None:
    class Slow(Channel):
        name = "slow"
        provider = "nobody"

        async def deliver_one(self, message: Message) -> Outcome:
            await asyncio.sleep(60)
            return Sent()

    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(Slow().deliver(message("sms", "")), 0.05))


def test_the_mail_has_both_parts_one_recipient_and_the_id_per_recipient(sandbox: SandboxServer) -> None:
    wanted = replace(message("email", sandbox.url), unsubscribe_url="https://rental.example/u/token")
    deliver("email", wanted)
    content = sandbox.message(sandbox.messages()[0]["id"])["content"]
    assert content["text"] == PARTS["email"]["text"]
    assert content["to"] == [{"email": "marie@example.com", "name": "Marie Léger"}]
    assert content["custom_args"]["notification_id"] == str(wanted.id)
    assert content["headers"]["List-Unsubscribe"] == "<https://rental.example/u/token>"
    assert content["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("Marie Léger", "marie@example.com"),
        ("", "o'neil+spam@sub.example.com"),
        ('Marie "Mac" \\ Léger,\r\n Bcc: x@example.com', "marie.l@example.com"),
        ("Marie", '"marie léger"@example.com'),
        ("Marie", "marie@exämple.com"),
    ],
)
def test_addresses_that_are_taken_apart_here_come_out_as_anymails_own_parsing_has_them(
    name: str, address: str, settings: Any
) -> None:
    from anymail.backends.sendgrid import EmailBackend

    backend = EmailBackend()
    wanted = replace(
        message("email", ""), recipient_name=name, address=address, unsubscribe_url="https://r.example/u/t"
    )
    ours, theirs = (
        json.loads(payload.serialize_data())
        for payload in (
            sendgrid_payload(backend, wanted),
            backend.build_message_payload(as_mail(wanted), backend.send_defaults),
        )
    )
    for payload in (ours, theirs):  # random
        del payload["personalizations"][0]["custom_args"]["anymail_id"]
    assert ours == theirs


def test_a_push_decrypts_in_the_browser_and_names_its_message(sandbox: SandboxServer) -> None:
    wanted = replace(message("push", sandbox.url), priority=0)
    deliver("push", wanted)
    content = sandbox.message(sandbox.messages()[0]["id"])["content"]
    read = json.loads(content["raw"])
    assert (read["id"], read["title"], read["url"]) == (str(wanted.id), "Pick-up today", PARTS["push"]["url"])
    assert content["urgency"] == "high"
    assert content["ttl"] == 86_400


@pytest.mark.parametrize(
    ("url", "flagged"), [("https://api.sendgrid.com/v3/", True), ("http://127.0.0.1:1/v3/", False)]
)
def test_sendgrids_own_sandbox_flag_is_set_on_its_real_api_only(
    url: str, flagged: bool, settings: Any
) -> None:
    from anymail.backends.sendgrid import EmailBackend

    settings.ANYMAIL = {**settings.ANYMAIL, "SENDGRID_API_URL": url}

    def is_flagged(wanted: Message) -> bool:
        payload = json.loads(sendgrid_payload(EmailBackend(), wanted).serialize_data())
        return bool(payload.get("mail_settings", {}).get("sandbox_mode", {}).get("enable", False))

    assert is_flagged(message("email", "")) is flagged
    assert not is_flagged(replace(message("email", ""), sandbox=False))


@pytest.mark.parametrize(
    "backend", ["django.core.mail.backends.locmem.EmailBackend", "anymail.backends.test.EmailBackend"]
)
def test_backends_that_block_send_from_threads(backend: str, settings: Any) -> None:
    from django.core import mail

    settings.EMAIL_BACKEND = backend
    mail.outbox = []
    outcome = deliver(EmailChannel(), *(message("email", "") for _ in range(3)))
    assert isinstance(outcome, Sent), outcome
    if "locmem" in backend:
        assert [one.to for one in mail.outbox] == [['"Marie Léger" <marie@example.com>']] * 3
