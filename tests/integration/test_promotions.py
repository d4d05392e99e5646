"""A promotion to many, through the whole street: few requests, and for each recipient what a message alone would have."""

import datetime as dt
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.db.models import Count
from django.utils import timezone

from benchmarks.stage import database_url
from consent.ledger import Change
from consent.models import UnsubscribeToken
from consent.preferences import record_many, revoke
from consent.suppress import suppress
from notifications.channel_state import state_of
from notifications.claim import claim
from notifications.enqueue import notify_many
from notifications.message import NotifyRequest
from notifications.models import DeliveryAttempt, Notification
from notifications.worker import drain
from rentals.models import Customer
from sandbox.testing import SandboxServer
from tests.factories import CustomerFactory
from tests.messages import LEASE, fresh, queued
from tests.notification_factories import NotificationFactory
from tests.waiting import eventually

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("templates")]

OFFER = {
    "name": "Winter earthworks & more",
    "discount": "15%",
    "ends_on": "2026-12-15",
    "promo_url": "https://rental.example/promotions/winter?a=1&b=2",
}


def readers(count: int) -> list[Customer]:
    """Customers who asked for offers; every third reads French, some have no first name."""
    made = [
        CustomerFactory.build(
            first_name="" if i % 7 == 6 else f"Zoë {i} <&>", locale="fr" if i % 3 == 2 else "en"
        )
        for i in range(count)
    ]
    Customer.objects.bulk_create(made)
    record_many(
        Change(
            customer_id=str(customer.pk),
            channel="email",
            category="marketing",
            enabled=True,
            source="web_form",
            actor="customer",
            at=timezone.now(),
            wording="Send me offers.",
        )
        for customer in made
    )
    return made


def promote(customers: Sequence[Customer]) -> dict[str, Notification]:
    """One promotion queued for each, by the customer's id."""
    result = notify_many(
        NotifyRequest("promotion.announcement", to=customer.pk, channel="email", payload=OFFER)
        for customer in customers
    )
    assert len(result.queued) == len(customers)
    rows = Notification.objects.filter(category="marketing", status="queued")
    return {row.to["customer_id"]: row for row in rows}


def sendgrid(sandbox: SandboxServer) -> dict[str, Any]:
    found: dict[str, Any] = sandbox.stats()["providers"]["sendgrid"]
    return found


def test_each_of_many_has_one_outcome_one_attempt_and_the_text_of_their_own(sandbox: SandboxServer) -> None:
    customers = readers(2_500)
    rows = promote(customers)
    ids = [str(customer.pk) for customer in customers]
    left, dead, capped, broken, quoted = ids[5], ids[1200], ids[1800], ids[2400], ids[77]
    revoke(
        customer_id=left,
        channel="email",
        category="marketing",
        source="admin",
        actor="staff:1",
        at=timezone.now(),
    )
    suppress(channel="email", address=customers[1200].email, reason="hard_bounce")
    NotificationFactory(
        category="marketing", status="sent", to={"customer_id": capped}, last_attempt_at=timezone.now()
    )
    Notification.objects.filter(pk=rows[broken].pk).update(payload={"name": "x"})
    # An address to us, and none to SendGrid: it spoils the request that it is in.
    Customer.objects.filter(pk=quoted).update(email='"no,address"@example.com')
    report = drain()
    not_sent = {left: "cancelled", dead: "cancelled", capped: "cancelled", broken: "failed", quoted: "failed"}
    after = {
        row.to["customer_id"]: row
        for row in Notification.objects.filter(pk__in=[r.pk for r in rows.values()])
    }
    assert {who: row.status for who, row in after.items()} == {who: not_sent.get(who, "sent") for who in ids}
    assert after[left].metadata["withheld"]["rule"] == "consent.revoked"
    assert after[dead].metadata["withheld"]["rule"] == "suppressed.hard_bounce"
    assert after[capped].metadata["withheld"]["rule"] == "frequency_cap"
    assert "has no value" in (after[broken].error or "")
    assert report.counts == Counter(
        {("email", "sent"): 2495, ("email", "cancelled"): 3, ("email", "failed"): 2}
    )
    # One attempt each, with a reference of its own; none where nothing was sent.
    tried = DeliveryAttempt.objects.values("notification").annotate(times=Count("pk"))
    assert {entry["times"] for entry in tried} == {1}
    assert {a.notification_id for a in DeliveryAttempt.objects.all()} == {
        after[who].pk for who in ids if not_sent.get(who) != "cancelled" and who != broken
    }
    assert (
        DeliveryAttempt.objects.filter(outcome="sent").aggregate(
            n=Count("provider_reference", distinct=True)
        )["n"]
        == 2495
    )
    # Received once each, in few requests (one of them was refused for one address, and sent again without it).
    counts = sendgrid(sandbox)
    assert (counts["unique"], counts["duplicates"]) == (2495, 0)
    assert counts["requests"] < 20
    assert UnsubscribeToken.objects.filter(notification_id=after[ids[0]].pk).count() == 1


