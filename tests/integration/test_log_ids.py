"""One run is followed from its first line to its messages'; one request to its answer."""

import datetime as dt
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from config.logging import JsonFormatter
from jobs.runner import run
from jobs.spec import JobResult
from notifications.enqueue import notify
from notifications.worker import drain
from sandbox.testing import SandboxServer
from tests.catalogue import Install
from tests.factories import CustomerFactory
from tests.integration.api_client import INLINE, program
from tests.messages import PICKUP

NOW = dt.datetime(2026, 11, 28, 15, 0, tzinfo=dt.UTC)


class Kept(logging.Handler):
    """What stands in the log, line by line."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.formatter = JsonFormatter()
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(self.format(record)))

    def of(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == event]


@pytest.fixture
def log() -> Iterator[Kept]:
    handler = Kept()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("templates")
def test_a_run_is_followed_to_what_became_of_its_messages(
    sandbox: SandboxServer, install: Install, log: Kept
) -> None:
    people = [CustomerFactory.create(), CustomerFactory.create(email="")]

    def work(**_: Any) -> JobResult:
        for person in people:
            notify("booking.pickup_today", to=person.pk, channel="email", payload=PICKUP)
        return JobResult()

    install(work)
    report = run("probe", now=NOW, trigger="schedule", slot=NOW)
    drain()
    mine = [line for line in log.lines if line.get("run") == str(report.run_id)]
    assert [line["event"] for line in mine] == [
        "job.started", "notification.enqueued", "notification.enqueued", "job.succeeded", "notification.sent",
    ]  # fmt: skip
    started, first, second, succeeded, sent = mine
    assert (first["queued"], first["withheld"], second["queued"], second["withheld"]) == (1, 0, 0, 1)
    assert started["slot"] == first["slot"] == NOW.isoformat()
    assert isinstance(succeeded["seconds"], float)
    assert sent["drain"]
    assert "slot" not in sent


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("templates")
def test_two_drains_are_told_apart_and_a_message_of_nobody_names_no_run(
    sandbox: SandboxServer, log: Kept
) -> None:
    for _ in range(2):
        notify("booking.pickup_today", to=CustomerFactory.create().pk, channel="email", payload=PICKUP)
        drain()
    sent = log.of("notification.sent")
    assert len({line["drain"] for line in sent}) == 2
    assert not any("run" in line for line in sent)
    assert not log.of("notification.enqueued"), "nobody asked on behalf of a run or a request"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("given", "is_taken"),
    [
        ("3f2b8c6d9e0a4b7f8c1d2e3f4a5b6c7d", True),
        ("018f4e2a-7c4b-7000-8000-1a2b3c4d5e6f", True),
        ("", False),
        ("short", False),
        ("anna.smith@example.com", False),
        ("15065550100", False),
        ("a" * 65, False),
        ("evil id\r\nX-Other: 1", False),
    ],
)
def test_a_requests_id_is_taken_if_it_is_one_and_answered(
    given: str, is_taken: bool, settings: Any, log: Kept
) -> None:
    client = program(settings, "notifications:write")
    response = client.post(
        "/api/admin/notifications",
        json.dumps(INLINE),
        content_type="application/json",
        headers={"X-Request-ID": given, "Idempotency-Key": "k1"},
    )
    assert response.status_code in (200, 201), response.content
    answered = response["X-Request-ID"]
    assert (answered == given) is is_taken
    assert len(answered) == (len(given) if is_taken else 32)
    assert [line["request"] for line in log.of("notification.enqueued")] == [answered]


def test_every_answer_has_an_id() -> None:
    answers = [Client().get(path)["X-Request-ID"] for path in ("/healthz", "/healthz")]
    assert len(set(answers)) == 2
