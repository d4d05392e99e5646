"""The same e-mail to many by one request: what the provider is asked, what each reader sees, and what each answer means."""

import asyncio
import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from anymail.backends.sendgrid import EmailBackend

from notifications.channels.anymail_group import payload_of
from notifications.channels.email import EmailChannel
from notifications.channels.mail import sendgrid_payload
from notifications.errors import Misconfigured, Outcome, Permanent, Sent, Transient, Unknown
from notifications.message import Message, Personalised
from sandbox.testing import SandboxServer
from templates_app.batch import Skeleton
from tests.contract.calls import message

# A local part in quotes is an address to us and no address to SendGrid.
BAD = '"no,address"@example.com'
SKELETON = Skeleton(
    "en",
    {
        "subject": "Offer for -p1-0-",
        "text": "Hello -p1-0-, leave: -p1-1-\n",
        "html": "<p>Hello -p1-0-</p><a href='-p1-1-'>Leave</a>\n",
    },
    ("-p1-0-", "-p1-1-"),
)


def group(count: int, *, bad: Sequence[int] = ()) -> list[Message]:
    made = []
    for i in range(count):
        link = f"https://rental.example/u/{i}"
        made.append(
            replace(
                message("email", ""),
                category="marketing",
                address=BAD if i in bad else f"reader{i}@example.com",
                rendered=Personalised(SKELETON, (f"Reader {i}", link)),
                unsubscribe_url=link,
            )
        )
    return made


def deliver(messages: Sequence[Message]) -> list[Outcome]:
    async def call() -> list[Outcome]:
        channel = EmailChannel()
        try:
            return await channel.deliver_group(messages)
        finally:
            await channel.close()

    return asyncio.run(call())


def requests(sandbox: SandboxServer) -> int:
    count: int = sandbox.stats()["providers"]["sendgrid"]["requests"]
    return count


def test_a_thousand_readers_are_one_request_and_each_is_sent_with_a_reference_of_their_own(
    sandbox: SandboxServer,
) -> None:
    outcomes = deliver(group(1000))
    assert all(isinstance(outcome, Sent) for outcome in outcomes)
    assert len({outcome.reference for outcome in outcomes if isinstance(outcome, Sent)}) == 1000
    totals = sandbox.stats()["totals"]
    assert (requests(sandbox), totals["unique"], totals["duplicates"]) == (1, 1000, 0)


