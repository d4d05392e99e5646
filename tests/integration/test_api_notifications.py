"""The queue over HTTP: queueing a message, sending what is due, and seeing what became of it."""

import datetime as dt
import uuid
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from notifications.models import Notification
from tests.integration.api_client import INLINE, program

pytestmark = pytest.mark.django_db

URL = "/api/admin/notifications"
JSON = "application/json"


@pytest.fixture
def ops(settings: Any) -> Client:
    return program(settings)


def post(client: Client, body: dict[str, Any], **options: Any) -> Any:
    return client.post(options.pop("url", URL), body, content_type=JSON, **options)


def test_a_message_is_queued_and_says_who_asked(ops: Client) -> None:
    response = post(ops, {**INLINE, "priority": 1, "scheduled_at": "2030-01-01T08:00:00-04:00"})
    assert response.status_code == 201
    data = response.json()["data"]
    assert (len(data["queued"]), data["existing"], data["withheld"]) == (1, [], [])
    row = Notification.objects.get()
    assert str(row.pk) == data["queued"][0]["id"]
    assert (row.status, row.priority) == ("queued", 1)
    assert row.scheduled_at == dt.datetime(2030, 1, 1, 12, 0, tzinfo=dt.UTC)
    assert row.metadata["origin"] == {"api": "token:ops"}


def test_a_dry_run_checks_everything_and_keeps_nothing(ops: Client) -> None:
    response = post(ops, INLINE, url=f"{URL}?dry_run=1")
    assert response.status_code == 200
    assert len(response.json()["data"]["queued"]) == 1
    assert not Notification.objects.exists()


def test_the_same_key_in_the_body_queues_once(ops: Client) -> None:
    first = post(ops, {**INLINE, "idempotency_key": "quote:1"}).json()["data"]
    second = post(ops, {**INLINE, "idempotency_key": "quote:1"}).json()["data"]
    assert [receipt["id"] for receipt in second["existing"]] == [first["queued"][0]["id"]]
    assert Notification.objects.count() == 1


def test_a_message_that_may_not_be_sent_answers_the_reason(ops: Client) -> None:
    data = post(ops, {**INLINE, "category": "marketing"}).json()["data"]
    [receipt] = data["withheld"]
    assert receipt["rule"].startswith("consent.")
    assert receipt["reason"]
    assert Notification.objects.get().status == "cancelled"


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"template": "no.such"}, "unknown_template", "template"),
        ({"to": {"customer": str(uuid.uuid4())}}, "unknown_recipient", "to"),
        ({"to": {"customer": "not a uuid"}}, "unknown_recipient", "to"),
        ({"to": {"staff": "99999999"}}, "unknown_recipient", "to"),
        ({"to": {"group": "no_such_group"}}, "unknown_group", "to"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expired", "expires_at"),
        ({"idempotency_key": "anna@example.com"}, "bad_key", "idempotency_key"),
        ({"category": None}, "missing_text", "template"),
        ({"payload": {"text": "x" * 70_000}}, "too_large", "payload"),
        ({"channel": "pigeon"}, "invalid", "channel"),
        ({"channel": []}, "invalid", "channel"),
        ({"to": {}}, "invalid", "to"),
        ({"to": {"customer": "1", "staff": "2"}}, "invalid", "to"),
        ({"priority": 4}, "invalid", "priority"),
        ({"surprise": True}, "invalid", "surprise"),
        ({"scheduled_at": "2026-11-20T08:00:00"}, "invalid", "scheduled_at"),
    ],
)
def test_a_request_that_cannot_be_right_names_the_field(
    ops: Client, change: dict[str, Any], code: str, field: str
) -> None:
    response = post(ops, {**INLINE, **change})
    assert response.status_code == 422, response.content
    error = response.json()["error"]
    assert error["code"] == code
    assert [name for name in error["fields"] if name.split(".")[0] == field]
    assert not Notification.objects.exists()


def test_one_notification_tells_its_story_and_hides_the_address(ops: Client) -> None:
    made = post(ops, INLINE).json()["data"]["queued"][0]
    response = ops.get(f"{URL}/{made['id']}")
    assert response.status_code == 200
    data = response.json()["data"]
    assert (data["status"], data["attempts"], data["category"], data["template"]) == (
        "queued",
        0,
        "transactional",
        None,
    )
    assert [event["kind"] for event in data["timeline"]] == ["asked", "allowed", "now"]
    assert "token:ops" in data["timeline"][0]["text"]
    assert b"anna.smith" not in response.content
    assert b"ready" not in response.content


def test_an_unknown_notification_is_a_404(ops: Client) -> None:
    response = ops.get(f"{URL}/{uuid.uuid4()}")
    assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("sandbox", "templates")
def test_processing_sends_what_is_due_up_to_the_limit(ops: Client) -> None:
    for number in range(3):
        post(ops, {**INLINE, "idempotency_key": f"quote:{number}"})
    response = post(ops, {"limit": 2, "channel": "email"}, url=f"{URL}/process")
    assert response.status_code == 200
    data = response.json()["data"]
    assert (data["claimed"], data["channels"]) == (2, {"email": {"sent": 2}})
    assert Notification.objects.filter(status="sent").count() == 2
    assert post(ops, {"channel": "sms"}, url=f"{URL}/process").json()["data"]["claimed"] == 0


@pytest.mark.parametrize("body", [{"budget_seconds": 21}, {"limit": 0}, {"channel": "pigeon"}, {"extra": 1}])
def test_processing_is_bounded(ops: Client, body: dict[str, Any]) -> None:
    assert post(ops, body, url=f"{URL}/process").status_code == 422


def test_the_queue_tells_its_depth_and_how_long_the_oldest_waits(
    ops: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        post(ops, {**INLINE, "idempotency_key": f"quote:{number}"})
    post(ops, {**INLINE, "scheduled_at": "2090-01-01T00:00:00Z"})
    post(ops, {**INLINE, "category": "marketing"})
    oldest = Notification.objects.filter(status="queued").order_by("scheduled_at").first()
    assert oldest is not None
    Notification.objects.filter(pk=oldest.pk).update(scheduled_at=timezone.now() - dt.timedelta(minutes=5))

    data = ops.get("/api/admin/queue").json()["data"]
    depths = {(depth["status"], depth["channel"]): depth for depth in data["depths"]}
    assert depths["queued", "email"] == {"status": "queued", "channel": "email", "count": 4, "capped": False}
    assert depths["cancelled", "email"]["count"] == 1
    assert depths["queued", "sms"]["count"] == 0
    assert 300 <= data["oldest_due_seconds"]["email"] < 330
    assert data["oldest_due_seconds"]["sms"] == 0

    monkeypatch.setattr("notifications.stats.CAP", 2)
    [email] = [
        d
        for d in ops.get("/api/admin/queue").json()["data"]["depths"]
        if (d["status"], d["channel"]) == ("queued", "email")
    ]
    assert (email["count"], email["capped"]) == (2, True)
