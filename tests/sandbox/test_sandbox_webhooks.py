"""The webhooks of SendGrid and Twilio, verified as a receiver would verify them."""

import base64
import json
import time
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key
from twilio.request_validator import RequestValidator

from sandbox import keys
from sandbox.testing import SandboxError, SandboxServer
from tests.sandbox.conftest import Posted, Receiver, Send


def verify_events(posted: Posted, body: bytes | None = None) -> None:
    """SendGrid's verification, with the key in the form its console gives."""
    public = load_der_public_key(base64.b64decode(keys.sendgrid_webhook_public_key()))
    assert isinstance(public, ec.EllipticCurvePublicKey)
    signature = base64.b64decode(posted.headers["X-Twilio-Email-Event-Webhook-Signature"])
    timestamp = posted.headers["X-Twilio-Email-Event-Webhook-Timestamp"]
    assert abs(int(timestamp) - time.time()) < 10
    public.verify(
        signature, timestamp.encode() + (posted.body if body is None else body), ec.ECDSA(hashes.SHA256())
    )


def form_of(posted: Posted, url: str) -> dict[str, str]:
    """The form of a Twilio webhook, after Twilio's own validator has passed it."""
    form = dict(parse_qsl(posted.body.decode(), keep_blank_values=True))
    assert RequestValidator(keys.twilio_auth_token()).validate(
        url, form, posted.headers["X-Twilio-Signature"]
    )
    return form


def events_of(receiver: Receiver, posts: int) -> list[dict[str, Any]]:
    return [event for posted in receiver.wait(posts) for event in posted.json]


def test_accepted_mail_is_reported_with_our_arguments(
    server: SandboxServer, send_mail: Send, receiver: Receiver
) -> None:
    server.webhooks(sendgrid={"url": f"{receiver.url}/events", "enabled": True, "delay_ms": 1})
    reference = send_mail(custom_args={"event": "forged", "job": "reminders"}, categories=["c"]).headers[
        "X-Message-Id"
    ]
    (posted,) = receiver.wait(1)
    verify_events(posted)
    processed, delivered = posted.json
    assert (processed["event"], delivered["event"]) == ("processed", "delivered")
    assert (delivered["email"], delivered["notification_id"], delivered["job"]) == (
        "ada@example.com",
        "n-1",
        "reminders",
    )
    assert delivered["sg_message_id"].split(".")[0] == reference
    assert delivered["category"] == ["c"]
    assert processed["sg_event_id"] != delivered["sg_event_id"]
    assert server.messages()[0]["events"] == ["processed", "delivered"]


def test_a_changed_body_does_not_verify(server: SandboxServer, send_mail: Send, receiver: Receiver) -> None:
    server.webhooks(sendgrid={"url": receiver.url, "enabled": True, "delay_ms": 1})
    send_mail()
    (posted,) = receiver.wait(1)
    with pytest.raises(InvalidSignature):
        verify_events(posted, posted.body + b" ")


def test_every_recipient_gets_an_event(server: SandboxServer, send_mail: Send, receiver: Receiver) -> None:
    server.webhooks(sendgrid={"url": receiver.url, "enabled": True, "events": ["delivered"]})
    send_mail(personalizations=[{"to": [{"email": "a@example.com"}], "bcc": [{"email": "b@example.com"}]}])
    assert {event["email"] for event in events_of(receiver, 1)} == {"a@example.com", "b@example.com"}


def test_rules_choose_who_bounces(server: SandboxServer, send_mail: Send, receiver: Receiver) -> None:
    rules = [{"match": "*@gone.example", "events": ["processed", "bounce"]}]
    server.webhooks(
        sendgrid={
            "url": receiver.url,
            "enabled": True,
            "events": ["delivered"],
            "delay_ms": 1,
            "rules": rules,
        }
    )
    send_mail(personalizations=[{"to": [{"email": email}]} for email in ("a@gone.example", "b@example.com")])
    events = events_of(receiver, 1)
    assert sorted((event["email"], event["event"]) for event in events) == [
        ("a@gone.example", "bounce"), ("a@gone.example", "processed"), ("b@example.com", "delivered"),
    ]  # fmt: skip
    bounce = next(event for event in events if event["event"] == "bounce")
    assert (bounce["type"], bounce["status"]) == ("bounce", "5.1.1")