def test_each_reader_sees_what_they_would_see_alone_and_nobody_else(sandbox: SandboxServer) -> None:
    wanted = group(3)
    references = [outcome.reference for outcome in deliver(wanted) if isinstance(outcome, Sent)]
    for one, reference in zip(wanted, references, strict=True):
        (received,) = sandbox.messages(notification_id=str(one.id))
        content = sandbox.message(received["id"])["content"]
        assert {part: content[part] for part in ("subject", "text", "html")} == one.rendered.parts
        assert content["to"] == [{"email": one.address, "name": "Marie Léger"}]
        assert (content["cc"], content["bcc"]) == ([], [])
        assert content["headers"] == {
            "X-Postroom-Id": str(one.id),
            "Content-Language": "en",
            "List-Unsubscribe": f"<{one.unsubscribe_url}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
        assert content["custom_args"] == {"notification_id": str(one.id), "anymail_id": reference}


ANSWERS: dict[str, tuple[dict[str, Any], type[Outcome]]] = {
    "too fast": ({"status": 429, "retry_after": 30}, Transient),
    "a fault": ({"status": 503}, Transient),
    "not our key": ({"status": 401}, Misconfigured),
    "not allowed": ({"status": 403}, Misconfigured),
    "no answer": ({"hang_up": True}, Unknown),
    "no answer, accepted": ({"hang_up": True, "accept_first": True}, Unknown),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_what_the_provider_answers_to_all_is_one_outcome_of_each(answer: str, sandbox: SandboxServer) -> None:
    rule, kind = ANSWERS[answer]
    sandbox.behave("sendgrid", **rule)
    outcomes = deliver(group(5))
    assert len(outcomes) == 5
    assert isinstance(outcomes[0], kind)
    # The very same object, by which the breaker knows that it is one answer.
    assert {id(outcome) for outcome in outcomes} == {id(outcomes[0])}
    assert requests(sandbox) == 1
    if isinstance(outcomes[0], Transient) and answer == "too fast":
        assert outcomes[0].retry_after is not None
        assert outcomes[0].retry_after > dt.timedelta(seconds=25)


def test_a_refusal_of_one_is_theirs_alone(sandbox: SandboxServer) -> None:
    outcomes = deliver(group(20, bad=[3, 11]))
    assert [i for i, outcome in enumerate(outcomes) if isinstance(outcome, Permanent)] == [3, 11]
    assert sum(isinstance(outcome, Sent) for outcome in outcomes) == 18
    totals = sandbox.stats()["totals"]
    assert (totals["unique"], totals["duplicates"]) == (18, 0)
    # All, the two that the refusal names by themselves, and the others once more.
    assert requests(sandbox) == 4


def test_a_refusal_that_names_nobody_sends_each_alone(sandbox: SandboxServer) -> None:
    sandbox.behave("sendgrid", status=400, times=1)
    wanted = group(6)
    assert all(isinstance(outcome, Sent) for outcome in deliver(wanted))
    totals = sandbox.stats()["totals"]
    assert (requests(sandbox), totals["unique"], totals["duplicates"]) == (7, 6, 0)
    (received,) = sandbox.messages(notification_id=str(wanted[5].id))
    assert sandbox.message(received["id"])["content"]["text"] == wanted[5].rendered.parts["text"]


def test_a_refused_group_does_not_outlive_its_lease(sandbox: SandboxServer, settings: Any) -> None:
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "LEASE": dt.timedelta(seconds=0.4)}
    sandbox.behave("sendgrid", status=400, times=1)
    sandbox.behave("sendgrid", latency_ms=150)
    outcomes = deliver(group(40))
    late = [outcome for outcome in outcomes if isinstance(outcome, Transient)]
    assert late
    assert sum(isinstance(outcome, Sent) for outcome in outcomes) == 40 - len(late)


def test_a_bug_in_the_adapter_is_unknown_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    channel = EmailChannel()

    async def fail(_: Sequence[Message]) -> list[Outcome]:
        raise ZeroDivisionError("marie@example.com")

    monkeypatch.setattr(channel, "deliver_together", fail)
    outcomes = asyncio.run(channel.deliver_group(group(2)))
    assert [(o.code, o.error) for o in outcomes if isinstance(o, Unknown)] == [
        ("ZeroDivisionError", "[e-mail]")
    ] * 2


@pytest.mark.parametrize(
    "address", ["o'neil+spam@sub.example.com", '"marie léger"@example.com', "marie@exämple.com"]
)
def test_an_address_reads_as_in_a_request_of_its_own(address: str, settings: Any) -> None:
    backend = EmailBackend()
    one = replace(group(1)[0], address=address)
    together = json.loads(payload_of(backend, [one]).serialize_data())
    alone = json.loads(sendgrid_payload(backend, one).serialize_data())
    assert together["personalizations"][0]["to"] == alone["personalizations"][0]["to"]
    assert together["from"] == alone["from"]
    assert together["tracking_settings"] == alone["tracking_settings"]


@pytest.mark.parametrize(
    ("url", "flagged"), [("https://api.sendgrid.com/v3/", True), ("http://127.0.0.1:1/v3/", False)]
)
def test_sendgrids_own_sandbox_flag_is_set_on_its_real_api_only(
    url: str, *, flagged: bool, settings: Any
) -> None:
    settings.ANYMAIL = {**settings.ANYMAIL, "SENDGRID_API_URL": url}
    payload = json.loads(payload_of(EmailBackend(), group(2)).serialize_data())
    assert payload.get("mail_settings", {}).get("sandbox_mode", {}).get("enable", False) is flagged


@pytest.mark.parametrize(
    ("backend", "most"),
    [
        ("anymail.backends.sendgrid.EmailBackend", 1000),
        ("anymail.backends.postmark.EmailBackend", 1),
        ("django.core.mail.backends.smtp.EmailBackend", 1),
    ],
)
def test_only_a_provider_that_takes_many_is_sent_many(backend: str, most: int, settings: Any) -> None:
    settings.EMAIL_BACKEND = backend
    assert EmailChannel().group_limit == most
