"""What every channel promises, run against each one and the provider's protocol. A new channel joins by one line below."""

import datetime as dt
import json
import socket
import uuid
from dataclasses import replace
from typing import Any

import pytest

from consent.models import Channel as Name
from notifications.channels.registry import CHANNELS
from notifications.errors import Misconfigured, Outcome, Permanent, Sent, Transient, Unknown
from notifications.message import Message, PushTarget, Rendered
from sandbox import push_keys
from sandbox.testing import SandboxServer

# name → (the sandbox's provider, the settings that hold its key)
NETWORK = {"email": "sendgrid", "sms": "twilio", "push": "webpush"}
PARTS = {
    "email": {"subject": "Pick-up today", "text": "Hello & welcome", "html": "<p>Hello &amp; welcome</p>"},
    "sms": {"text": "Pick-up today"},
    "push": {"title": "Pick-up today", "body": "Hello", "url": "https://rental.example/b/1"},
    "inapp": {"title": "Pick-up today", "message": "Hello", "action_url": "", "cta_label": ""},
}


def message(channel: str, url: str) -> Message:
    made = push_keys.subscription(str(uuid.uuid4()), url)
    return Message(
        id=uuid.uuid4(),
        channel=channel,
        category="reminder",
        recipient_key="customer:1",
        rendered=Rendered("en", PARTS[channel]),
        address={"email": "marie@example.com", "sms": "+15065550123"}.get(channel, made["endpoint"]),
        recipient_name="Marie Léger",
        push_targets=(PushTarget("s1", made["endpoint"], made["keys"]["p256dh"], made["keys"]["auth"]),),
        sandbox=True,
    )


def deliver(channel: str, wanted: Message) -> Outcome:
    adapter = CHANNELS[channel]()
    try:
        return adapter.deliver(wanted)
    finally:
        adapter.close()


def test_every_channel_of_the_blueprint_is_in_the_table() -> None:
    assert set(CHANNELS) == set(Name.values)
    assert all(CHANNELS[name].name == name for name in CHANNELS)


@pytest.mark.parametrize("channel", NETWORK)
def test_an_accepted_message_is_sent_once_with_a_reference(channel: str, sandbox: SandboxServer) -> None:
    wanted = message(channel, sandbox.url)
    outcome = deliver(channel, wanted)
    assert isinstance(outcome, Sent)
    assert outcome.reference
    (received,) = sandbox.messages()
    assert received["notification_id"] == str(wanted.id)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"status": 429, "retry_after": 30}, Transient),
        ({"status": 500}, Transient),
        ({"status": 503}, Transient),
        ({"hang_up": True, "accept_first": True}, Unknown),
        ({"hang_up": True}, Unknown),
    ],
)
@pytest.mark.parametrize("channel", NETWORK)
def test_each_fault_of_a_provider_has_its_outcome(
    channel: str, fault: dict[str, Any], expected: type[Outcome], sandbox: SandboxServer
) -> None:
    sandbox.behave(NETWORK[channel], **fault)
    outcome = deliver(channel, message(channel, sandbox.url))
    assert isinstance(outcome, expected), outcome


@pytest.mark.parametrize("channel", ["email", "push"])
def test_a_retry_after_reaches_the_outcome(channel: str, sandbox: SandboxServer) -> None:
    sandbox.behave(NETWORK[channel], status=429, retry_after=30)
    outcome = deliver(channel, message(channel, sandbox.url))
    assert isinstance(outcome, Transient)
    assert outcome.retry_after is not None
    assert dt.timedelta(seconds=25) <= outcome.retry_after <= dt.timedelta(seconds=31)


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
    bad = replace(
        bad, address={"email": "a" * 400 + "@example.com", "sms": "+15005550001"}.get(channel, bad.address)
    )
    if channel == "push":
        sandbox.end_subscription(bad.push_targets[0].endpoint)
    outcome = deliver(channel, bad)
    assert isinstance(outcome, Permanent), outcome
    assert bad.address not in outcome.error
    assert "example.com" not in outcome.error


@pytest.mark.parametrize(
    ("number", "code", "why"),
    [
        ("+15005550001", "21211", "invalid"),
        ("+15005550004", "21610", "opted_out"),
        ("+15005550009", "21614", "landline"),
    ],
)
def test_twilio_says_which_numbers_are_dead(number: str, code: str, why: str, sandbox: SandboxServer) -> None:
    outcome = deliver("sms", replace(message("sms", sandbox.url), address=number))
    assert isinstance(outcome, Permanent)
    assert (outcome.code, outcome.address_dead) == (code, why)


@pytest.mark.parametrize("number", ["+15005550002", "+15005550003"])
def test_an_unroutable_pair_refuses_the_message_and_not_the_number(
    number: str, sandbox: SandboxServer
) -> None:
    outcome = deliver("sms", replace(message("sms", sandbox.url), address=number))
    assert isinstance(outcome, Permanent)
    assert outcome.address_dead == ""


def test_a_bug_in_an_adapter_is_an_unknown_outcome_and_not_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    adapter = CHANNELS["sms"]()

    def fail(_: Message) -> Outcome:
        raise ZeroDivisionError("marie@example.com")

    monkeypatch.setattr(adapter, "deliver_one", fail)
    outcome = adapter.deliver(message("sms", "http://127.0.0.1:1"))
    assert isinstance(outcome, Unknown)
    assert (outcome.code, outcome.error) == ("ZeroDivisionError", "[e-mail]")


def test_the_mail_has_both_parts_one_recipient_and_the_id_per_recipient(sandbox: SandboxServer) -> None:
    wanted = replace(message("email", sandbox.url), unsubscribe_url="https://rental.example/u/token")
    deliver("email", wanted)
    content = sandbox.message(sandbox.messages()[0]["id"])["content"]
    assert content["text"] == PARTS["email"]["text"]
    assert content["to"] == [{"email": "marie@example.com", "name": "Marie Léger"}]
    assert content["custom_args"]["notification_id"] == str(wanted.id)
    assert content["headers"]["List-Unsubscribe"] == "<https://rental.example/u/token>"
    assert content["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


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
    from notifications.channels.email import EmailChannel

    settings.ANYMAIL = {**settings.ANYMAIL, "SENDGRID_API_URL": url}
    built = EmailChannel()._build(message("email", "http://127.0.0.1:1"))
    assert _is_flagged(built) is flagged
    live = EmailChannel()._build(replace(message("email", "http://127.0.0.1:1"), sandbox=False))
    assert not _is_flagged(live)


def _is_flagged(mail: Any) -> bool:
    extra = mail.esp_extra if isinstance(mail.esp_extra, dict) else {}
    return bool(extra.get("mail_settings", {}).get("sandbox_mode", {}).get("enable", False))
