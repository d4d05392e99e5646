"""Recipients whose fate is known beforehand, and what Twilio answers to a keyword by itself."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
import requests
from playwright.sync_api import expect

from sandbox import magic
from sandbox.testing import SandboxServer
from tests.sandbox.conftest import Receiver, Send
from tests.sandbox.test_sandbox_page import browser, browser_test, page, problems  # noqa: F401 (fixtures)
from tests.sandbox.test_sandbox_webhooks import form_of, verify_events

README = Path(__file__).parents[2] / "sandbox" / "README.md"
STOPS = "+15005557867"
Mail = dict[str, Any]


def to(*addresses: str) -> list[Mail]:
    return [{"to": [{"email": address}]} for address in addresses]


@pytest.fixture
def listening(server: SandboxServer, receiver: Receiver) -> SandboxServer:
    server.webhooks(
        sendgrid={"url": f"{receiver.url}/events", "enabled": True, "delay_ms": 1},
        twilio={"enabled": True, "delay_ms": 20},
    )
    return server


@pytest.mark.parametrize(
    "address",
    [
        "{}@sandbox.example", "{}+7@sandbox.example", "ada+{}@rental.example",
    ],
)  # fmt: skip
@pytest.mark.parametrize(("name", "fate"), magic.MAILBOXES.items())
def test_a_mailbox_fares_as_its_name_says(
    address: str, name: str, fate: magic.Fate, listening: SandboxServer, send_mail: Send, receiver: Receiver
) -> None:
    send_mail(personalizations=to(address.format(name)))
    (posted,) = receiver.wait(1)
    verify_events(posted)
    told = {"blocked": "bounce"}
    assert [event["event"] for event in posted.json] == [told.get(e, e) for e in fate.outcome.events]


def test_everybody_elses_mail_arrives(listening: SandboxServer, send_mail: Send, receiver: Receiver) -> None:
    send_mail(personalizations=to("bounced@example.com", "sandbox.example@example.com", "ada+x@example.com"))
    assert {event["event"] for event in receiver.wait(1)[0].json} == {"processed", "delivered"}


@pytest.mark.parametrize(
    ("number", "fate"), [item for item in magic.NUMBERS.items() if not item[1].outcome.reply]
)
def test_a_number_fares_as_its_digits_say(
    number: str, fate: magic.Fate, listening: SandboxServer, send_sms: Send, receiver: Receiver
) -> None:
    url = f"{receiver.url}/status"
    assert send_sms(To=number, StatusCallback=url).status_code == 201
    forms = [form_of(posted, url) for posted in receiver.wait(2)]
    assert {form["MessageStatus"] for form in forms} == set(fate.outcome.events)
    codes = {form.get("ErrorCode") for form in forms if form["MessageStatus"] != "sent"}
    assert codes == {str(fate.outcome.error_code)}
    assert str(fate.outcome.error_code).replace("00", "0", 1) == number[-4:]


def test_a_rule_of_the_control_api_goes_before_magic(
    listening: SandboxServer, send_mail: Send, receiver: Receiver
) -> None:
    listening.webhooks(sendgrid={"rules": [{"match": "bounced@*", "events": ["delivered"]}]})
    send_mail(personalizations=to("bounced@sandbox.example"))
    assert [event["event"] for event in receiver.wait(1)[0].json] == ["delivered"]


def test_without_webhooks_there_is_no_magic(server: SandboxServer, send_mail: Send, send_sms: Send) -> None:
    send_mail(personalizations=to("bounced@sandbox.example"))
    send_sms(To="+15005553003", StatusCallback="http://127.0.0.1:9/status")
    assert server.stats()["webhooks"] == {"waiting": 0, "accepted": 0, "refused": 0, "dropped": 0}
    assert [message["events"] for message in server.messages()] == [[], []]


@pytest.fixture
def answering(receiver: Receiver) -> Iterator[SandboxServer]:
    with SandboxServer(status_callbacks=True, inbound_url=f"{receiver.url}/inbound") as server:
        yield server


def test_one_number_answers_stop_and_is_refused_from_then_on(
    answering: SandboxServer, http: requests.Session, receiver: Receiver
) -> None:
    environment = answering.environment()
    sid = environment["TWILIO_ACCOUNT_SID"]

    def send() -> requests.Response:
        form = {"To": STOPS, "From": environment["TWILIO_FROM"], "Body": "Hello"}
        return http.post(
            f"{answering.url}/twilio/2010-04-01/Accounts/{sid}/Messages.json",
            data=form | {"StatusCallback": f"{receiver.url}/status"},
            auth=(sid, environment["TWILIO_AUTH_TOKEN"]),
            timeout=10,
        )

    assert send().status_code == 201
    inbound = [posted for posted in receiver.wait(3) if posted.path == "/inbound"]
    form = form_of(inbound[0], f"{receiver.url}/inbound")
    assert (form["From"], form["To"], form["Body"]) == (STOPS, environment["TWILIO_FROM"], "STOP")
    assert send().json()["code"] == 21610


def texts(server: SandboxServer) -> list[str]:
    """What the customer was answered, oldest first."""
    return [
        m["title"] for m in reversed(server.messages(channel="sms")) if m["recipients"] != ["+15005550006"]
    ]


def test_twilio_answers_a_keyword_itself_once_and_what_we_say_to_it_goes_nowhere(
    server: SandboxServer, receiver: Receiver
) -> None:
    receiver.answer = "<Response><Message>From us</Message></Response>"
    for body in ("STOP", "stop", "HELP", "START", "start", "HELP"):
        server.inbound("+15062345678", body, receiver.url)
    first, second, third, fourth = texts(server)
    assert first.startswith("You have successfully been unsubscribed")
    assert second.startswith("You have successfully been re-subscribed")
    assert third == "From us"  # to the second START, which changed nothing
    assert fourth.startswith("Reply STOP")


@pytest.mark.parametrize(("body", "details"), [("please stop", {}), ("STOP", {"opt_out_handling": False})])
def test_to_everything_else_our_own_answer_is_sent(
    body: str, details: Any, server: SandboxServer, receiver: Receiver
) -> None:
    receiver.answer = "<Response><Message><Body>Bien re&#231;u &amp; noté</Body></Message></Response>"
    server.inbound("+15062345678", body, receiver.url, **details)
    assert texts(server) == ["Bien reçu & noté"]
    assert dict(parse_qsl(receiver.posted[0].body.decode()))["Body"] == body
    assert server.stats()["totals"]["received"] == 0, "an answer is no message of ours"


def test_each_is_written_down_in_the_readme() -> None:
    text = README.read_text()
    for item in magic.listed():
        assert f"`{item['recipient']}`" in text, item


@browser_test
def test_the_page_lists_them(page: Any, server: SandboxServer, problems: list[str]) -> None:  # noqa: F811
    page.goto(server.url)
    page.get_by_role("button", name="Test recipients").click()
    dialog = page.get_by_role("dialog", name="Test recipients")
    expect(dialog.get_by_role("row", name=re.compile(r"bounced@sandbox\.example"))).to_contain_text(
        "hard bounce"
    )
    expect(dialog.get_by_role("row", name=re.compile(r"\+15005550004"))).to_contain_text("error 21610")
    expect(dialog).to_contain_text("Started without --webhook-url, --status-callbacks, --inbound-url")
    page.set_viewport_size({"width": 380, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    assert problems == []
