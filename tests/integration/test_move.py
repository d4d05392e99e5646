"""From the queue to the history: what stays, what goes, and that an idempotency key is found at every moment."""

import datetime as dt
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from notifications.archive import copy, remove
from notifications.enqueue import notify, notify_many
from notifications.errors import Permanent
from notifications.history import find, forget, of_recipient, recipient_index
from notifications.message import NotifyRequest
from notifications.models import DeliveryAttempt, Notification, NotificationHistory
from notifications.move import move_ended
from notifications.replay import replay, send_again
from notifications.retention import Retention, ended
from notifications.story import story
from rentals.models import Customer
from tests.ended import finished
from tests.factories import CustomerFactory
from tests.messages import PICKUP
from tests.notification_factories import DeliveryAttemptFactory, NotificationFactory
from tests.rivals import Rival
from tests.roles import WORKER, logged_in_as
from tests.waiting import awaited, eventually

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("templates")]
DAY = dt.timedelta(days=1)
KEEP = Retention()


def move(*, seconds: float = 20, keep: Retention = KEEP) -> int:
    return move_ended(keep, now=timezone.now(), until=time.monotonic() + seconds).messages


def the_past(row: Notification) -> NotificationHistory:
    return NotificationHistory.objects.get(pk=row.pk)


# ── What stays and what goes ────────────────────────────────────────────────────────────────────────────
def test_recipient_payload_and_text_are_gone_and_the_facts_stay() -> None:
    words = {
        "to": {"customer_id": "C-MARKER"},
        "payload": {"name": "PAYLOAD-MARKER"},
        "subject": "SUBJECT-MARKER",
        "metadata": {
            "origin": {"job": "booking_reminders", "run": "7"},
            "body": "BODY-MARKER",
            "booking_id": "HOST-MARKER",
            "decision": {"stage": "enqueue", "rule": "consent.granted", "reason": "Agreed.", "at": "2026-01-01T00:00Z"},
            "sent_at": "2026-01-01T00:00:00+00:00",
            "provider_reference": "ref-1",
            "history": [{"what": "replayed", "by": "staff:7", "reason": "REASON-MARKER", "at": "2026-01-01T00:00Z"}],
        },
    }  # fmt: skip
    row = finished("sent", 8, idempotency_key="job:pickup:17", attempts=2, **words)
    first = DeliveryAttemptFactory.create(notification=row, number=1, retry_after=dt.timedelta(seconds=30))
    assert move() == 1
    assert not Notification.objects.filter(pk=row.pk).exists()
    assert not DeliveryAttempt.objects.exists()
    past = the_past(row)
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(h)::text FROM notification_history AS h")
        everything = cursor.fetchone()[0]
    assert "MARKER" not in everything
    assert past.recipient_index == recipient_index("customer:C-MARKER")
    assert (past.status, past.attempts, past.idempotency_key) == ("sent", 2, "job:pickup:17")
    assert (past.provider_reference, past.finished_at) == ("ref-1", row.last_attempt_at)
    assert past.facts["origin"] == {"job": "booking_reminders", "run": "7"}
    assert past.facts["decision"]["rule"] == "consent.granted"
    assert past.facts["history"][0]["by"] == "staff:7"
    (attempt,) = past.tries
    assert (attempt["number"], attempt["provider_code"]) == (1, first.provider_code)


def test_why_a_message_was_withheld_stays_but_for_the_words_of_an_operator() -> None:
    ruled = finished("cancelled", 8, last_attempt_at=None)
    said = {
        "stage": "operator",
        "rule": "cancelled",
        "reason": "MARKER",
        "by": "staff:7",
        "at": "2026-01-01T00:00Z",
    }
    stopped = finished("cancelled", 8, last_attempt_at=None, metadata={"withheld": said})
    assert move() == 2
    assert the_past(ruled).facts["withheld"]["rule"] == "consent.revoked"
    assert the_past(ruled).facts["withheld"]["reason"]
    assert the_past(stopped).facts["withheld"] == {**said, "reason": ""}


