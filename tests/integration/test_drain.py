"""A whole drain against the sandbox providers: what is sent, what waits, what is withheld at the last moment."""

import datetime as dt
import random
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from consent.addresses import blind_index
from consent.models import Suppression, UnsubscribeToken
from consent.preferences import revoke
from notifications.channel_state import pause, resume, state_of
from notifications.enqueue import notify
from notifications.message import Address
from notifications.models import DeliveryAttempt, Notification, PushSubscription
from notifications.replay import replay
from notifications.worker import drain
from sandbox.testing import SandboxServer
from tests.factories import CustomerFactory
from tests.messages import browser, fresh, queued

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("templates")]


def in_an_hour() -> dt.datetime:
    return timezone.now() + dt.timedelta(hours=1)


def test_nothing_due_is_a_quick_and_quiet_answer() -> None:
    report = drain()
    assert (report.claimed, report.released, report.as_dict()["channels"]) == (0, 0, {})


def test_a_failure_waits_and_is_tried_again_until_the_limit(sandbox: SandboxServer) -> None:
    sandbox.behave("sendgrid", status=503)
    row = queued()
    for attempt in (1, 2):
        drain(now=in_an_hour() + dt.timedelta(days=attempt))
        after = fresh(row)
        assert (after.status, after.attempts) == ("queued", attempt)
        assert (after.error or "").startswith("503")
    drain(now=in_an_hour() + dt.timedelta(days=3))
    after = fresh(row)
    assert (after.status, after.attempts) == ("failed", 3)
    assert [a.outcome for a in after.delivery_attempts.all()] == ["transient"] * 3


def test_a_retry_after_is_kept_in_the_schedule(sandbox: SandboxServer) -> None:
    sandbox.behave("sendgrid", status=429, retry_after=120, times=1)
    row = queued()
    drain(rng=random.Random(1))
    assert fresh(row).scheduled_at > timezone.now() + dt.timedelta(seconds=100)


def test_a_wrong_key_pauses_the_channel_and_burns_no_attempt(sandbox: SandboxServer, settings: Any) -> None:
    rows = [queued(), queued()]
    settings.ANYMAIL = {**settings.ANYMAIL, "SENDGRID_API_KEY": "SG.wrong"}
    drain()
    assert {(fresh(row).status, fresh(row).attempts) for row in rows} == {("queued", 0)}
    (stop,) = state_of("email").stops
    assert "refuses us (401)" in stop.reason
    assert drain().claimed == 0
    settings.ANYMAIL = {**settings.ANYMAIL, "SENDGRID_API_KEY": sandbox.environment()["SENDGRID_API_KEY"]}
    resume("email", by="staff:1")
    drain()
    assert {fresh(row).status for row in rows} == {"sent"}


def test_a_paused_channel_waits_and_the_others_go_on(sandbox: SandboxServer) -> None:
    mail, text = queued(), queued(channel="sms")
    pause("email", until=in_an_hour(), reason="Provider is down.", by="staff:1")
    drain()
    assert (fresh(mail).status, fresh(text).status) == ("queued", "sent")


def test_consent_revoked_between_enqueue_and_delivery_withholds(sandbox: SandboxServer) -> None:
    customer = CustomerFactory.create()
    row = queued(customer)
    revoke(
        customer_id=str(customer.pk),
        channel="email",
        category="reminder",
        source="admin",
        actor="staff:1",
        at=timezone.now(),
    )
    drain()
    after = fresh(row)
    assert (after.status, after.attempts) == ("cancelled", 0)
    assert after.metadata["withheld"]["stage"] == "delivery"
    assert sandbox.messages() == []


def test_a_message_that_expired_while_waiting_is_not_sent(sandbox: SandboxServer) -> None:
    row = queued(expires_at=timezone.now() + dt.timedelta(hours=1))
    drain(now=timezone.now() + dt.timedelta(hours=2))
    assert fresh(row).metadata["withheld"]["rule"] == "expired"
    assert sandbox.messages() == []


def test_a_customer_who_vanished_is_withheld(sandbox: SandboxServer) -> None:
    customer = CustomerFactory.create()
    row = queued(customer)
    customer.delete()
    drain()
    assert fresh(row).metadata["withheld"]["rule"] == "recipient.unknown"


def test_a_dead_number_is_suppressed_for_the_next_message(sandbox: SandboxServer) -> None:
    customer = CustomerFactory.create(phone="+15005550004")
    row = queued(customer, channel="sms")
    drain()
    assert fresh(row).status == "failed"
    assert Suppression.objects.get().reason == "opted_out"
    assert queued(customer, channel="sms").metadata["withheld"]["rule"] == "suppressed.opted_out"


def test_a_gone_browser_is_forgotten_and_the_other_gets_the_push(sandbox: SandboxServer) -> None:
    customer = CustomerFactory.create()
    gone = browser(customer, sandbox.url, "old phone")
    kept = browser(customer, sandbox.url, "laptop")
    from notifications.push_subscriptions import targets_of

    endpoints = {
        t.subscription_id: t.endpoint
        for t in targets_of([f"customer:{customer.pk}"])[f"customer:{customer.pk}"]
    }
    sandbox.end_subscription(endpoints[str(gone.pk)])
    row = queued(customer, channel="push")
    drain()
    assert fresh(row).status == "sent"
    assert [s.pk for s in PushSubscription.objects.all()] == [kept.pk]


