"""Providers that are told to be slow, to refuse or to hang up do so, and what was accepted stays on
record."""

import json
import time
from typing import Any

import pytest
import requests
import stripe
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from sandbox import keys, push_keys
from sandbox.testing import SandboxError, SandboxServer
from tests.sandbox.conftest import Send, mail


def received(server: SandboxServer, provider: str) -> tuple[int, int]:
    """Messages accepted, and connections hung up on."""
    tally = server.stats()["providers"][provider]
    return tally["received"], tally["hung_up"]


def test_429_of_sendgrid_names_the_second_of_its_end(server: SandboxServer, send_mail: Send) -> None:
    server.behave("sendgrid", status=429, retry_after=30, times=1)
    refused = send_mail()
    assert (refused.status_code, refused.headers["X-RateLimit-Remaining"]) == (429, "0")
    assert 29 <= int(refused.headers["X-RateLimit-Reset"]) - time.time() <= 32
    assert refused.json()["errors"][0]["message"] == "too many requests"
    assert send_mail().status_code == 202


def test_429_of_the_others_carries_retry_after(
    server: SandboxServer, send_sms: Send, http: requests.Session
) -> None:
    for provider in ("twilio", "webpush", "stripe"):
        server.behave(provider, status=429, retry_after=7)
    sms = send_sms()
    assert (sms.status_code, sms.json()["code"], sms.headers["Retry-After"]) == (429, 20429, "7")
    endpoint = push_keys.subscription("a", server.url)["endpoint"]
    push = http.post(endpoint, timeout=10)
    assert (push.status_code, push.json()["errno"], push.headers["Retry-After"]) == (429, 201, "7")
    payouts = http.get(f"{server.url}/stripe/v1/payouts", timeout=10)
    assert (payouts.status_code, payouts.json()["error"]["code"], payouts.headers["Retry-After"]) == (
        429,
        "rate_limit",
        "7",
    )


def test_the_libraries_understand_the_faults(server: SandboxServer) -> None:
    server.behave("twilio", status=503)
    server.behave("stripe", status=500)
    http_client = TwilioHttpClient(timeout=10)
    twilio = Client(keys.twilio_account_sid(), keys.twilio_auth_token(), http_client=http_client)
    twilio.api.base_url = f"{server.url}/twilio"
    with pytest.raises(TwilioRestException) as raised:
        twilio.messages.create(to="+15062345678", from_=keys.TWILIO_FROM, body="Ready")
    assert (raised.value.status, raised.value.code) == (503, 20503)
    http_client.session.close()
    stripe_http = stripe.RequestsClient(timeout=10)
    client = stripe.StripeClient(
        keys.stripe_api_key(),
        base_addresses={"api": f"{server.url}/stripe"},
        http_client=stripe_http,
        max_network_retries=0,
    )
    with pytest.raises(stripe.APIError):
        client.v1.payouts.list()
    stripe_http.close()


def test_hanging_up_before_records_nothing(server: SandboxServer, send_mail: Send) -> None:
    server.behave("sendgrid", hang_up=True, times=1)
    with pytest.raises(requests.ConnectionError):
        send_mail()
    assert received(server, "sendgrid") == (0, 1)
    assert send_mail().status_code == 202


def test_hanging_up_after_accepting_leaves_the_message(server: SandboxServer, send_sms: Send) -> None:
    server.behave("twilio", hang_up=True, accept_first=True, times=1)
    with pytest.raises(requests.ConnectionError):
        send_sms()
    assert received(server, "twilio") == (1, 1)
    assert server.messages()[0]["recipients"] == ["+15062345678"]


def test_an_error_after_accepting_leaves_the_message(server: SandboxServer, send_mail: Send) -> None:
    server.behave("sendgrid", status=502, accept_first=True, times=1)
    assert send_mail().status_code == 502
    assert received(server, "sendgrid") == (1, 0)


def test_a_message_that_waits_for_its_answer_is_already_accepted(
    server: SandboxServer, send_mail: Send, http: requests.Session
) -> None:
    server.behave("sendgrid", latency_ms=300, times=1)
    start = time.perf_counter()
    assert send_mail().status_code == 202
    assert time.perf_counter() - start >= 0.3
    server.behave("sendgrid", latency_ms=30_000)
    headers = {"Authorization": f"Bearer {keys.sendgrid_api_key()}"}
    url = f"{server.url}/sendgrid/v3/mail/send"
    with pytest.raises(requests.ReadTimeout):
        http.post(url, json=mail(), headers=headers, timeout=(10, 1))
    assert received(server, "sendgrid") == (2, 0)


def test_delays_add_up_and_the_first_fault_wins(server: SandboxServer, send_mail: Send) -> None:
    server.behave("sendgrid", latency_ms=100)
    server.behave("sendgrid", latency_ms=100)
    server.behave("sendgrid", status=500, times=1)
    server.behave("sendgrid", status=503, times=1)
    start = time.perf_counter()
    assert [send_mail().status_code for _ in range(3)] == [500, 503, 202]
    assert time.perf_counter() - start >= 0.6


def test_chance_is_repeatable(server: SandboxServer, send_mail: Send) -> None:
    def statuses() -> list[int]:
        server.reset()
        server.behave("sendgrid", status=503, probability=0.5, seed=7)
        return [send_mail().status_code for _ in range(40)]

    first = statuses()
    assert first == statuses()
    assert 5 < first.count(503) < 35


def test_a_rule_may_mean_one_recipient(server: SandboxServer, send_mail: Send) -> None:
    server.behave("sendgrid", status=500, match="ada@example.com")
    assert send_mail().status_code == 500
    assert send_mail(personalizations=[{"to": [{"email": "bob@example.com"}]}]).status_code == 202


def test_a_fault_may_carry_headers(server: SandboxServer, send_mail: Send) -> None:
    server.behave("sendgrid", status=503, headers={"Retry-After": "9"})
    assert send_mail().headers["Retry-After"] == "9"


def test_behaving_well_again_and_only_one_provider(
    server: SandboxServer, send_mail: Send, send_sms: Send
) -> None:
    server.behave("sendgrid", status=500)
    server.behave("twilio", status=500)
    server.behave_well("sendgrid")
    assert (send_mail().status_code, send_sms().status_code) == (202, 500)
    server.behave_well()
    assert send_sms().status_code == 201


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"status": 200}, "between 400 and 599"),
        ({"status": "429"}, "status must be int"),
        ({"delay": 5}, "unknown field 'delay'"),
        ({"status": 500, "hang_up": True}, "not both"),
        ({"probability": 2}, "between 0 and 1"),
        ({"times": True}, "times must be int"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(rule: dict[str, Any], words: str, server: SandboxServer) -> None:
    with pytest.raises(SandboxError, match=words):
        server.behave("sendgrid", **rule)


def test_an_unknown_provider_is_refused(server: SandboxServer) -> None:
    with pytest.raises(SandboxError, match="provider must be one of sendgrid, twilio, webpush, stripe"):
        server.behave("mailgun", status=500)


def test_every_answer_is_counted(server: SandboxServer, send_mail: Send) -> None:
    server.behave("sendgrid", status=429, times=2)
    for _ in range(3):
        send_mail()
    send_mail(subject="")
    tally = server.stats()["providers"]["sendgrid"]
    assert (tally["requests"], tally["answers"]) == (4, {"202": 1, "400": 1, "429": 2})
    assert json.dumps(tally)