def test_a_long_queue_moves_batch_by_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notifications.move.BATCH", 2)
    monkeypatch.setattr("notifications.move.ROUND", 4)
    for number in range(9):
        finished(("sent", "failed")[number % 2], 8 + number % 3)
    finished("sent", 3)
    told: list[int] = []
    moved = move_ended(KEEP, now=timezone.now(), until=time.monotonic() + 20, tell=told.append)
    assert moved.messages == NotificationHistory.objects.count() == 9
    assert told == sorted(told)
    assert Notification.objects.count() == 1


def test_the_planner_hears_of_a_history_that_grows() -> None:
    finished("sent", 8)
    assert move() == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'notification_history'::regclass")
        assert cursor.fetchone() == (1,)


def test_an_inbox_item_and_a_child_go_on_naming_a_message_that_moved() -> None:
    from tests.notification_factories import InboxItemFactory

    parent = finished("sent", 8, channel="inapp")
    item = InboxItemFactory.create(notification=parent)
    child = NotificationFactory.create(parent=parent)
    assert move() == 1
    item.refresh_from_db()
    child.refresh_from_db()
    assert (item.notification_id, child.parent_id) == (parent.pk, parent.pk)


def test_a_message_of_somebody_who_was_erased_is_not_tied_to_them_again() -> None:
    erased = {"to": {"erased": True}, "recipient_key": "customer:C-7"}
    own = finished("sent", 8, idempotency_key="announce:C-7", **erased)
    other = finished("sent", 8, idempotency_key="job:17", **erased)
    assert move() == 2
    assert (the_past(own).recipient_index, the_past(other).recipient_index) == (None, None)
    assert (the_past(own).idempotency_key or "").startswith("erased:")
    assert the_past(other).idempotency_key == "job:17"


# ── Beside others ───────────────────────────────────────────────────────────────────────────────────────
def test_what_a_person_replays_meanwhile_stays_and_leaves_no_copy() -> None:
    row = finished("failed", 8)
    chosen = ended("failed", KEEP, now=timezone.now(), limit=5)
    copy(chosen)
    assert replay([row.pk], by="staff:1", reason="again").done == (row.pk,)
    assert remove(chosen) == set()
    assert Notification.objects.get(pk=row.pk).status == "queued"
    assert not NotificationHistory.objects.exists()


def test_a_row_in_somebodys_hands_is_left_for_the_next_run(other_connection: Any) -> None:
    row = finished("failed", 8)
    chosen = ended("failed", KEEP, now=timezone.now(), limit=5)
    copy(chosen)
    with other_connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 8025))", [str(row.pk)])
        assert remove(chosen) == set()
        cursor.execute("COMMIT")
    assert move() == 1


def test_a_crash_between_copy_and_removal_is_mended_by_the_next_run() -> None:
    row = finished("failed", 8)
    copy(ended("failed", KEEP, now=timezone.now(), limit=5))
    # A late report settles it while it is in both places.
    metadata = {"sent_at": timezone.now().isoformat(), "provider_reference": "late"}
    Notification.objects.filter(pk=row.pk).update(status="sent", error=None, metadata=metadata)
    assert move() == 1
    assert (the_past(row).status, the_past(row).error, the_past(row).provider_reference) == (
        "sent",
        None,
        "late",
    )


def test_nothing_leaves_the_queue_before_the_older_transactions_have_ended(other_connection: Any) -> None:
    row = finished("sent", 8)
    with other_connection.cursor() as cursor:
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT 1")
        moved = move_ended(KEEP, now=timezone.now(), until=time.monotonic() + 0.2)
        assert (moved.messages, moved.waiting, moved.blockers) == (0, 1, 1)
        assert Notification.objects.filter(pk=row.pk).exists()
        cursor.execute("COMMIT")
    assert move() == 1


def test_the_service_role_moves_messages_and_sees_the_transactions_of_others(other_connection: Any) -> None:
    row = finished("failed", 8)
    DeliveryAttemptFactory.create(notification=row)
    with logged_in_as(WORKER), other_connection.cursor() as cursor:
        cursor.execute("BEGIN")
        moved = move_ended(KEEP, now=timezone.now(), until=time.monotonic() + 0.2)
        assert (moved.messages, moved.waiting, moved.blockers) == (0, 1, 1)
        cursor.execute("COMMIT")
        assert move() == 1


