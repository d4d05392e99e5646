"""One message's page, and its text: the story for everyone who may see the queue, the words for readers of bodies only."""

import datetime as dt
import uuid
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from consent.models import UnsubscribeToken
from notifications.models import Notification
from notifications.rendered_again import shown_payload
from tests.factories import CustomerFactory
from tests.messages import queued
from tests.notification_factories import (
    DeliveryAttemptFactory,
    NotificationFactory,
    ProviderEventFactory,
    sealed,
)
from tests.operators import CANCEL, QUEUE, READ, REPLAY, VIEW, operator, operator_user, seen

pytestmark = pytest.mark.django_db


def page_of(row: Notification) -> str:
    return f"{QUEUE}{row.pk}/change/"


def body_of(row: Notification) -> str:
    return f"{QUEUE}{row.pk}/body/"


def failed_message() -> Notification:
    row = NotificationFactory.create(
        status="failed",
        attempts=2,
        error="550: refused",
        idempotency_key="invoice:17",
        to=sealed("jo.stranger@example.org", "Jo"),
        payload={"amount": "12 CAD", "name": "Jo"},
        subject="Dear Jo",
    )
    start = dt.datetime(2026, 11, 20, 15, tzinfo=dt.UTC)
    for number, outcome in ((1, "transient"), (2, "permanent")):
        DeliveryAttemptFactory.create(
            notification=row,
            number=number,
            outcome=outcome,
            provider_code="550",
            error="refused by [e-mail]",
            retry_after=dt.timedelta(seconds=30) if number == 1 else None,
            started_at=start + dt.timedelta(minutes=number),
            finished_at=start + dt.timedelta(minutes=number, milliseconds=140),
        )
    ProviderEventFactory.create(notification_id=row.pk, event_type="bounced")
    history = [
        {"what": "replayed", "by": "staff:3", "reason": "The provider was down", "at": start.isoformat()}
    ]
    row.metadata["history"] = history
    row.save(update_fields=["metadata"])
    return row


# ── The story ───────────────────────────────────────────────────────────────────────────────────────────
def test_the_page_tells_the_story_in_order_without_a_word_of_the_text() -> None:
    row = failed_message()
    page = seen(operator(VIEW).get(page_of(row)))
    told = [
        "Replayed by staff:3: The provider was down",
        "Attempt 1 through sendgrid, 140 ms: transient (550: refused by [e-mail]).",
        "Attempt 2 through sendgrid, 140 ms: permanent (550: refused by [e-mail]).",
        "Asked for by job booking_reminders",
        "Allowed when it was queued",
        "sendgrid reported: bounced.",
        "Failed for good: 550: refused",
    ]
    assert [text for text in told if text not in page] == []
    assert page.index(told[0]) < page.index(told[1]) < page.index(told[2]) < page.index(told[-1])
    for fact in ("invoice:17", "j•••@e•••.org", "30 s", "Permanent failure", "amount, name", str(row.pk)):
        assert fact in page
    for secret in ("Dear Jo", "12 CAD", "stranger", "please pay"):
        assert secret not in page


def test_a_message_sent_again_names_its_parent_and_its_children() -> None:
    parent = NotificationFactory.create(status="sent")
    child = NotificationFactory.create(status="queued", parent=parent)
    client = operator(VIEW)
    assert page_of(child) in client.get(page_of(parent)).content.decode()
    assert page_of(parent) in client.get(page_of(child)).content.decode()


def test_the_pinned_version_is_a_link(templates: None) -> None:
    row = queued()
    url = reverse("admin:templates_app_notificationtemplateversion_change", args=[row.template_version_id])
    response = operator(VIEW, "templates_app.view_notificationtemplateversion").get(page_of(row))
    assert "booking.pickup_today v1" in seen(response)
    assert f'href="{url}"' in response.content.decode()
    assert url not in operator(VIEW).get(page_of(row)).content.decode(), "who may not open it has no link"


def test_the_page_costs_the_same_however_long_the_story_is(django_assert_num_queries: Any) -> None:
    short = NotificationFactory.create(status="failed", idempotency_key="invoice:16")
    DeliveryAttemptFactory.create(notification=short)
    long = failed_message()
    # One act of a person, whose name is one question more than none; a second person costs nothing.
    short.metadata["history"] = long.metadata["history"]
    long.metadata["history"] = [{**long.metadata["history"][0], "by": f"staff:{n}"} for n in range(20)]
    for row in (short, long):
        row.save(update_fields=["metadata"])
    for _ in range(20):
        ProviderEventFactory.create(notification_id=long.pk)
    client = operator(VIEW)
    client.get(page_of(short))
    with CaptureQueriesContext(connection) as captured:
        client.get(page_of(short))
    with django_assert_num_queries(len(captured)):
        client.get(page_of(long))


@pytest.mark.parametrize("path", ["0b0f7c1e-6f2e-4c43-9d2b-0d8f6a1c2b3d/change/", "no-id-at-all/change/"])
def test_a_message_that_is_not_there_leads_back(path: str) -> None:
    assert operator(VIEW).get(f"{QUEUE}{path}").status_code == 302


