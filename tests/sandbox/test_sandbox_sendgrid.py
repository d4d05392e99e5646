"""What SendGrid accepts and refuses, in its own words."""

import base64
import time
from typing import Any

import pytest
import requests

from sandbox import keys
from sandbox.testing import SandboxServer
from tests.sandbox.conftest import Send, mail

HELP = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#message."


def to(*emails: str) -> list[dict[str, Any]]:
    return [{"to": [{"email": email}]} for email in emails]


def test_an_accepted_mail_is_queued_with_202_and_no_body(send_mail: Send) -> None:
    answer = send_mail()
    assert (answer.status_code, answer.content) == (202, b"")
    assert len(answer.headers["X-Message-Id"]) == 22
    assert int(answer.headers["X-RateLimit-Remaining"]) < int(answer.headers["X-RateLimit-Limit"])
    assert int(answer.headers["X-RateLimit-Reset"]) > time.time() - 1


def test_what_was_accepted_can_be_read(server: SandboxServer, send_mail: Send) -> None:
    reference = send_mail().headers["X-Message-Id"]
    (line,) = server.messages(provider="sendgrid")
    message = server.message(line["id"])
    assert line["recipients"] == ["ada@example.com"]
    assert line["notification_id"] == "n-1"
    assert message["reference"] == reference
    assert message["content"]["text"] == "At 7:30."
    assert message["content"]["html"] == "<p>At 7:30.</p>"
    assert message["content"]["from"] == {"email": "rentals@example.com", "name": "Fundy Rentals"}


