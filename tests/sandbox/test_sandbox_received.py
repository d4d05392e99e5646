"""Duplicates are counted per provider, recipient and notification; lists are filtered, bounded and in
pages."""

from typing import Any

import pytest
import requests
from pywebpush import webpush

from sandbox import keys, push_keys
from sandbox.testing import SandboxError, SandboxServer
from tests.sandbox.conftest import Send, mail


def totals(server: SandboxServer) -> dict[str, int]:
    """The counts that tell a message received twice."""
    counts = server.stats()["totals"]
    return {name: counts[name] for name in ("received", "unique", "duplicates", "without_id", "untracked")}


def callback(notification_id: str) -> str:
    return f"http://127.0.0.1:9/status?notification_id={notification_id}&x=1"


def test_the_same_mail_twice_is_a_duplicate(server: SandboxServer, send_mail: Send) -> None:
    send_mail()
    send_mail()
    send_mail(
        personalizations=[{"to": [{"email": "bob@example.com"}], "custom_args": {"notification_id": "n-1"}}]
    )
    send_mail(
        personalizations=[{"to": [{"email": "ADA@example.com"}], "custom_args": {"notification_id": "n-2"}}]
    )
    assert totals(server) == {"received": 4, "unique": 3, "duplicates": 1, "without_id": 0, "untracked": 0}
    assert [line["duplicate"] for line in server.messages()] == [False, False, True, False]
    (named,) = server.stats()["providers"]["sendgrid"]["first_duplicates"]
    assert named == {"recipient": "ada@example.com", "notification_id": "n-1"}


def test_every_recipient_counts(server: SandboxServer, send_mail: Send) -> None:
    envelope = {
        "to": [{"email": "a@example.com"}, {"email": "b@example.com"}],
        "bcc": [{"email": "c@example.com"}],
    }
    send_mail(personalizations=[envelope], custom_args={"notification_id": "n-1"})
    send_mail(personalizations=[{"to": [{"email": "c@example.com"}]}], custom_args={"notification_id": "n-1"})
    assert totals(server) == {"received": 4, "unique": 3, "duplicates": 1, "without_id": 0, "untracked": 0}


def test_a_message_without_our_id_cannot_be_told(
    server: SandboxServer, send_mail: Send, send_sms: Send
) -> None:
    for _ in range(2):
        send_mail(personalizations=[{"to": [{"email": "ada@example.com"}]}])
        send_sms()
    assert totals(server) == {"received": 4, "unique": 0, "duplicates": 0, "without_id": 4, "untracked": 0}


def test_the_same_text_message_or_push_twice(server: SandboxServer, send_sms: Send) -> None:
    subscription: Any = push_keys.subscription("a", server.url)
    for _ in range(2):
        send_sms(StatusCallback=callback("n-1"))
        webpush(
            subscription,
            '{"id": "n-1"}',
            vapid_private_key=keys.vapid_private_key(),
            vapid_claims={"sub": "mailto:o@example.com"},
            ttl=1,
            timeout=10,
        )
    send_sms(StatusCallback=callback("n-1"), To="+15062345679")
    providers = server.stats()["providers"]
    assert (providers["twilio"]["unique"], providers["twilio"]["duplicates"]) == (2, 1)
    assert (providers["webpush"]["unique"], providers["webpush"]["duplicates"]) == (1, 1)


def test_an_inbound_message_is_shown_and_not_counted(server: SandboxServer, receiver: Any) -> None:
    server.inbound("+15062345678", "STOP", f"{receiver.url}/in")
    assert totals(server)["received"] == 0
    answer, text = (server.message(line["id"])["content"] for line in server.messages(channel="sms"))
    assert (text["inbound"], answer["inbound"], answer["answer"]) == (True, False, True)


def test_filters(server: SandboxServer, send_mail: Send, send_sms: Send) -> None:
    send_mail()
    send_mail(personalizations=[{"to": [{"email": "bob@example.com"}]}], subject="Overdue")
    send_sms(StatusCallback=callback("n-9"))
    send_sms(StatusCallback=callback("n-9"))

    def found(**filters: Any) -> list[str]:
        return [line["recipients"][0] for line in server.messages(**filters)]

    ada, bob, phone = "ada@example.com", "bob@example.com", "+15062345678"
    assert found() == [phone, phone, bob, ada]
    assert found(provider="sendgrid") == found(channel="email") == [bob, ada]
    assert found(recipient="Bob@example.com") == [bob]
    assert found(notification_id="n-9") == [phone, phone]
    assert found(duplicate=True) == [phone]
    assert found(duplicate=False) == [phone, bob, ada]
    assert found(q="overdue") == found(q="bob@") == [bob]
    assert found(q="At 7:30") == [bob, ada]
    assert found(after=server.messages()[1]["id"]) == [phone]


def test_a_long_list_comes_in_pages(server: SandboxServer, send_mail: Send, http: Any) -> None:
    for _ in range(3):
        send_mail(mail(personalizations=[{"to": [{"email": f"a{n}@example.com"}]} for n in range(100)]))
    page = http.get(f"{server.url}/_sandbox/messages?limit=1000", timeout=10).json()
    assert (len(page["data"]), page["has_more"]) == (200, True)
    assert len({line["id"] for line in server.messages()}) == 300


@pytest.mark.parametrize("query", ["limit=-1", "before=x", "provider=mailgun", "channel=fax", "offset=3"])
def test_a_bad_filter_is_refused_by_name(query: str, server: SandboxServer, http: Any) -> None:
    answer = http.get(f"{server.url}/_sandbox/messages?{query}", timeout=10)
    assert answer.status_code == 400
    assert query.split("=")[0] in answer.json()["error"]


def test_only_so_many_messages_are_kept_and_told_apart() -> None:
    with SandboxServer(keep=2, track=3) as server:
        headers = {"Authorization": f"Bearer {keys.sendgrid_api_key()}"}
        for number in (1, 2, 3, 4, 1, 4):
            body = mail(
                custom_args={"notification_id": str(number)},
                personalizations=[{"to": [{"email": "a@example.com"}]}],
            )
            requests.post(f"{server.url}/sendgrid/v3/mail/send", json=body, headers=headers, timeout=10)
        assert [line["notification_id"] for line in server.messages()] == ["4", "1"]
        assert totals(server) == {
            "received": 6,
            "unique": 3,
            "duplicates": 1,
            "without_id": 0,
            "untracked": 2,
        }
        with pytest.raises(SandboxError, match="no longer kept"):
            server.message(1)


def test_reset_forgets_and_numbers_go_on(server: SandboxServer, send_mail: Send) -> None:
    first = send_mail().headers["X-Message-Id"]
    before = server.messages()[0]["id"]
    server.reset()
    assert server.messages() == []
    assert totals(server)["received"] == 0
    assert send_mail().headers["X-Message-Id"] != first
    assert server.messages()[0]["id"] == before + 1
    assert totals(server) == {"received": 1, "unique": 1, "duplicates": 0, "without_id": 0, "untracked": 0}
