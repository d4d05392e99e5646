"""What leaves for Sentry names nobody."""

import datetime as dt
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from config.checks import check_watch
from config.sentry import share, start_sentry
from jobs.failure import tell_failure
from jobs.ledger import Order
from notifications.log_ids import log_ids

NOW = dt.datetime(2026, 11, 20, 15, 0, tzinfo=dt.UTC)

# Far from where it is raised: a report shows the source around the line, which is ours and no secret.
PERSONAL = "no answer for anna.smith@example.com\nDETAIL: Failing row contains (7, Anna Smith)"


class Kept(Transport):
    """Keeps what would be sent."""

    sent: list[Any]

    def capture_envelope(self, envelope: Envelope) -> None:
        self.sent.extend(item.payload.json for item in envelope.items)


@pytest.fixture
def sent() -> Iterator[list[Any]]:
    transport = Kept()
    transport.sent = []
    start_sentry(
        dsn="https://key@sentry.example/1",
        environment="test",
        transport=transport,
        default_integrations=False,
    )
    yield transport.sent
    sentry_sdk.init()


def test_an_exception_keeps_its_place_and_loses_its_people(sent: list[Any]) -> None:
    try:
        raise ValueError(PERSONAL)
    except ValueError as error:
        sentry_sdk.capture_exception(error)
    [event] = sent
    [exception] = event["exception"]["values"]
    assert (exception["type"], exception["value"]) == ("ValueError", "no answer for [e-mail]")
    assert exception["stacktrace"]["frames"][-1]["function"].startswith("test_an_exception")
    assert "anna" not in str(event).lower()


def test_a_log_record_keeps_only_its_name(sent: list[Any]) -> None:
    sentry_sdk.capture_event(
        {
            "logentry": {
                "message": "job.failed error=%s",
                "params": ["x anna.smith@example.com"],
                "formatted": "…",
            }
        }
    )
    assert sent[0]["logentry"] == {"message": "job.failed error=%s"}


def test_without_a_dsn_nothing_is_started() -> None:
    start_sentry(dsn="", environment="test", transport=lambda _: 1 / 0)
    sentry_sdk.capture_message("nobody listens")


def test_a_failed_job_is_reported_once_under_its_name(sent: list[Any]) -> None:
    order = Order(uuid.UUID(int=7), "segment_refresh", NOW, "schedule", "", None, dt.timedelta(minutes=5))
    try:
        raise ValueError(PERSONAL)
    except ValueError as error:
        sentence = tell_failure(order, error, seconds=1.5).sentence
    assert sentence == "ValueError: no answer for [e-mail]"
    [event] = sent
    assert event["transaction"] == "segment_refresh"
    assert event["tags"] == {"job": "segment_refresh", "run": str(order.id), "trigger": "schedule"}


def test_what_the_log_says_of_it_are_its_tags(sent: list[Any]) -> None:
    with log_ids(request="r-12345678", drain="d1"):
        sentry_sdk.capture_message("odd")
    sentry_sdk.capture_message("odd")
    assert [event.get("tags") for event in sent] == [{"request": "r-12345678", "drain": "d1"}, {}]


def test_a_call_keeps_the_providers_name_and_not_the_address_that_opens_a_browser(sent: list[Any]) -> None:
    spans: list[dict[str, object]] = [
        {
            "op": "http.client",
            "description": "POST https://push.example/send/s3cret?x=anna",
            "data": {"url": "s3cret"},
        },
        {"op": "db", "description": "SELECT 'anna'", "tags": {"who": "anna"}},
        {"op": "function", "description": "wrote to anna.smith@example.com"},
    ]
    sentry_sdk.capture_event({"type": "transaction", "transaction": "/u/s3cret", "spans": spans, "contexts": {
        "trace": {"op": "task", "data": {"url": "s3cret"}, "description": "anna"}}})  # fmt: skip
    [event] = sent
    assert [span["description"] for span in event["spans"]] == [
        "POST push.example",
        "SELECT ?",
        "wrote to [e-mail]",
    ]
    assert event["contexts"]["trace"] == {"op": "task"}
    assert "s3cret" not in str(event)
    assert "anna" not in str(event)


@pytest.mark.parametrize(
    ("text", "number"),
    [("", 0.0), ("0.05", 0.05), ("1", 1.0), ("2", -1.0), ("-0.1", -1.0), ("some", -1.0), ("nan", -1.0)],
)
def test_a_share_that_is_none_is_named_by_a_check(text: str, number: float, settings: Any) -> None:
    assert share(text) == number
    settings.SENTRY_TRACES_SAMPLE_RATE = share(text)
    assert [message.id for message in check_watch()] == ([] if number >= 0 else ["config.E002"])