# ── Once, at every moment ───────────────────────────────────────────────────────────────────────────────
def ask(customer: Customer, key: str, **arguments: Any) -> Any:
    return notify(
        "booking.pickup_today",
        to=customer.pk,
        channel="email",
        payload=PICKUP,
        idempotency_key=key,
        **arguments,
    )


def moved_message(key: str) -> tuple[Customer, Notification]:
    customer = CustomerFactory.create()
    row = finished(
        "sent", 8, idempotency_key=key, to={"customer_id": str(customer.pk)}, recipient_key=f"customer:{customer.pk}"
    )  # fmt: skip
    assert move() == 1
    return customer, row


def test_a_key_of_the_history_is_found_one_by_one_and_in_a_set() -> None:
    customer, row = moved_message("job:17")
    (one,) = ask(customer, "job:17").existing
    assert (one.id, one.recipient_key) == (row.pk, f"customer:{customer.pk}")
    request = NotifyRequest("booking.pickup_today", customer.pk, "email", PICKUP, idempotency_key="job:17")
    others = [
        NotifyRequest("booking.pickup_today", customer.pk, "email", PICKUP, idempotency_key=f"job:{number}")
        for number in (18, 19)
    ]
    result = notify_many([others[0], request, others[1]])
    assert [receipt.id for receipt in result.existing] == [row.pk]
    assert len(result.queued) == 2


def test_what_is_in_both_places_is_found_once_and_in_the_queue() -> None:
    customer = CustomerFactory.create()
    row = finished("sent", 8, idempotency_key="job:17", recipient_key="customer:of-the-row")
    copy(ended("sent", KEEP, now=timezone.now(), limit=5))
    (found,) = ask(customer, "job:17").existing
    assert (found.id, found.recipient_key) == (row.pk, "customer:of-the-row")


def test_the_same_key_on_another_channel_is_another_message() -> None:
    customer, _ = moved_message("job:17")
    result = notify(
        "booking.pickup_today", to=customer.pk, channel="sms", payload=PICKUP, idempotency_key="job:17"
    )
    assert len(result.queued) == 1


def test_a_message_sent_again_once_is_not_sent_again_when_the_second_has_moved() -> None:
    parent = finished("sent", 2)
    child = NotificationFactory.create(
        status="sent", parent=parent, idempotency_key=f"click:{parent.pk}", created_at=timezone.now() - 9 * DAY,
        scheduled_at=timezone.now() - 9 * DAY, last_attempt_at=timezone.now() - 9 * DAY,
    )  # fmt: skip
    assert move() == 1
    again = send_again([parent.pk], by="staff:1", reason="again", once="click")
    assert not again.done
    assert again.skipped == {"it was sent again by the same request": 1}
    assert NotificationHistory.objects.get().pk == child.pk


