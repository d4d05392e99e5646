"""The one door: what it queues, what it refuses, and what it withholds."""

import datetime as dt
import threading
import uuid
from typing import Any

import pytest
from django.db import connection, transaction

from consent.models import Suppression
from consent.preferences import revoke
from consent.suppress import suppress
from notifications.enqueue import notify, notify_many
from notifications.errors import EnqueueError
from notifications.message import Address, Group, NotifyRequest, Staff
from notifications.models import Notification
from notifications.origin import origin
from tests.factories import CustomerFactory, StaffFactory
from tests.messages import PICKUP, queued

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("templates")]
NOW = dt.datetime(2026, 11, 20, 15, tzinfo=dt.UTC)


def test_a_queued_row_pins_its_template_and_holds_no_address() -> None:
    customer = CustomerFactory.create(email="jane.secret@example.com", first_name="Jane")
    row = queued(customer)
    assert row.status == "queued"
    assert row.to == {"customer_id": str(customer.pk)}
    assert row.template is not None
    assert row.template_version_id == row.template.published_version_id
    assert (row.category, row.priority, row.attempts) == ("reminder", 2, 0)
    assert row.metadata["decision"]["rule"] == "consent.not_revoked"
    assert row.metadata["sandbox"] is True
    with connection.cursor() as cursor:
        cursor.execute("SELECT q::text FROM notification_queue q WHERE id = %s", [row.pk])
        assert "jane" not in cursor.fetchone()[0].lower()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ({"template": "booking.pickup_todya"}, "unknown_template", "Did you mean “booking.pickup_today”?"),
        ({"channel": "fax"}, "unknown_channel", "no channel “fax”"),
        ({"channel": []}, "bad_channel", "empty"),
        ({"to": str(uuid.uuid4())}, "unknown_recipient", "Nobody has the customer_id"),
        ({"to": "jane@example.com"}, "bad_recipient", "use Address"),
        ({"to": ""}, "bad_recipient", "empty"),
        ({"to": 3.5}, "bad_recipient", "float"),
        ({"to": Group("nobody_home")}, "unknown_group", "nobody_home"),
        ({"payload": {}}, "missing_placeholder", "booking_number"),
        ({"payload": {**PICKUP, "colour": "red"}}, "surplus_placeholder", "colour"),
        ({"payload": {**PICKUP, "equipment": object()}}, "bad_json", "payload"),
        ({"payload": {**PICKUP, "equipment": "a\x00b"}}, "bad_json", "NUL"),
        ({"payload": {**PICKUP, "equipment": "x" * 70_000}}, "too_large", "65536"),
        ({"category": "spam"}, "unknown_category", "spam"),
        ({"priority": 9}, "bad_priority", "Priority"),
        ({"metadata": {"sent_at": "now"}}, "reserved", "sent_at"),
        ({"idempotency_key": ""}, "bad_key", "1 to 500"),
        ({"idempotency_key": "for:jane@example.com"}, "bad_key", "address"),
        ({"expires_at": NOW - dt.timedelta(seconds=1)}, "expired", "expires_at"),
        (
            {"scheduled_at": NOW + dt.timedelta(hours=2), "expires_at": NOW + dt.timedelta(hours=1)},
            "expired",
            "due",
        ),
        ({"scheduled_at": dt.datetime(2026, 11, 20)}, "bad_moment", "time zone"),
    ],
)
def test_a_request_that_cannot_be_right_names_what_is_wrong(
    arguments: dict[str, Any], code: str, says: str
) -> None:
    values = {"template": "booking.pickup_today", "channel": "email", "payload": PICKUP, **arguments}
    values.setdefault("to", CustomerFactory.create().pk)
    with pytest.raises(EnqueueError, match=says) as raised:
        notify(values.pop("template"), now=NOW, **values)
    assert raised.value.code == code
    assert not Notification.objects.exists()


def test_one_bad_request_of_a_set_queues_nothing_and_names_its_place() -> None:
    good = NotifyRequest(
        "booking.pickup_today", to=CustomerFactory.create().pk, channel="email", payload=PICKUP
    )
    bad = NotifyRequest("booking.pickup_today", to=good.to, channel="email", payload={})
    with pytest.raises(EnqueueError) as raised:
        notify_many([*([good] * 1500), bad])
    assert raised.value.index == 1500
    assert not Notification.objects.exists()


def test_a_key_queues_once_a_channel_whatever_became_of_the_row() -> None:
    customer = CustomerFactory.create()
    first = queued(customer, idempotency_key="k")
    Notification.objects.filter(pk=first.pk).update(status="failed", error="x")
    again = notify(
        "booking.pickup_today", to=customer.pk, channel=["email", "sms"], payload=PICKUP, idempotency_key="k"
    )
    assert [receipt.id for receipt in again.existing] == [first.pk]
    assert [receipt.channel for receipt in again.queued] == ["sms"]


