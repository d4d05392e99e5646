"""Each code of each provider, asked for in the sandbox and read by the real adapter, and the tables themselves."""

import datetime as dt
import smtplib
from typing import Any

import pytest
import requests
import time_machine

from consent.models import Suppression
from notifications.channels import network, sendgrid_codes, smtp_codes, taxonomy, twilio_codes, webpush_codes
from notifications.channels.meanings import TABLES, meaning
from notifications.channels.taxonomy import Kind
from notifications.errors import Misconfigured, Outcome, Permanent, Transient, Unknown
from sandbox.testing import SandboxServer
from tests.contract.calls import deliver, message

LATER, NEVER, OURS, LOST = Transient, Permanent, Misconfigured, Unknown
SENDGRID = {
    400: NEVER, 401: OURS, 403: OURS, 404: OURS, 405: OURS, 406: OURS, 413: NEVER, 415: OURS, 418: NEVER,
    429: LATER, 500: LATER, 502: LATER, 503: LATER, 504: LATER, 599: LATER,
}  # fmt: skip
WEBPUSH = {
    400: NEVER, 401: OURS, 403: OURS, 404: NEVER, 410: NEVER, 413: NEVER, 418: NEVER,
    429: LATER, 500: LATER, 502: LATER, 503: LATER, 599: LATER,
}  # fmt: skip
# (code, HTTP status) → outcome, and why the number is dead
TWILIO = {
    (20003, 401): (OURS, ""), (20403, 403): (OURS, ""), (20404, 404): (OURS, ""),
    (20429, 429): (LATER, ""), (20500, 500): (LATER, ""), (20503, 503): (LATER, ""),
    (21211, 400): (NEVER, "invalid"), (21212, 400): (OURS, ""), (21266, 400): (NEVER, ""),
    (21408, 400): (NEVER, ""), (21602, 400): (NEVER, ""), (21603, 400): (OURS, ""), (21604, 400): (NEVER, ""),
    (21606, 400): (OURS, ""), (21608, 400): (OURS, ""), (21609, 400): (OURS, ""),
    (21610, 400): (NEVER, "opted_out"), (21611, 400): (LATER, ""), (21612, 400): (NEVER, ""),
    (21614, 400): (NEVER, "landline"), (21617, 400): (NEVER, ""), (21635, 400): (NEVER, "landline"),
    (21659, 400): (OURS, ""), (21701, 400): (OURS, ""),
    # Codes that no table knows: the HTTP class decides, and a gateway may have lost a message that got through.
    (99999, 400): (NEVER, ""), (99999, 403): (OURS, ""), (99999, 429): (LATER, ""), (99999, 500): (LATER, ""),
    (99999, 502): (LOST, ""), (99999, 504): (LOST, ""),
}  # fmt: skip
# What comes in a status callback, after the message was accepted.
CALLBACKS = {
    30001: (Kind.LATER, ""), 30002: (Kind.OURS, ""), 30003: (Kind.LATER, ""), 30004: (Kind.MESSAGE, ""),
    30005: (Kind.ADDRESS, "invalid"), 30006: (Kind.ADDRESS, "landline"), 30007: (Kind.MESSAGE, ""),
    30008: (Kind.LATER, ""), 30032: (Kind.OURS, ""), 30034: (Kind.OURS, ""),
}  # fmt: skip
EVENTS = [
    ("bounce", "", "hard_bounce"),
    ("blocked", "", ""),
    ("spamreport", "", "complaint"),
    ("dropped", "Bounced Address", "hard_bounce"),
    ("dropped", "Unsubscribed Address", "opted_out"),
    ("dropped", "Spam Reporting Address", "complaint"),
    ("dropped", "Invalid", "invalid"),
    ("dropped", "Recipient List over Package Quota", ""),
]


@pytest.mark.parametrize(("status", "expected"), SENDGRID.items())
def test_each_status_of_sendgrid(status: int, expected: type[Outcome], sandbox: SandboxServer) -> None:
    sandbox.behave("sendgrid", status=status)
    outcome = deliver("email", message("email", sandbox.url))
    assert (type(outcome), _code(outcome)) == (expected, str(status))


@pytest.mark.parametrize(("status", "expected"), WEBPUSH.items())
def test_each_status_of_a_push_service(status: int, expected: type[Outcome], sandbox: SandboxServer) -> None:
    sandbox.behave("webpush", status=status)
    outcome = deliver("push", message("push", sandbox.url))
    # One browser, and it is gone: the whole message has nobody to go to.
    code = "gone" if status in webpush_codes.GONE else str(status)
    assert (type(outcome), _code(outcome)) == (expected, code)


@pytest.mark.parametrize(("asked", "expected"), TWILIO.items())
def test_each_code_of_twilio(
    asked: tuple[int, int], expected: tuple[type[Outcome], str], sandbox: SandboxServer
) -> None:
    code, status = asked
    sandbox.behave("twilio", status=status, code=code)
    outcome = deliver("sms", message("sms", sandbox.url))
    assert (type(outcome), _code(outcome)) == (expected[0], str(code))
    assert getattr(outcome, "address_dead", "") == expected[1]


@pytest.mark.parametrize(("code", "expected"), CALLBACKS.items())
def test_each_code_of_a_status_callback(code: int, expected: tuple[Kind, str]) -> None:
    row = twilio_codes.of(code)
    assert (row.kind, row.address_dead) == expected