def test_the_page_takes_no_changes() -> None:
    row = NotificationFactory.create()
    assert operator("*").post(page_of(row), {"status": "sent"}).status_code == 405
    assert operator("*").post(f"{QUEUE}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert operator("*").post(f"{QUEUE}add/", {"channel": "email"}).status_code == 403
    row.refresh_from_db()
    assert row.status == "queued"


@pytest.mark.parametrize(
    ("status", "permissions", "buttons"),
    [
        ("failed", (REPLAY, CANCEL), ["Replay…"]),
        ("sent", (REPLAY, CANCEL), ["Send again…"]),
        ("cancelled", (REPLAY, CANCEL), ["Send again…"]),
        ("queued", (REPLAY, CANCEL), ["Cancel…"]),
        ("processing", (REPLAY, CANCEL), []),
        ("failed", (CANCEL,), []),
        ("queued", (REPLAY,), []),
        ("failed", (READ,), ["Read the message"]),
        ("failed", (), []),
    ],
)
def test_only_the_buttons_one_may_use_are_there(
    status: str, permissions: tuple[str, ...], buttons: list[str]
) -> None:
    page = seen(operator(VIEW, *permissions).get(page_of(NotificationFactory.create(status=status))))
    every = ("Replay…", "Send again…", "Cancel…", "Read the message")
    assert [button for button in every if button in page] == buttons


# ── The text ────────────────────────────────────────────────────────────────────────────────────────────
def test_reading_a_message_shows_its_parts_and_is_on_record(templates: None) -> None:
    customer = CustomerFactory.create(first_name="Marie")
    row = queued(customer)
    user = operator_user(VIEW, READ)
    client = Client()
    client.force_login(user)
    page = seen(client.get(body_of(row)))
    assert "[Sandbox]" in page
    assert "Hello Marie," in page
    assert "CAT 320 excavator" in page
    assert customer.email not in page
    [entry] = LogEntry.objects.filter(object_id=str(row.pk))
    assert (entry.user_id, entry.change_message) == (user.pk, "read the text of the message")
    assert not UnsubscribeToken.objects.exists(), "looking issues no token"
    assert "the-link-of-the-real-message" in page


def test_the_html_stands_in_a_frame_that_can_do_nothing(templates: None) -> None:
    row = queued()
    client = operator(VIEW, READ)
    frame = client.get(f"{body_of(row)}html/")
    assert frame.status_code == 200
    assert b"<html" in frame.content
    policy = {
        line.strip().split(" ")[0]: line.strip() for line in frame["Content-Security-Policy"].split(";")
    }
    assert policy["sandbox"] == "sandbox", "no allowance: no scripts, no forms, no origin"
    assert policy["default-src"] == "default-src 'none'"
    assert policy["img-src"] == "img-src data:"
    assert policy["style-src"] == "style-src 'unsafe-inline'"
    assert "no-store" in frame["Cache-Control"]
    assert LogEntry.objects.filter(object_id=str(row.pk), change_message__contains="HTML").count() == 1
    page = client.get(body_of(row))
    assert 'sandbox=""' in page.content.decode()
    assert "frame-src 'self'" in page["Content-Security-Policy"]


def test_an_sms_is_counted_in_segments(templates: None) -> None:
    row = queued(channel="sms")
    page = seen(operator(VIEW, READ).get(body_of(row)))
    assert "characters of GSM-7" in page
    assert operator(VIEW, READ).get(f"{body_of(row)}html/").status_code == 404


@pytest.mark.parametrize(("channel", "parts"), [("push", ("Title", "Body")), ("inapp", ("Title", "Message"))])
def test_push_and_in_app_show_their_parts(channel: str, parts: tuple[str, ...], templates: None) -> None:
    page = seen(operator(VIEW, READ).get(body_of(queued(channel=channel))))
    assert all(part in page for part in parts)


def test_a_sensitive_value_stays_masked_even_for_readers(templates: None) -> None:
    row = queued()
    version = row.template_version
    assert version is not None
    placeholders = [{**p, "sensitive": p["name"] == "booking_number"} for p in version.placeholders]
    # A published version is immutable; what a reader is shown is what its placeholders say.
    version.placeholders = placeholders
    assert shown_payload(row)["booking_number"] == "•••"
    assert shown_payload(row)["equipment"] == "CAT 320 excavator"


def test_an_inline_text_to_an_address_is_rendered_too(templates: None) -> None:
    row = NotificationFactory.create(
        to=sealed("jo@example.org", "Jo"),
        subject="Invoice {{number}}",
        payload={"number": "17", "amount": "12"},
    )
    page = seen(operator(VIEW, READ).get(body_of(row)))
    assert "Invoice 17" in page
    assert "please pay 12" in page
    assert "Stop e-mails like this one" not in page, "nobody leaves an invoice"
    assert "jo@example.org" not in page


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"to": {"customer_id": str(uuid.uuid4())}}, "Nobody has this recipient's id any more"),
        ({"payload": {}}, "has no value"),
        ({"to": {"address": {**sealed("jo@example.org")["address"], "sealed": "broken"}}}, "FIELD_KEYS"),
    ],
)
def test_what_cannot_be_rendered_says_why(change: dict[str, Any], problem: str, templates: None) -> None:
    row = NotificationFactory.create(**{"to": sealed("jo@example.org"), "payload": {"amount": "1"}, **change})
    assert problem in seen(operator(VIEW, READ).get(body_of(row)))
    assert operator(VIEW, READ).get(f"{body_of(row)}html/").status_code == 404


@pytest.mark.parametrize("path", ["body/", "body/html/"])
@pytest.mark.parametrize("permissions", [(VIEW,), (READ,), (VIEW, REPLAY, CANCEL)])
def test_the_text_is_for_readers_only(path: str, permissions: tuple[str, ...], templates: None) -> None:
    row = queued()
    assert operator(*permissions).get(f"{QUEUE}{row.pk}/{path}").status_code == 403
    assert not LogEntry.objects.filter(object_id=str(row.pk)).exists()