@pytest.fixture
def slow_insert() -> Iterator[Callable[[], None]]:
    """Each INSERT into the queue stops after it has looked for its key, and before it writes, until it is let go."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION test_wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " PERFORM pg_advisory_xact_lock(77); RETURN NEW; END $$"
        )
        cursor.execute(
            "CREATE TRIGGER test_wait BEFORE INSERT ON notification_queue FOR EACH ROW EXECUTE FUNCTION test_wait()"
        )
        cursor.execute("SELECT pg_advisory_lock(77)")

    def let_go() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(77)")

    try:
        yield let_go
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock_all()")
            cursor.execute("DROP TRIGGER test_wait ON notification_queue")
            cursor.execute("DROP FUNCTION test_wait")


def test_an_insert_that_looked_before_the_move_finds_the_row_still_there(
    slow_insert: Callable[[], None],
) -> None:
    customer = CustomerFactory.create()
    row = finished("sent", 8, idempotency_key="job:17")  # by the session that holds the lock
    asking = Rival(lambda: ask(customer, "job:17"))
    eventually(lambda: 77 in awaited())  # its snapshot knows no history
    moving = Rival(move)
    eventually(NotificationHistory.objects.exists)
    moving.join(timeout=0.5)  # one that did not wait would be done by now
    assert Notification.objects.filter(pk=row.pk).exists()
    slow_insert()
    asking.join()
    moving.join()
    assert [receipt.id for receipt in asking.answer.existing] == [row.pk]
    assert not asking.answer.queued
    assert moving.answer == 1
    assert not Notification.objects.exists()


def test_a_caller_with_an_older_snapshot_cannot_queue_it_twice(other_connection: Any) -> None:
    finished("sent", 8, idempotency_key="job:17")
    with other_connection.cursor() as cursor:
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT count(*) FROM notification_history")
        moving = Rival(move)
        eventually(NotificationHistory.objects.exists)
        cursor.execute(
            'INSERT INTO notification_queue (channel, "to", recipient_key, category, idempotency_key)'
            " SELECT 'email', '{}', 'customer:1', 'reminder', 'job:17' WHERE NOT EXISTS"
            " (SELECT 1 FROM notification_history WHERE channel = 'email' AND idempotency_key = 'job:17')"
            " ON CONFLICT (channel, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING"
        )
        assert cursor.rowcount == 0
        cursor.execute("COMMIT")
    moving.join()
    assert moving.answer == 1
    assert not Notification.objects.exists()


# ── Who reads it by id ──────────────────────────────────────────────────────────────────────────────────
def test_the_story_of_a_moved_message_is_told_without_its_recipient() -> None:
    row = finished("failed", 8, error="550: no such box", recipient_key="customer:7", to={"customer_id": "7"})
    outcome = Permanent("550", "no such box")
    DeliveryAttemptFactory.create(notification=row, outcome="permanent", provider_code=outcome.code)
    before = [(event.kind, event.text) for event in story(row)]
    assert move() == 1
    found = find(row.pk)
    assert found is not None
    assert found.kept is not None
    after = [(event.kind, event.text) for event in story(found)]
    assert [kind for kind, _ in after] == [kind for kind, _ in before]
    assert after[1:-1] == before[1:-1]
    assert "customer 7" not in str(after)
    assert "history" in after[-1][1]


def test_a_replay_of_a_moved_message_says_since_when_its_text_is_gone() -> None:
    row = finished("failed", 8)
    assert move() == 1
    refused = replay([row.pk], by="staff:1", reason="again")
    today = timezone.localdate().isoformat()
    assert refused.skipped == {f"too old: its recipient and its text are gone since {today}": 1}
    assert replay([uuid.uuid4()], by="staff:1", reason="again").skipped == {"no such notification": 1}


def test_a_recipients_past_can_be_listed_and_cut_off_for_good() -> None:
    customer, row = moved_message("job:17")
    own = NotificationHistory.objects.create(
        id=uuid.uuid4(), channel="email", category="reminder", priority=2, status="sent", attempts=1,
        idempotency_key=f"announce:{customer.pk}", recipient_index=recipient_index(f"customer:{customer.pk}"),
        scheduled_at=row.scheduled_at, created_at=row.created_at, finished_at=row.created_at,
    )  # fmt: skip
    assert {past.pk for past in of_recipient(f"customer:{customer.pk}")} == {row.pk, own.pk}
    with transaction.atomic():
        assert forget(f"customer:{customer.pk}") == 2
    assert of_recipient(f"customer:{customer.pk}") == []
    own.refresh_from_db()
    assert (own.idempotency_key or "").startswith("erased:")
    assert the_past(row).idempotency_key == "job:17"


def test_a_key_that_is_used_again_after_an_erasure_neither_stops_the_move_nor_the_next_erasure() -> None:
    """The key names the person, so the history lost it with them: whoever still has it may ask anew, and be erased anew."""
    customer = CustomerFactory.create()
    who = f"customer:{customer.pk}"
    for to in ({"customer_id": str(customer.pk)}, {"erased": True}, {"customer_id": str(customer.pk)}):
        finished("sent", 8, to=to, recipient_key=who, idempotency_key=f"promo:{customer.pk}")
        assert move() == 1
        forget(who)
    keys = list(NotificationHistory.objects.values_list("idempotency_key", flat=True))
    assert len(set(keys)) == 3
    assert str(customer.pk) not in str(keys)