def test_what_a_reader_of_many_receives_is_what_they_would_receive_alone(
    sandbox: SandboxServer, settings: Any
) -> None:
    customers = readers(14)

    def received() -> dict[str, Any]:
        sandbox.reset()
        Notification.objects.all().delete()
        promote(customers)
        drain()
        found = {}
        for entry in sandbox.messages():
            content = sandbox.message(entry["id"])["content"]
            (token,) = UnsubscribeToken.objects.filter(notification_id=entry["notification_id"])
            secret = content["headers"]["List-Unsubscribe"].strip("<>/").rpartition("/")[2]
            assert token.customer_id is not None
            found[token.customer_id] = {
                part: content[part].replace(secret, "TOKEN") for part in ("subject", "text", "html")
            } | {"to": content["to"], "language": content["headers"]["Content-Language"]}
            assert "TOKEN" in found[token.customer_id]["text"]
        return found

    together = received()
    assert sendgrid(sandbox)["requests"] == 2  # a language each
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "BATCHED_CATEGORIES": frozenset()}
    alone = received()
    assert sendgrid(sandbox)["requests"] == 14
    assert together == alone
    assert len(alone) == 14


def test_a_group_that_fails_is_one_fault_of_the_provider(sandbox: SandboxServer) -> None:
    rows = promote(readers(50))
    sandbox.behave("sendgrid", status=503, times=2)
    drain()
    assert {(fresh(row).status, fresh(row).attempts) for row in rows.values()} == {("queued", 1)}
    assert not state_of("email").stops
    drain(now=timezone.now() + dt.timedelta(hours=1))
    assert {(fresh(row).status, fresh(row).attempts) for row in rows.values()} == {("sent", 2)}


def test_a_wrong_key_hands_back_all_that_waits(sandbox: SandboxServer, settings: Any) -> None:
    promote(readers(300))
    sandbox.behave("sendgrid", latency_ms=400)  # long enough for more to be claimed meanwhile
    settings.ANYMAIL = {**settings.ANYMAIL, "SENDGRID_API_KEY": "SG.wrong"}
    drain()
    assert state_of("email").stops
    assert set(Notification.objects.values_list("status", "attempts")) == {("queued", 0)}
    assert sendgrid(sandbox)["requests"] == 2  # those in flight; the groups that waited were not even tried


def test_a_lost_answer_leaves_each_of_a_promotion_unknown_and_sends_none_again(
    sandbox: SandboxServer,
) -> None:
    rows = promote(readers(30))
    sandbox.behave("sendgrid", hang_up=True, accept_first=True)
    drain()
    assert {(fresh(row).status, fresh(row).metadata["outcome_unknown"]) for row in rows.values()} == {
        ("failed", True)
    }
    sandbox.behave_well()
    assert drain(now=timezone.now() + dt.timedelta(days=2)).claimed == 0
    assert sendgrid(sandbox)["duplicates"] == 0


def test_what_is_urgent_goes_before_a_promotion_that_was_due_before(sandbox: SandboxServer) -> None:
    rows = promote(readers(90))
    urgent = [queued() for _ in range(5)]
    drain()
    received = [entry["notification_id"] for entry in reversed(sandbox.messages())]
    assert set(received[:5]) == {str(row.pk) for row in urgent}
    assert set(received[5:]) == {str(row.pk) for row in rows.values()}


def test_while_a_group_waits_only_what_is_more_urgent_is_claimed() -> None:
    promote(readers(3))
    urgent = queued()
    below = Notification.objects.filter(category="marketing").values_list("priority", flat=True)[0]
    assert [row.id for row in claim(channel="email", limit=10, lease=LEASE, above=below)] == [urgent.pk]
    assert len(claim(channel="email", limit=10, lease=LEASE)) == 3


def test_the_limit_of_a_drain_holds_for_groups(sandbox: SandboxServer) -> None:
    promote(readers(150))
    assert drain(limit=120).claimed == 120
    assert Notification.objects.filter(status="sent").count() == 120


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_while_it_calls_leaves_its_groups_unknown_and_the_rest_waiting(
    sandbox: SandboxServer,
) -> None:
    promote(readers(400))
    sandbox.behave("sendgrid", latency_ms=20_000, accept_first=True)
    worker = subprocess.Popen(
        [sys.executable, "manage.py", "process_notifications", "--budget", "30"],
        cwd=django_settings.BASE_DIR,
        env={
            **os.environ,
            "DATABASE_URL": database_url(),
            "EMAIL_BACKEND": django_settings.EMAIL_BACKEND,
            **sandbox.environment(),
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        eventually(lambda: sendgrid(sandbox)["requests"] >= 2, seconds=30)
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    called = set(Notification.objects.filter(dispatched_at__isnull=False).values_list("pk", flat=True))
    assert 100 <= len(called) < 400
    sandbox.behave_well()
    Notification.objects.filter(status="processing").update(
        lease_until=timezone.now() - dt.timedelta(seconds=1)
    )
    drain()
    failed = Notification.objects.filter(status="failed", metadata__outcome_unknown=True)
    assert set(failed.values_list("pk", flat=True)) == called
    assert Notification.objects.filter(status="sent").count() == 400 - len(called)
    assert set(DeliveryAttempt.objects.filter(notification__in=called).values_list("outcome", flat=True)) == {
        "unknown"
    }
    assert DeliveryAttempt.objects.count() == 400
    assert sendgrid(sandbox)["duplicates"] == 0


def test_a_groups_texts_are_one_skeleton(django_assert_max_num_queries: Any) -> None:
    from notifications.message import Personalised
    from notifications.prepare import prepare

    promote(readers(60))
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    batch = claim(channel="email", limit=60, lease=LEASE)
    with django_assert_max_num_queries(7):
        ready, _ = prepare(batch, now=timezone.now(), room=10_000)
    texts = [message.rendered for _, message in ready if isinstance(message.rendered, Personalised)]
    assert len(texts) == 60
    assert len({id(text.skeleton) for text in texts}) == 2
    assert all(sum(map(len, text.values)) < 1_000 for text in texts)