@pytest.mark.parametrize(
    "event", ["dropped", "spamreport", "unsubscribe", "open", "click", "deferred", "blocked"]
)
def test_any_event_can_be_sent_by_hand(
    event: str, server: SandboxServer, send_mail: Send, receiver: Receiver
) -> None:
    server.webhooks(sendgrid={"url": receiver.url})
    send_mail()
    server.report(server.messages()[0]["id"], event, details={"reason": "by hand"})
    (posted,) = receiver.wait(1)
    verify_events(posted)
    assert posted.json[0]["event"] == {"blocked": "bounce"}.get(event, event)
    assert posted.json[0]["reason"] == "by hand"


def test_copies_repeat_an_event_under_its_own_id(
    server: SandboxServer, send_mail: Send, receiver: Receiver
) -> None:
    server.webhooks(
        sendgrid={"url": receiver.url, "enabled": True, "events": ["delivered"], "copies": 3, "delay_ms": 1}
    )
    send_mail()
    events = events_of(receiver, 1)
    assert len(events) == 3
    assert len({event["sg_event_id"] for event in events}) == 1


def test_a_refused_batch_is_sent_again(server: SandboxServer, send_mail: Send, receiver: Receiver) -> None:
    receiver.statuses = [503]
    server.webhooks(sendgrid={"url": receiver.url, "enabled": True, "events": ["delivered"], "delay_ms": 1})
    send_mail()
    first, second = receiver.wait(2)
    verify_events(second)
    assert first.body == second.body


def test_a_secret_in_the_address_becomes_basic_authorization(
    server: SandboxServer, send_mail: Send, receiver: Receiver
) -> None:
    url = receiver.url.replace("http://", "http://user:s%2Fecret@")
    server.webhooks(sendgrid={"url": url, "enabled": True, "delay_ms": 1})
    send_mail()
    (posted,) = receiver.wait(1)
    assert base64.b64decode(posted.headers["Authorization"].removeprefix("Basic ")) == b"user:s/ecret"


def test_status_callbacks_go_to_the_messages_own_address(
    server: SandboxServer, send_sms: Send, receiver: Receiver
) -> None:
    server.webhooks(twilio={"enabled": True, "delay_ms": 30})
    url = f"{receiver.url}/status?notification_id=n-1"
    sid = send_sms(StatusCallback=url).json()["sid"]
    posts = receiver.wait(2)
    assert {posted.path for posted in posts} == {urlsplit(url).path + "?" + urlsplit(url).query}
    forms = {form["MessageStatus"]: form for form in (form_of(posted, url) for posted in posts)}
    assert forms.keys() == {"sent", "delivered"}  # a real receiver, too, may see them in either order
    assert {form["MessageSid"] for form in forms.values()} == {sid}
    assert "ErrorCode" not in forms["delivered"]
    assert server.messages()[0]["events"] == ["sent", "delivered"]
    assert parse_qs(urlsplit(posts[0].path).query)["notification_id"] == ["n-1"]


def test_a_text_message_may_fail_later(server: SandboxServer, send_sms: Send, receiver: Receiver) -> None:
    rules = [{"match": "+1506*", "events": ["undelivered"], "error_code": 30003}]
    server.webhooks(twilio={"enabled": True, "delay_ms": 1, "rules": rules})
    url = f"{receiver.url}/status"
    send_sms(StatusCallback=url)
    form = form_of(receiver.wait(1)[0], url)
    assert (form["MessageStatus"], form["ErrorCode"]) == ("undelivered", "30003")