@pytest.mark.django_db(transaction=True)
def test_two_callers_at_once_with_one_key_queue_one_row() -> None:
    customer = CustomerFactory.create()
    barrier = threading.Barrier(2)
    results: list[Any] = []

    def call() -> None:
        try:
            with transaction.atomic():
                barrier.wait(30)
                results.append(
                    notify(
                        "booking.pickup_today",
                        to=customer.pk,
                        channel="email",
                        payload=PICKUP,
                        idempotency_key="k",
                    )
                )
        finally:
            connection.close()

    threads = [threading.Thread(target=call) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(len(result.queued) for result in results) == [0, 1]
    assert {receipt.id for result in results for receipt in (*result.queued, *result.existing)} == set(
        Notification.objects.values_list("id", flat=True)
    )


def test_enqueueing_takes_part_in_the_callers_transaction() -> None:
    customer = CustomerFactory.create()
    with transaction.atomic():
        queued(customer)
        transaction.set_rollback(True)
    assert not Notification.objects.exists()


def test_revoked_consent_withholds_the_message_and_keeps_the_reason() -> None:
    customer = CustomerFactory.create()
    revoke(
        customer_id=str(customer.pk),
        channel="email",
        category="reminder",
        source="admin",
        actor="staff:1",
        at=NOW,
    )
    row = queued(customer)
    assert row.status == "cancelled"
    assert row.metadata["withheld"]["rule"] == "consent.revoked"
    assert "reminder" in row.metadata["withheld"]["reason"]


def test_marketing_needs_a_grant_and_security_needs_none() -> None:
    customer = CustomerFactory.create()
    assert queued(customer, category="marketing").metadata["withheld"]["rule"] == "consent.missing"
    assert queued(customer, category="security").status == "queued"


def test_a_suppressed_address_gets_nothing_not_even_security() -> None:
    customer = CustomerFactory.create(email="dead@example.com")
    suppress(channel="email", address="DEAD@example.com", reason=Suppression.Reason.HARD_BOUNCE)
    row = queued(customer, category="security")
    assert row.metadata["withheld"]["rule"] == "suppressed.hard_bounce"


@pytest.mark.parametrize(
    ("changes", "channel", "rule"),
    [
        ({"email": ""}, "email", "recipient.no_email"),
        ({"phone": ""}, "sms", "recipient.no_sms"),
        ({}, "push", "recipient.no_push"),
        ({"email": "not an address"}, "email", "recipient.bad_email"),
    ],
)
def test_a_person_without_the_address_is_withheld_with_the_reason(
    changes: dict[str, str], channel: str, rule: str
) -> None:
    row = queued(CustomerFactory.create(**changes), channel=channel)
    assert (row.status, row.metadata["withheld"]["rule"]) == ("cancelled", rule)


def test_no_channel_means_the_customers_preference_and_falls_back_to_what_is_possible() -> None:
    likes_sms = CustomerFactory.create(preferred_contact_method="sms")
    likes_push = CustomerFactory.create(preferred_contact_method="push")
    assert queued(likes_sms, channel=None).channel == "sms"
    assert queued(likes_push, channel=None).channel == "email"
    result = notify("booking.pickup_today", to=likes_sms.pk, channel=("preferred", "inapp"), payload=PICKUP)
    assert [receipt.channel for receipt in result.queued] == ["sms", "inapp"]


def test_an_ad_hoc_address_is_stored_sealed_with_a_hint() -> None:
    result = notify(
        to=Address("Guest.Person@Example.com", name="Guest", locale="fr"),
        subject="Hello",
        body="Welcome",
        category="transactional",
        channel="email",
    )
    row = Notification.objects.get(pk=result.queued[0].id)
    stored = str(row.to) + row.recipient_key
    assert "guest.person" not in stored.lower()
    assert row.to["address"]["hint"].startswith("g•••@")
    with pytest.raises(EnqueueError) as raised:
        notify(to=Address("nonsense@"), body="x", category="transactional", channel="email")
    assert raised.value.code == "bad_address"
    assert "nonsense" not in str(raised.value)


def test_a_group_becomes_its_members_each_once_under_the_callers_key() -> None:
    one, two = (
        StaffFactory.create(groups=["security_centre"]),
        StaffFactory.create(groups=["security_centre"]),
    )
    payload = {"summary": "Three failed logins", "detail_url": "https://rental.example/incidents/1"}
    for _ in range(2):
        result = notify(
            "staff.security_alert",
            to=Group("security_centre"),
            channel="email",
            payload=payload,
            idempotency_key="i1",
        )
    assert len(result.existing) == 2
    assert {row.recipient_key for row in Notification.objects.all()} == {f"staff:{one.pk}", f"staff:{two.pk}"}
    assert notify("staff.security_alert", to=Staff(str(one.pk)), channel="inapp", payload=payload).queued


def test_who_asked_is_on_every_row() -> None:
    with origin(job="booking_reminders", run="r1"):
        row = queued()
    assert row.metadata["origin"] == {"job": "booking_reminders", "run": "r1"}


def test_the_number_of_queries_does_not_grow_with_the_set(django_assert_max_num_queries: Any) -> None:
    customers = CustomerFactory.create_batch(200)
    requests = [
        NotifyRequest(
            "booking.pickup_today", to=c.pk, channel="email", payload=PICKUP, idempotency_key=str(c.pk)
        )
        for c in customers
    ]
    with django_assert_max_num_queries(8):
        assert len(notify_many(requests).queued) == 200
    with django_assert_max_num_queries(9):
        assert len(notify_many(requests).existing) == 200


def test_a_group_is_asked_for_once_however_many_messages_it_gets(django_assert_max_num_queries: Any) -> None:
    StaffFactory.create(groups=["security_centre"])
    payload = {"summary": "Three failed logins", "detail_url": "https://rental.example/incidents/1"}
    requests = [
        NotifyRequest("staff.security_alert", to=Group("security_centre"), channel="inapp", payload=payload)
        for _ in range(50)
    ]
    with django_assert_max_num_queries(8):
        assert len(notify_many(requests).queued) == 50