def test_a_retried_push_goes_only_to_the_browser_that_missed_it(sandbox: SandboxServer) -> None:
    customer = CustomerFactory.create()
    browser(customer, sandbox.url, "a")
    browser(customer, sandbox.url, "b")
    sandbox.behave("webpush", status=503, times=1)
    row = queued(customer, channel="push")
    drain()
    assert fresh(row).status == "queued"
    drain(now=in_an_hour())
    assert fresh(row).status == "sent"
    stats = sandbox.stats()["providers"]["webpush"]
    assert (stats["received"], stats["duplicates"]) == (2, 0)


def test_an_answer_that_is_lost_after_acceptance_follows_the_policy(sandbox: SandboxServer) -> None:
    """E-mail goes again (a double is on record), SMS waits for a person."""
    sandbox.behave("twilio", hang_up=True, accept_first=True, times=1)
    text = queued(channel="sms")
    drain()
    after = fresh(text)
    assert (after.status, after.metadata.get("outcome_unknown")) == ("failed", True)
    assert drain(now=in_an_hour()).claimed == 0


def test_a_template_that_cannot_be_rendered_fails_that_message_alone(sandbox: SandboxServer) -> None:
    good, bad = queued(), queued()
    Notification.objects.filter(pk=bad.pk).update(payload={})
    drain()
    assert fresh(good).status == "sent"
    after = fresh(bad)
    assert (after.status, after.attempts) == ("failed", 0)
    assert "has no value" in (after.error or "")


def test_the_limit_and_the_stop_signal_leave_the_rest_queued(sandbox: SandboxServer) -> None:
    for _ in range(5):
        queued()
    assert drain(limit=2).claimed == 2
    assert Notification.objects.filter(status="sent").count() == 2
    assert drain(stop=lambda: True).claimed == 0
    assert Notification.objects.filter(status="queued", attempts=0).count() == 3


def test_in_app_is_written_with_its_sent_mark_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    from notifications.models import InboxItem

    row = queued(channel="inapp")

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr("notifications.settle.record", fail)
        with pytest.raises(RuntimeError):
            drain()
    assert not InboxItem.objects.exists()
    Notification.objects.filter(pk=row.pk).update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    drain()
    assert (fresh(row).status, InboxItem.objects.count()) == ("sent", 1)
    assert InboxItem.objects.get().user_id == row.recipient_key


def test_only_mail_that_can_be_left_carries_an_unsubscribe_link(sandbox: SandboxServer) -> None:
    customer = CustomerFactory.create(email="Marie@Example.com")
    queued(customer)
    queued(category="transactional")
    drain()
    details = [sandbox.message(m["id"])["content"] for m in sandbox.messages(provider="sendgrid")]
    assert sorted("List-Unsubscribe" in d["headers"] for d in details) == [False, True]
    assert UnsubscribeToken.objects.get().address_hmac == blind_index("email", "marie@example.com")


def test_whoever_is_no_customer_can_leave_too(sandbox: SandboxServer, client: Client) -> None:
    message: dict[str, Any] = {"body": "Hi", "subject": "Hi", "category": "reminder", "channel": "email"}
    notify(to=Address("guest@example.com"), **message)
    drain()
    (line,) = sandbox.messages(provider="sendgrid")
    link = sandbox.message(line["id"])["content"]["headers"]["List-Unsubscribe"].strip("<>")
    assert client.post(urlsplit(link).path, {"List-Unsubscribe": "One-Click"}).status_code == 200
    again = notify(to=Address("guest@example.com"), **message)
    assert [withheld.reason for withheld in again.withheld] == ["The address is suppressed (opted out)."]


def test_every_attempt_is_on_record(sandbox: SandboxServer) -> None:
    row = queued()
    drain()
    attempt = DeliveryAttempt.objects.get(notification=row)
    assert (attempt.number, attempt.provider, attempt.outcome) == (1, "sendgrid", "sent")
    assert attempt.provider_reference
    assert attempt.finished_at >= attempt.started_at


def test_an_address_that_cannot_be_read_fails_alone_and_can_be_replayed(
    sandbox: SandboxServer, settings: Any
) -> None:
    key = settings.FIELD_KEYS
    settings.FIELD_KEYS = ["another key that is long enough for anybody 1234567890"]
    sealed = notify(
        to=Address("guest@example.com"), body="Hi", subject="Hi", category="transactional", channel="email"
    )
    settings.FIELD_KEYS = key
    good = queued()
    drain()
    after = fresh(sealed.queued[0].id)
    assert (after.status, fresh(good).status) == ("failed", "sent")
    assert "FIELD_KEYS" in (after.error or "")
    settings.FIELD_KEYS = [*key, "another key that is long enough for anybody 1234567890"]
    replay([after.pk], by="staff:1", reason="The key is back.")
    drain()
    assert fresh(after).status == "sent"


def test_a_directory_that_fails_gives_the_rows_back_and_is_loud(monkeypatch: pytest.MonkeyPatch) -> None:
    row = queued()

    def fail(*_: Any, **__: Any) -> None:
        raise ConnectionError("directory")

    monkeypatch.setattr("rentals.directory.RentalDirectory.customers", fail)
    with pytest.raises(ConnectionError):
        drain()
    after = fresh(row)
    assert (after.status, after.attempts) == ("queued", 0)


def test_an_in_app_message_that_the_database_refuses_fails_alone() -> None:
    good, bad = queued(channel="inapp"), queued(channel="inapp")
    Notification.objects.filter(pk=bad.pk).update(metadata={"body": "{{equipment}}"})
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE notifications ADD CONSTRAINT test_refuse CHECK (message <> 'CAT 320 excavator')"
        )
    drain()
    assert (fresh(good).status, fresh(bad).status) == ("sent", "failed")