def test_no_callback_without_an_address_and_none_unless_told(
    server: SandboxServer, send_sms: Send, receiver: Receiver
) -> None:
    send_sms(StatusCallback=f"{receiver.url}/status")
    server.webhooks(twilio={"enabled": True, "delay_ms": 1})
    send_sms()
    send_sms(StatusCallback=f"{receiver.url}/last")
    assert {posted.path for posted in receiver.wait(2)} == {"/last"}


def test_a_customer_texts_stop(server: SandboxServer, receiver: Receiver) -> None:
    url = f"{receiver.url}/inbound"
    answer = server.inbound("+15062345678", "Stop", url, advanced_opt_out=True)
    form = form_of(receiver.wait(1)[0], url)
    assert (form["From"], form["To"], form["Body"], form["OptOutType"]) == (
        "+15062345678",
        keys.TWILIO_FROM,
        "Stop",
        "STOP",
    )
    assert (answer["status"], answer["body"], answer["keyword"]) == (200, "thank you", "STOP")
    server.inbound("+15062345678", "Hello", url, advanced_opt_out=True)
    assert "OptOutType" not in form_of(receiver.wait(2)[1], url)


def test_a_forged_form_does_not_verify(server: SandboxServer, receiver: Receiver) -> None:
    server.inbound("+15062345678", "STOP", receiver.url)
    (posted,) = receiver.wait(1)
    form = dict(parse_qsl(posted.body.decode())) | {"From": "+15062345679"}
    assert not RequestValidator(keys.twilio_auth_token()).validate(
        receiver.url, form, posted.headers["X-Twilio-Signature"]
    )


def test_nobody_but_this_machine_is_ever_called(server: SandboxServer, send_sms: Send) -> None:
    for url in ("http://example.com/hook", "https://127.0.0.1/hook", "http://10.0.0.1/", "ftp://127.0.0.1/"):
        with pytest.raises(SandboxError):
            server.webhooks(sendgrid={"url": url, "enabled": True})
        with pytest.raises(SandboxError):
            server.inbound("+15062345678", "STOP", url)
    server.webhooks(twilio={"enabled": True, "delay_ms": 1, "events": ["sent"]})
    send_sms(StatusCallback="http://example.com/status")
    deadline = time.monotonic() + 10
    while not server.webhooks()["recent"] and time.monotonic() < deadline:
        time.sleep(0.01)
    outcome = server.webhooks()["recent"][0]
    assert outcome["status"] == 0
    assert "is not this machine" in outcome["body"]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ({"sendgrid": {"enabled": True}}, "needs the url"),
        ({"sendgrid": {"events": ["exploded"]}}, "events must be a list out of"),
        ({"twilio": {"events": ["bounce"]}}, "events must be a list out of"),
        ({"twilio": {"colour": "red"}}, "unknown field 'colour'"),
        ({"twilio": {"copies": 0}}, "between 1 and 50"),
        ({"twilio": {"rules": [{"events": ["sent"]}]}}, "rules must be a list"),
        ({"stripe": {"enabled": True}}, "'stripe' has no webhooks"),
    ],
)
def test_a_script_that_cannot_be_is_refused(
    script: dict[str, Any], words: str, server: SandboxServer
) -> None:
    with pytest.raises(SandboxError, match=words):
        server.webhooks(**script)


def test_an_event_that_cannot_be_is_refused(server: SandboxServer, send_mail: Send, send_sms: Send) -> None:
    send_mail()
    number = server.messages()[0]["id"]
    with pytest.raises(SandboxError, match="no webhook url"):
        server.report(number, "bounce")
    with pytest.raises(SandboxError, match="has no event 'exploded'"):
        server.report(number, "exploded")
    with pytest.raises(SandboxError, match="no such message"):
        server.report(number + 1, "bounce")
    send_sms()
    with pytest.raises(SandboxError, match="without a StatusCallback"):
        server.report(server.messages()[0]["id"], "sent")
    assert json.dumps(server.messages()[0]["events"]) == "[]"