def test_a_payload_of_anymail_is_accepted(send_mail: Send) -> None:
    """With every part that its SendGrid backend knows how to set and the sandbox account could have."""
    body = mail(
        personalizations=[
            {
                "to": [{"email": f"customer{n}@example.com", "name": "Customer"}],
                "cc": [{"email": f"copy{n}@example.com"}],
                "custom_args": {"notification_id": f"n-{n}", "anymail_id": f"a-{n}"},
                "substitutions": {"{{name}}": "Ada", "{{empty}}": None},
                "headers": {"X-Customer": str(n)},
            }
            for n in range(3)
        ],
        headers={
            "List-Unsubscribe": "<https://rentals.example/u/t>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
        reply_to_list=[{"email": "desk@example.com", "name": "Desk"}],
        attachments=[
            {
                "content": base64.b64encode(b"%PDF").decode(),
                "type": "application/pdf",
                "filename": "lease.pdf",
            }
        ],
        categories=["booking_reminders"],
        send_at=int(time.time()) + 60,
        tracking_settings={"click_tracking": {"enable": False}, "open_tracking": {"enable": False}},
    )
    assert send_mail(body).status_code == 202


def test_a_request_makes_one_mail_for_each_personalization(server: SandboxServer, send_mail: Send) -> None:
    body = mail(
        subject="Hello {{name}}",
        custom_args={"notification_id": "shared", "job": "reminders"},
        personalizations=[
            {
                "to": [{"email": "Ada@example.com"}],
                "substitutions": {"{{name}}": "Ada"},
                "custom_args": {"notification_id": "n-1"},
            },
            {
                "to": [{"email": "bob@example.com"}],
                "substitutions": {"{{name}}": "Bob"},
                "subject": "Dear {{name}}",
            },
        ],
    )
    assert send_mail(body).status_code == 202
    lines = server.messages(provider="sendgrid")
    assert [(line["recipients"], line["title"], line["notification_id"]) for line in reversed(lines)] == [
        (["ada@example.com"], "Hello Ada", "n-1"),
        (["bob@example.com"], "Dear Bob", "shared"),
    ]


def test_sandbox_mode_validates_and_delivers_nothing(server: SandboxServer, send_mail: Send) -> None:
    answer = send_mail(mail_settings={"sandbox_mode": {"enable": True}})
    assert answer.status_code == 200
    assert server.messages() == []
    tally = server.stats()["providers"]["sendgrid"]
    assert (tally["validated"], tally["received"]) == (1, 0)


def test_sandbox_mode_still_refuses_a_bad_message(send_mail: Send) -> None:
    assert send_mail(subject="", mail_settings={"sandbox_mode": {"enable": True}}).status_code == 400


REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("no personalizations", {"personalizations": None}, "personalizations", "The personalizations field is required"),
    ("empty personalizations", {"personalizations": []}, "personalizations", "The personalizations field is required"),
    ("too many personalizations", {"personalizations": to("a@example.com") * 1001}, "personalizations", "is limited to 1000"),
    ("personalizations of another type", {"personalizations": {}}, "personalizations", "Invalid type. Expected: array, given: object."),
    ("an envelope without to", {"personalizations": [{}]}, "personalizations.0.to", "The to array is required"),
    ("an empty to", {"personalizations": [{"to": []}]}, "personalizations.0.to", "The to array is required"),
    ("an address that is none", {"personalizations": to("ada")}, "personalizations.0.to.0.email", "Does not contain a valid address."),
    ("an address without a domain", {"personalizations": to("ada@example")}, "personalizations.0.to.0.email", "Does not contain"),
    ("an address with a letter beyond ASCII", {"personalizations": to("zoë@example.com")}, "personalizations.0.to.0.email", "Does not contain"),
    ("an address with a line break", {"personalizations": to("ada@example.com\n")}, "personalizations.0.to.0.email", "Does not contain"),
    ("an address of 321 characters", {"personalizations": to("a" * 309 + "@example.com")}, "personalizations.0.to.0.email", "320 characters"),
    ("one address twice", {"personalizations": [{"to": [{"email": "a@example.com"}], "cc": [{"email": "A@example.com"}]}]}, "personalizations.0.cc", "We found the first duplicate instance of [A@example.com]"),
    ("1001 recipients", {"personalizations": [{"to": [{"email": f"a{n}@example.com"} for n in range(1001)]}]}, "personalizations", "limit of 1000 total recipients"),
    ("an unknown property of an envelope", {"personalizations": [{"to": [{"email": "a@example.com"}], "metadata": {}}]}, "personalizations.0", "Additional property metadata is not allowed"),
    ("an unknown property", {"metadata": {"a": "b"}}, "metadata", "Additional property metadata is not allowed"),
    ("a property of the old API", {"to": "ada@example.com"}, "to", "Additional property to is not allowed"),
    ("no from", {"from": None}, "from.email", "The from object must be provided"),
    ("a from that is no address", {"from": {"email": "Fundy Rentals"}}, "from.email", "Does not contain a valid address."),
    ("a from as a string", {"from": "rentals@example.com"}, "from", "Invalid type. Expected: object, given: string."),
    ("no subject", {"subject": None}, "subject", "The subject is required."),
    ("an empty subject", {"subject": ""}, "subject", "at least one character in length"),
    ("no content", {"content": None}, "content", "The content param is required"),
    ("empty content", {"content": []}, "content", "There must be at least one defined content block"),
    ("an empty part", {"content": [{"type": "text/plain", "value": ""}]}, "content.0.value", "at least one character in length"),
    ("a part without a type", {"content": [{"value": "x"}]}, "content.0.type", "Your content type must be a string"),
    ("a type with parameters", {"content": [{"type": "text/plain; charset=utf-8", "value": "x"}]}, "content.0.type", "Cannot contain ';'"),
    ("HTML before text", {"content": [{"type": "text/html", "value": "x"}, {"type": "text/plain", "value": "x"}]}, "content", "Following RFC 1341"),
    ("a calendar before text", {"content": [{"type": "text/calendar", "value": "x"}, {"type": "text/plain", "value": "x"}]}, "content", "Following RFC 1341"),
    ("two HTML parts", {"content": [{"type": "text/html", "value": "x"}, {"type": "text/html", "value": "y"}]}, "content", "may only be provided once"),
    ("a custom argument that is a number", {"custom_args": {"id": 1}}, "custom_args", "All values of custom arguments object must be strings"),
    ("custom arguments as a string", {"custom_args": "id"}, "custom_args", "Invalid type. Expected: object, given: string."),
    ("empty custom arguments", {"custom_args": {}}, "custom_args", "custom_args cannot be empty."),
    ("custom arguments of 10,001 bytes", {"custom_args": {"a": "x" * 10_000}}, "custom_args", "10,000 bytes"),
    ("a reserved header", {"headers": {"Reply-To": "a@example.com"}}, "headers", "Header can not be one of the reserved keys"),
    ("a header that is a number", {"headers": {"X-Id": 1}}, "headers", "The header values must be strings."),
    ("a header name with a space", {"headers": {"X Id": "1"}}, "headers", "Header keys cannot contain"),
    ("a header with a line break", {"headers": {"X-Id": "1\r\nBcc: eve@example.com"}}, "headers", "CRLF"),
    ("a header twice", {"headers": {"X-Id": "1", "x-id": "2"}}, "headers", "cannot contain duplicate keys"),
    ("eleven categories", {"categories": [str(n) for n in range(11)]}, "categories", "limit of 10 categories"),
    ("a category twice", {"categories": ["a", "a"]}, "categories", "you have included a more than once"),
    ("a category that is a number", {"categories": [1]}, "categories", "array of strings"),
    ("a category beyond ASCII", {"categories": ["été"]}, "categories", "non-ASCII"),
    ("both ways to reply", {"reply_to": {"email": "a@example.com"}, "reply_to_list": [{"email": "b@example.com"}]}, "reply_to", "mutually exclusive"),
    ("an attachment that is not base64", {"attachments": [{"content": "é", "filename": "a"}]}, "attachments.0.content", "base64"),
    ("an attachment without a filename", {"attachments": [{"content": "YQ=="}]}, "attachments.0.filename", "filename is required."),
    ("a filename with a line break", {"attachments": [{"content": "YQ==", "filename": "a\nb"}]}, "attachments.0.filename", "CRLF"),
    ("another disposition", {"attachments": [{"content": "YQ==", "filename": "a", "disposition": "both"}]}, "attachments.0.disposition", '"inline" or "attachment"'),
    ("a send_at beyond three days", {"send_at": int(time.time()) + 80 * 3600}, "send_at", "72 hours"),
    ("a send_at as text", {"send_at": "tomorrow"}, "send_at", "Invalid type. Expected: integer, given: string."),
    ("a template of another account", {"template_id": "d-0123"}, "template_id", "must be a valid template id for your account"),
    ("an unsubscribe group of another account", {"asm": {"group_id": 7}}, "asm.group_id", "must be a valid Group ID on your account"),
    ("sandbox mode as text", {"mail_settings": {"sandbox_mode": {"enable": "true"}}}, "mail_settings.sandbox_mode.enable", "Expected: boolean"),
    ("an unknown setting", {"mail_settings": {"turbo": {}}}, "mail_settings", "Additional property turbo is not allowed"),
    ("two bypasses", {"mail_settings": {"bypass_list_management": {"enable": True}, "bypass_spam_management": {"enable": True}}}, "mail_settings", "cannot be combined"),
    ("tracking as text", {"tracking_settings": {"click_tracking": {"enable": "no"}}}, "tracking_settings.click_tracking.enable", "Expected: boolean"),
    ("substitutions that are numbers", {"personalizations": [{"to": [{"email": "a@example.com"}], "substitutions": {"a": 1}}]}, "personalizations.0.substitutions", "the values are all strings"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "field", "words"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_it_refuses(
    changes: dict[str, Any], field: str, words: str, server: SandboxServer, send_mail: Send
) -> None:
    answer = send_mail(**changes)
    assert answer.status_code == 400
    problems = answer.json()["errors"]
    assert [problem for problem in problems if problem["field"] == field and words in problem["message"]], (
        problems
    )
    assert all(problem.keys() == {"message", "field", "help"} for problem in problems)
    assert server.stats()["totals"]["received"] == 0


def test_a_problem_links_to_its_paragraph(send_mail: Send) -> None:
    (problem,) = send_mail(personalizations=to("ada")).json()["errors"]
    assert problem["help"] == f"{HELP}personalizations.to"


def test_all_problems_are_told_at_once(send_mail: Send) -> None:
    fields = {
        problem["field"]
        for problem in send_mail(subject="", content=[], **{"from": {"email": "x"}}).json()["errors"]
    }
    assert fields == {"subject", "content", "from.email"}


@pytest.mark.parametrize(
    ("body", "content_type", "status", "words"),
    [
        (b"{", "application/json", 400, "Bad Request"),
        (b"[]", "application/json", 400, "Bad Request"),
        (b'{"subject": "\xff"}', "application/json", 415, "Invalid UTF8 in request"),
        (b"{}", "text/plain", 415, "Content-Type should be application/json."),
        (b"{}", "application/json; charset=latin-1", 415, "Content-Type should be application/json."),
        (b"[" * 100_000, "application/json", 400, "Bad Request"),
    ],
)
def test_a_body_that_is_no_message(
    body: bytes, content_type: str, status: int, words: str, server: SandboxServer, http: requests.Session
) -> None:
    headers = {"Authorization": f"Bearer {keys.sendgrid_api_key()}", "Content-Type": content_type}
    answer = http.post(f"{server.url}/sendgrid/v3/mail/send", data=body, headers=headers, timeout=10)
    assert (answer.status_code, answer.json()["errors"][0]["message"]) == (status, words)


def test_a_body_above_30_mb_is_too_large(server: SandboxServer, http: requests.Session) -> None:
    headers = {"Authorization": f"Bearer {keys.sendgrid_api_key()}", "Content-Type": "application/json"}
    answer = http.post(
        f"{server.url}/sendgrid/v3/mail/send", data=b" " * (30 * 2**20 + 1), headers=headers, timeout=30
    )
    assert (answer.status_code, answer.json()["errors"][0]["message"]) == (413, "Payload too large")


@pytest.mark.parametrize(
    ("key", "status"), [("SG.wrong", 401), ("", 401), (keys.sendgrid_restricted_api_key(), 403)]
)
def test_a_key_that_may_not_send(
    key: str, status: int, server: SandboxServer, http: requests.Session
) -> None:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    answer = http.post(f"{server.url}/sendgrid/v3/mail/send", json=mail(), headers=headers, timeout=10)
    assert answer.status_code == status
    assert answer.json()["errors"][0].keys() == {"message", "field", "help"}


def test_other_addresses_and_methods(server: SandboxServer, http: requests.Session) -> None:
    headers = {"Authorization": f"Bearer {keys.sendgrid_api_key()}"}
    assert http.get(f"{server.url}/sendgrid/v3/mail/send", headers=headers, timeout=10).status_code == 405
    assert (
        http.post(f"{server.url}/sendgrid/v3/mail", json={}, headers=headers, timeout=10).status_code == 404
    )
