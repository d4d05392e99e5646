"""What Twilio accepts and refuses, through its own library."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from sandbox import keys
from sandbox.testing import SandboxServer
from sandbox.twilio.segments import Segments, split
from tests.sandbox.conftest import Send


@pytest.fixture
def client(server: SandboxServer) -> Iterator[Client]:
    http_client = TwilioHttpClient(timeout=10)
    client = Client(keys.twilio_account_sid(), keys.twilio_auth_token(), http_client=http_client)
    client.api.base_url = f"{server.url}/twilio"
    yield client
    http_client.session.close()


def test_the_library_sends_a_message(client: Client, server: SandboxServer) -> None:
    callback = "http://127.0.0.1:9/status?notification_id=n-1"
    created = client.messages.create(
        to="+15062345678", from_=keys.TWILIO_FROM, body="Ready at 7:30 🚜", status_callback=callback
    )
    assert (created.status, created.direction, created.num_segments, created.error_code) == (
        "queued",
        "outbound-api",
        "1",
        None,
    )
    assert created.sid.startswith("SM")
    assert created.date_created is not None
    (line,) = server.messages(provider="twilio")
    assert (line["recipients"], line["notification_id"], line["title"]) == (
        ["+15062345678"],
        "n-1",
        "Ready at 7:30 🚜",
    )
    content = server.message(line["id"])["content"]
    assert (content["encoding"], content["segments"], content["units"]) == ("UCS-2", 1, 16)


def test_the_library_reads_a_message_back(client: Client) -> None:
    created = client.messages.create(to="+15062345678", from_=keys.TWILIO_FROM, body="Ready")
    assert client.messages(str(created.sid)).fetch().body == "Ready"
    with pytest.raises(TwilioRestException) as raised:
        client.messages("SM" + "0" * 32).fetch()
    assert (raised.value.status, raised.value.code) == (404, 20404)


def test_a_messaging_service_may_send(client: Client) -> None:
    created = client.messages.create(to="+15062345678", messaging_service_sid="MG" + "0" * 32, body="Ready")
    assert (created.status, created.from_) == ("accepted", None)


REFUSED: list[tuple[dict[str, Any], int]] = [
    ({"To": "+15005550001"}, 21211),
    ({"To": "+15005550002"}, 21612),
    ({"To": "+15005550003"}, 21408),
    ({"To": "+15005550004"}, 21610),
    ({"To": "+15005550009"}, 21614),
    ({"From": "+15005550001"}, 21212),
    ({"From": "+15005550007"}, 21606),
    ({"From": "+15005550008"}, 21611),
    ({"From": "+15062345000"}, 21606),
    ({"From": "Fundy"}, 21212),
    ({"To": None}, 21604),
    ({"From": None}, 21603),
    ({"Body": None}, 21602),
    ({"Body": ""}, 21602),
    ({"Body": "x" * 1601}, 21617),
    ({"To": "5062345678"}, 21211),
    ({"To": "+1506234567"}, 21211),
    ({"To": "+11062345678"}, 21211),
    ({"To": "whatsapp:+15062345678"}, 21211),
    ({"To": keys.TWILIO_FROM}, 21266),
    ({"StatusCallback": "not a url"}, 21609),
    ({"StatusCallback": "http://[::1"}, 21609),
    ({"StatusCallback": "http://127.0.0.1:99999/"}, 21609),
    ({"StatusCallback": "ftp://127.0.0.1/"}, 21609),
    ({"From": None, "MessagingServiceSid": "MG1"}, 21701),
]


@pytest.mark.parametrize(("changes", "code"), REFUSED)
def test_it_refuses(changes: dict[str, Any], code: int, send_sms: Send, server: SandboxServer) -> None:
    answer = send_sms(**changes)
    body = answer.json()
    assert (answer.status_code, body["code"], body["status"]) == (400, code, 400)
    assert body["more_info"] == f"https://www.twilio.com/docs/errors/{code}"
    assert body["message"]
    assert server.stats()["totals"]["received"] == 0


def test_the_library_raises_the_code(client: Client) -> None:
    with pytest.raises(TwilioRestException) as raised:
        client.messages.create(to="+15005550001", from_=keys.TWILIO_FROM, body="Ready")
    assert (raised.value.status, raised.value.code) == (400, 21211)


def test_1600_characters_and_a_number_abroad_are_fine(send_sms: Send) -> None:
    assert send_sms(Body="x" * 1600).json()["num_segments"] == "11"
    assert send_sms(To="+33612345678").status_code == 201


def test_a_wrong_token_is_not_authenticated(server: SandboxServer, http: requests.Session) -> None:
    sid = keys.twilio_account_sid()
    url = f"{server.url}/twilio/2010-04-01/Accounts/{sid}/Messages.json"
    answer = http.post(url, data={}, auth=(sid, "wrong"), timeout=10)
    assert (answer.status_code, answer.json()["code"]) == (401, 20003)


def test_another_account_is_not_found(server: SandboxServer, http: requests.Session) -> None:
    url = f"{server.url}/twilio/2010-04-01/Accounts/AC{'0' * 32}/Messages.json"
    answer = http.post(url, data={}, auth=(keys.twilio_account_sid(), keys.twilio_auth_token()), timeout=10)
    assert (answer.status_code, answer.json()["code"]) == (404, 20404)


def test_who_texted_stop_gets_nothing_until_start(
    server: SandboxServer, send_sms: Send, receiver: Any
) -> None:
    server.inbound("+15062345678", "stop ", f"{receiver.url}/in")
    assert send_sms().json()["code"] == 21610
    assert send_sms(To="+15062345679").status_code == 201
    server.inbound("+15062345678", "Stop it, please", f"{receiver.url}/in")
    server.inbound("+15062345678", "START", f"{receiver.url}/in")
    assert send_sms().status_code == 201


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Segments("GSM-7", 0, 1)),
        ("x" * 160, Segments("GSM-7", 160, 1)),
        ("x" * 161, Segments("GSM-7", 161, 2)),
        ("x" * 306, Segments("GSM-7", 306, 2)),
        ("x" * 307, Segments("GSM-7", 307, 3)),
        ("€" * 80, Segments("GSM-7", 160, 1)),
        ("€" * 81, Segments("GSM-7", 162, 2)),
        # 153 units a segment hold 76 pairs and one unit over: 153 pairs need three segments, not two.
        ("€" * 153, Segments("GSM-7", 306, 3)),
        ("é" * 160, Segments("GSM-7", 160, 1)),
        ("ê" * 70, Segments("UCS-2", 70, 1)),
        ("ê" * 71, Segments("UCS-2", 71, 2)),
        ("🚜" * 35, Segments("UCS-2", 70, 1)),
        ("🚜" * 67, Segments("UCS-2", 134, 3)),
    ],
)
def test_a_text_is_split_as_networks_split_it(text: str, expected: Segments) -> None:
    assert split(text) == expected