def test_a_handset_out_of_reach_is_left_alone_for_a_while() -> None:
    row = twilio_codes.of(30003)
    asked_for = dt.timedelta(minutes=5)
    outcome = taxonomy.outcome(row, code="30003", retry_after=asked_for)
    assert isinstance(outcome, Transient)
    assert outcome.retry_after == row.wait == dt.timedelta(minutes=30)
    longer = taxonomy.outcome(row, code="30003", retry_after=dt.timedelta(hours=2))
    assert isinstance(longer, Transient)
    assert longer.retry_after == dt.timedelta(hours=2)


@pytest.mark.parametrize(("event", "reason", "dead"), EVENTS)
def test_each_event_of_sendgrid_that_tells_of_a_failure(event: str, reason: str, dead: str) -> None:
    row = sendgrid_codes.of_event(event, reason=reason)
    assert row is not None
    assert row.address_dead == dead
    assert row.kind is (Kind.ADDRESS if dead else Kind.MESSAGE)


def test_an_event_that_tells_of_no_failure_has_no_row() -> None:
    assert sendgrid_codes.of_event("delivered") is None
    assert sendgrid_codes.of_event("deferred", reason="Bounced Address") is None


def test_no_row_of_a_table_is_left_untested() -> None:
    assert set(sendgrid_codes.STATUSES) <= set(SENDGRID)
    assert set(webpush_codes.STATUSES) <= set(WEBPUSH)
    assert set(twilio_codes.CODES) <= {code for code, _ in TWILIO} | set(CALLBACKS)


@pytest.mark.parametrize("table", [*TABLES.values(), sendgrid_codes.EVENTS], ids=[*TABLES, "events"])
def test_each_row_has_a_sentence_and_a_reason_that_suppressions_know(table: Any) -> None:
    for row in table.values():
        assert row.meaning.endswith(".")
        assert (row.kind is Kind.ADDRESS) == bool(row.address_dead)
        assert not row.address_dead or row.address_dead in Suppression.Reason.values


def test_a_code_on_record_has_its_meaning() -> None:
    assert meaning(provider="twilio", code="21610") == "The person answered STOP."
    assert meaning(provider="sendgrid", code="413").startswith("The message is larger")
    assert meaning(provider="postmark", code="connection_lost") == "The connection broke before the answer."
    assert meaning(provider="twilio", code="99999") == meaning(provider="sendgrid", code="²") == ""


# Anymail's backends for other providers, and those that are not ours, still speak through `requests`.
@pytest.mark.parametrize(
    ("error", "expected", "code"),
    [
        (requests.ConnectTimeout(), LATER, "connect_timeout"),
        (requests.ConnectionError("HTTPSConnectionPool: NewConnectionError(refused)"), LATER, "connect"),
        (requests.ConnectionError("NameResolutionError"), LATER, "connect"),
        (requests.ReadTimeout(), LOST, "timeout"),
        (requests.ConnectionError("Connection aborted."), LOST, "connection_lost"),
        (requests.exceptions.ChunkedEncodingError(), LOST, "network"),
        (requests.exceptions.InvalidURL(), LATER, "invalid_url"),
    ],
)
def test_failures_of_requests(error: Exception, expected: type[Outcome], code: str) -> None:
    outcome = network.from_exception(error)
    assert (type(outcome), outcome and _code(outcome)) == (expected, code)


def test_what_is_no_network_failure_has_no_outcome() -> None:
    assert network.from_exception(ValueError("no")) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "120"}, 120),
        ({"Retry-After": "0.5"}, 0.5),
        ({"Retry-After": "Mon, 23 Nov 2026 12:02:00 GMT"}, 120),
        ({"Retry-After": "Mon, 23 Nov 2026 11:00:00 GMT"}, 0),  # their clock, or a slow answer
        ({"Retry-After": "999999999999"}, 86_400),
        ({"X-RateLimit-Reset": "1795435320"}, 120),
        ({"Retry-After": "60", "X-RateLimit-Reset": "1795435320"}, 60),
        ({"Retry-After": "soon"}, None),
        ({"X-RateLimit-Reset": "-5"}, None),
        ({}, None),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    with time_machine.travel("2026-11-23T12:00:00+00:00", tick=False):
        wait = network.retry_after(headers)
    assert wait == (None if seconds is None else dt.timedelta(seconds=seconds))


def test_smtp_reply_codes() -> None:
    cases: list[tuple[smtplib.SMTPException, type[Outcome], str]] = [
        (smtplib.SMTPConnectError(421, b"busy"), LATER, "connect"),
        (smtplib.SMTPAuthenticationError(535, b"no"), OURS, "535"),
        (smtplib.SMTPAuthenticationError(454, b"later"), LATER, "454"),
        (smtplib.SMTPRecipientsRefused({"a@b.co": (550, b"a@b.co unknown")}), NEVER, "550"),
        (smtplib.SMTPRecipientsRefused({"a@b.co": (451, b"greylisted")}), LATER, "451"),
        (smtplib.SMTPDataError(554, b"spam"), NEVER, "554"),
        (smtplib.SMTPSenderRefused(530, b"sign in", "us@b.co"), OURS, "530"),
        (smtplib.SMTPServerDisconnected("closed"), LOST, "connection_lost"),
    ]
    for error, expected, code in cases:
        outcome = smtp_codes.from_exception(error)
        assert (type(outcome), _code(outcome)) == (expected, code)
        assert "a@b.co" not in getattr(outcome, "error", "")


def _code(outcome: Outcome) -> str:
    return str(getattr(outcome, "code", ""))
