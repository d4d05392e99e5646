"""SendGrid's event webhook: only what they signed, lately; each event once; nothing of an address; never a 500."""

import base64
import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.checks import run_checks
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from notifications.models import ProviderEvent
from notifications.webhooks import sendgrid_events
from sandbox import keys
from tests.notification_factories import NotificationFactory
from tests.webhooks import event, sendgrid_post

pytestmark = pytest.mark.django_db


@pytest.fixture
def bare() -> Client:
    """A client that insists on CSRF tokens where one is needed, and shows a 500 instead of raising."""
    return Client(enforce_csrf_checks=True, raise_request_exception=False)


def test_a_signed_batch_is_stored_event_by_event(bare: Client) -> None:
    row = NotificationFactory.create(status="sent")
    response = sendgrid_post(bare, [event("processed", row.pk), event("delivered", row.pk)])
    assert (response.status_code, response.content) == (200, b"Stored 2 of 2 events.\n")
    stored = ProviderEvent.objects.order_by("id")
    assert {one.event_type for one in stored} == {"processed", "delivered"}
    assert {one.notification_id for one in stored} == {row.pk}
    assert {one.reference for one in stored} == {"ref-1"}
    assert not stored.exclude(applied_at=None).exists()


def test_the_same_events_again_are_the_same_events(bare: Client) -> None:
    batch = [event("delivered"), event("bounce")]
    assert [sendgrid_post(bare, batch).status_code for _ in range(3)] == [200] * 3
    sendgrid_post(bare, [*batch, *batch])
    assert ProviderEvent.objects.count() == 2


def test_an_event_without_an_id_is_known_again_too(bare: Client) -> None:
    nameless = event("delivered")
    del nameless["sg_event_id"]
    for _ in range(2):
        sendgrid_post(bare, [nameless])
    assert ProviderEvent.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"signature": ""}, 403),
        ({"signature": "no base64!"}, 403),
        ({"signature": base64.b64encode(b"no signature").decode()}, 403),
        ({"seed": "somebody else"}, 403),
        ({"sent": b"[]"}, 403),
        ({"timestamp": "soon"}, 400),
        ({"timestamp": "9" * 30}, 400),
        ({"age": 26 * 3600}, 403),
        ({"age": -26 * 3600}, 403),
    ],
    ids=str,
)
def test_what_sendgrid_did_not_sign_lately_is_refused(
    change: dict[str, Any], status: int, bare: Client
) -> None:
    assert sendgrid_post(bare, [event("delivered")], **change).status_code == status
    assert not ProviderEvent.objects.exists()


def test_the_signature_covers_the_timestamp(bare: Client) -> None:
    old = sendgrid_post(bare, [], age=26 * 3600).wsgi_request
    signature = old.headers["X-Twilio-Email-Event-Webhook-Signature"]
    assert sendgrid_post(bare, [], signature=signature).status_code == 403


def test_how_old_a_post_may_be_is_a_setting(bare: Client, settings: Any) -> None:
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "WEBHOOK_AGE": dt.timedelta(minutes=10)}
    assert sendgrid_post(bare, [], age=11 * 60).status_code == 403
    assert sendgrid_post(bare, [], age=9 * 60).status_code == 200


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"null", b"3", b'"[]"', b"[", b"\xff", b"[" * 100_000, b"[" + b"9" * 5000 + b"]", b"<html>"],
    ids=lambda body: repr(body[:12]),
)
def test_a_signed_body_that_is_no_list_is_refused_in_a_line(body: bytes, bare: Client) -> None:
    response = sendgrid_post(bare, body)
    assert response.status_code == 400
    assert len(response.content) < 60


@pytest.mark.parametrize(
    "strange",
    [
        None, 3, "delivered", [], {}, {"event": None}, {"event": 7}, {"event": ["delivered"]}, {"event": "pondered"},
        {"event": "delivered", "email": 5, "sg_event_id": {}, "timestamp": "late", "notification_id": 4},
        {"event": "delivered", "sg_event_id": "\0\ud800", "email": "\0", "sg_message_id": "\ud83d", "timestamp": -1e300},
        {"event": "delivered", "sg_event_id": "x" * 9999, "notification_id": "x" * 9999, "timestamp": 10**30},
        {"event": "bounce", "reason": "\0" * 5000, "type": None, "status": 5, "email": "@" * 9999, "timestamp": True},
        {"event": "delivered", "timestamp": float("nan"), "email": "ada@example.com"},
    ],
    ids=lambda strange: repr(strange)[:50],
)  # fmt: skip
def test_a_strange_event_stops_no_other(strange: Any, bare: Client) -> None:
    response = sendgrid_post(bare, [strange, event("delivered")])
    assert response.status_code == 200
    assert ProviderEvent.objects.filter(reference="ref-1").count() == 1


