"""Taking due rows: in order, once, and only while nobody else has a hand on them."""

import datetime as dt
import uuid
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from notifications.claim import CLAIM, claim_arguments, lock_records
from notifications.models import Notification
from tests.factories import CustomerFactory
from tests.messages import LEASE, claimed, fresh, queued
from tests.plan_reader import new_files

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("templates")]


def test_a_claim_marks_the_attempt_and_holds_a_lease() -> None:
    row = queued()
    (taken,) = claimed()
    after = fresh(row)
    assert (after.status, after.attempts) == ("processing", 1)
    assert after.last_attempt_at is not None
    assert after.lease_token == taken.lease_token
    assert after.lease_until is not None
    assert after.lease_until > timezone.now() + LEASE / 2
    assert claimed() == []


def test_rows_come_by_priority_then_by_time() -> None:
    now = timezone.now()
    late = queued(priority=2, scheduled_at=now - dt.timedelta(minutes=1))
    early = queued(priority=2, scheduled_at=now - dt.timedelta(minutes=9))
    urgent = queued(priority=0, scheduled_at=now - dt.timedelta(seconds=1))
    assert [row.id for row in claimed()] == [urgent.pk, early.pk, late.pk]


def test_the_limit_holds_over_all_priorities() -> None:
    for priority in (0, 1, 2, 3):
        queued(priority=priority)
    assert [row.priority for row in claimed(limit=3)] == [0, 1, 2]


def test_what_is_not_due_or_of_another_channel_stays() -> None:
    queued(scheduled_at=timezone.now() + dt.timedelta(minutes=1))
    queued(channel="inapp")
    assert claimed("email") == []


def test_a_simulated_moment_decides_what_is_due() -> None:
    from notifications.claim import claim

    tomorrow = timezone.now() + dt.timedelta(days=1)
    row = queued(scheduled_at=tomorrow)
    assert [c.id for c in claim(channel="email", limit=5, lease=LEASE, now=tomorrow)] == [row.pk]


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_never_take_the_same_row(other_connection: Any) -> None:
    customers = CustomerFactory.create_batch(6)
    ids = {queued(customer).pk for customer in customers}
    with transaction.atomic(), connection.cursor() as here:
        # Of so few rows all might be read and sorted, and then each one's lock is tried before the limit is full: free
        # again at the commit of the claim, which comes at once but here.
        here.execute("SET LOCAL enable_sort = off")
        mine = {row.id for row in claimed(limit=3)}
        with other_connection.cursor() as cursor:
            cursor.execute(CLAIM, _arguments(limit=10))
            theirs = {row[0] for row in cursor.fetchall()}
    assert mine & theirs == set()
    assert mine | theirs == ids


@pytest.mark.django_db(transaction=True)
def test_a_locked_record_is_passed_over_and_those_behind_it_are_not(other_connection: Any) -> None:
    first, second = queued(), queued()
    with transaction.atomic():
        assert lock_records([first.pk]) == [first.pk]
        with other_connection.cursor() as cursor:
            cursor.execute(CLAIM, _arguments(limit=1))
            assert [row[0] for row in cursor.fetchall()] == [second.pk]
    assert [row.id for row in claimed()] == [first.pk]


@pytest.mark.django_db(transaction=True)
def test_lock_records_leaves_out_what_somebody_else_holds(other_connection: Any) -> None:
    row = queued()
    other_connection.autocommit = False
    with other_connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s::text, 8025))", [str(row.pk)])
        with transaction.atomic():
            assert lock_records([row.pk]) == []
    other_connection.rollback()


def test_the_claim_walks_the_index_made_for_it() -> None:
    """Cost must not grow with finished rows, nor with rows that are queued for later."""
    new_files("notification_queue")
    row = queued()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO notification_queue (channel, "to", recipient_key, category, status, scheduled_at, metadata)
            SELECT 'email', '{}', 'customer:' || n, 'reminder',
                   CASE WHEN n % 20 = 0 THEN 'queued' ELSE 'sent' END,
                   now() + CASE WHEN n % 20 = 0 THEN interval '1 day' ELSE interval '-1 day' END,
                   '{"sent_at": "2026-11-20"}'
            FROM generate_series(1, 20000) AS n
            """
        )
        cursor.execute("ANALYZE notification_queue")
        cursor.execute("EXPLAIN (FORMAT TEXT, ANALYZE, BUFFERS) " + CLAIM, _arguments(limit=10))
        plan = "\n".join(line[0] for line in cursor.fetchall())
    assert "notification_queue_due" in plan
    assert "Seq Scan on notification_queue" not in plan
    assert fresh(row).status == "processing"


def _arguments(*, limit: int) -> dict[str, Any]:
    return claim_arguments(channel="email", limit=limit, lease=LEASE)


def test_a_state_that_makes_no_sense_is_refused_by_the_table() -> None:
    from django.db import IntegrityError

    row = queued()
    wrong: list[dict[str, Any]] = [
        {"status": "processing"},
        {"status": "sent"},
        {"status": "failed"},
        {"status": "cancelled"},
        {"status": "nonsense"},
        {"channel": "fax"},
        {"category": "spam"},
        {"priority": 4},
        {"attempts": -1},
        {"lease_token": uuid.uuid4()},
        {"dispatched_at": timezone.now()},
        {"expires_at": row.scheduled_at},
    ]
    for change in wrong:
        with pytest.raises(IntegrityError), transaction.atomic():
            Notification.objects.filter(pk=row.pk).update(**change)