def test_what_is_too_much_is_refused(bare: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sendgrid_post(bare, b" " * (sendgrid_events.BIGGEST + 1)).status_code == 413
    monkeypatch.setattr(sendgrid_events, "MOST", 3)
    assert sendgrid_post(bare, [event("delivered")] * 4).status_code == 413


def test_a_batch_larger_than_a_form_may_be_is_taken_in_as_many_statements_as_a_small_one(
    bare: Client,
) -> None:
    counts = []
    for size in (10, 10_000):
        body = json.dumps([event("delivered", url="u" * 200) for _ in range(size)]).encode()
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert sendgrid_post(bare, body).status_code == 200
        counts.append(len(queries))
    assert len(body) > 2_621_440  # Django's limit for forms
    assert counts[0] == counts[1] == 2
    assert ProviderEvent.objects.count() == 10_010


def test_no_column_holds_an_address_or_the_name_before_it(bare: Client) -> None:
    batch = [
        event("bounce", reason="550 5.1.1 <ada.lovelace@example.com>: user ada.lovelace unknown"),
        event("dropped", reason="Bounced Address: Ada.Lovelace@Example.com"),
        event("spamreport", useragent="ada.lovelace@example.com", ip="192.0.2.7"),
        event("bounce", reason="550 user ADA.LOVELACE does not live here"),
    ]
    for one in batch:
        one["email"] = "ada.lovelace@example.com"
    assert sendgrid_post(bare, batch).status_code == 200
    stored = " ".join(str(row) for row in ProviderEvent.objects.values()).lower()
    assert "lovelace" not in stored
    assert "192.0.2.7" not in stored
    assert {row.address_hint for row in ProviderEvent.objects.all()} == {"a•••@e•••.com"}
    assert all(len(row.address_hmac) == 64 for row in ProviderEvent.objects.all())


@pytest.mark.parametrize(
    ("name", "fields", "word", "code"),
    [
        ("bounce", {"type": "bounce", "status": "5.1.1"}, "bounced", "bounce"),
        ("bounce", {"type": "bounce", "status": "4.2.2"}, "bounced", "blocked"),
        ("bounce", {"type": "blocked", "status": "5.7.1"}, "bounced", "blocked"),
        ("bounce", {}, "bounced", "bounce"),
        ("dropped", {"reason": "Bounced Address"}, "dropped", "dropped:bounced address"),
        ("spamreport", {}, "complained", "spamreport"),
        ("unsubscribe", {}, "unsubscribed", "unsubscribe"),
        ("group_unsubscribe", {}, "unsubscribed", "group_unsubscribe"),
        ("deferred", {}, "deferred", "deferred"),
    ],
)  # fmt: skip
def test_their_words_become_ours(
    name: str, fields: dict[str, str], word: str, code: str, bare: Client
) -> None:
    sendgrid_post(bare, [event(name, **fields)])
    stored = ProviderEvent.objects.get()
    assert (stored.event_type, stored.code) == (word, code)


@pytest.mark.parametrize(
    ("address", "name", "fields", "code"),
    [
        ("ed@example.com", "dropped", {"reason": "Bounced Address"}, "dropped:bounced address"),
        ("in@example.com", "dropped", {"reason": "Invalid: in@example.com"}, "dropped:invalid"),
        ("bo@example.com", "bounce", {"type": "bounce", "status": "5.1.1"}, "bounce"),
        ("4.@example.com", "bounce", {"type": "bounce", "status": "4.2.2"}, "blocked"),
    ],
)
def test_a_short_name_that_is_masked_in_their_words_changes_nothing_of_their_meaning(
    address: str, name: str, fields: dict[str, str], code: str, bare: Client
) -> None:
    sendgrid_post(bare, [event(name, email=address, **fields)])
    assert ProviderEvent.objects.get().code == code


def test_who_opened_and_clicked_is_not_kept_unless_it_is_asked_for(bare: Client, settings: Any) -> None:
    batch = [event("open"), event("click"), event("group_resubscribe")]
    assert sendgrid_post(bare, batch).content == b"Stored 0 of 3 events.\n"
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "ENGAGEMENT": True}
    sendgrid_post(bare, batch)
    assert set(ProviderEvent.objects.values_list("event_type", flat=True)) == {"opened", "clicked"}


@pytest.mark.parametrize("key", ["", "no key", base64.b64encode(b"no key").decode()])
def test_without_a_key_nothing_is_taken_and_sendgrid_is_told_to_come_again(
    key: str, bare: Client, settings: Any
) -> None:
    settings.SENDGRID_WEBHOOK_KEY = key
    assert sendgrid_post(bare, [event("delivered")]).status_code == 503
    assert not ProviderEvent.objects.exists()


def test_the_key_may_be_given_as_a_file_has_it(bare: Client, settings: Any) -> None:
    key = keys.sendgrid_webhook_public_key()
    settings.SENDGRID_WEBHOOK_KEY = (
        f"-----BEGIN PUBLIC KEY-----\n{key[:64]}\n{key[64:]}\n-----END PUBLIC KEY-----\n"
    )
    assert sendgrid_post(bare, [event("delivered")]).status_code == 200


RSA = base64.b64encode(b"MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAK").decode()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SENDGRID_WEBHOOK_KEY", "SG.abc", "is no public key"),
        ("SENDGRID_WEBHOOK_KEY", RSA, "is no public key"),
        ("WEBHOOK_AGE", 600, "is no such length of time"),
        ("ENGAGEMENT", "yes", "is neither True nor False"),
        ("TWILIO_ANSWERS_KEYWORDS", "no", "is neither True nor False"),
        ("COMPLAINTS", {"warn_at": 1}, "is no notifications.complaint_policy.ComplaintPolicy"),
    ],
)
def test_a_setting_that_cannot_be_is_named_by_the_checks(
    name: str, value: Any, words: str, settings: Any
) -> None:
    if name.startswith("SENDGRID"):
        settings.SENDGRID_WEBHOOK_KEY = value
    else:
        settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, name: value}
    found = [error.msg for error in run_checks() if error.id == "postroom.E010"]
    assert len(found) == 1
    assert name in found[0]
    assert words in found[0]


def test_a_task_is_asked_for_once_while_reports_wait(
    bare: Client,
    settings: Any,
    django_capture_on_commit_callbacks: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("jobs.tasks.async_task", lambda name, **_: asked.append(name))
    for _ in range(3):
        with django_capture_on_commit_callbacks(execute=True):
            sendgrid_post(bare, [event("delivered")])
    assert asked == ["jobs.tasks.apply_feedback"]
