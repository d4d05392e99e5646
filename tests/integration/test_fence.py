"""A worker that lost its lease is harmless: it sends nothing, and its late finish changes nothing."""

import datetime as dt
import random
import uuid

import pytest
from django.db import connection
from django.utils import timezone

from notifications.deliver import dispatch
from notifications.errors import Sent
from notifications.message import Claimed, Delivery
from notifications.models import DeliveryAttempt, Notification
from notifications.record import record
from notifications.release import POISON, release
from notifications.replay import replay
from notifications.verdict import Verdict, put_back
from tests.messages import LEASE, claimed, fresh, queued

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("templates")]
SENT = Verdict("sent", metadata={"sent_at": "2026-11-20T12:00:00+00:00"})


def expire_leases() -> None:
    Notification.objects.filter(status="processing").update(
        lease_until=timezone.now() - dt.timedelta(seconds=1)
    )


def delivery(row: Claimed) -> Delivery:
    return Delivery(row, Sent("ref"), "sendgrid", timezone.now(), timezone.now())


def test_dispatch_renews_the_lease_and_says_which_rows_are_still_ours() -> None:
    row = queued()
    (mine,) = claimed(lease=dt.timedelta(seconds=1))
    assert dispatch([mine], lease=LEASE) == {mine.hold}
    after = fresh(row)
    assert after.dispatched_at is not None
    assert after.lease_until is not None
    assert after.lease_until > timezone.now() + LEASE / 2


def test_after_a_take_over_the_first_worker_neither_sends_nor_records() -> None:
    row = queued()
    (first,) = claimed()
    expire_leases()
    assert release() == 1
    (second,) = claimed()
    assert second.lease_token != first.lease_token
    assert dispatch([first], lease=LEASE) == set()
    assert record([(first, SENT)]) == set()
    assert fresh(row).status == "processing"
    assert record([(second, SENT)], [delivery(second)]) == {second.hold}
    assert fresh(row).status == "sent"


def test_a_late_finish_is_on_record_as_an_attempt() -> None:
    row = queued()
    (first,) = claimed()
    expire_leases()
    release()
    record([(first, SENT)], [delivery(first)])
    assert fresh(row).status == "queued"
    assert DeliveryAttempt.objects.get(notification=row).outcome == "sent"


def test_what_was_never_dispatched_goes_back_with_its_attempt() -> None:
    row = queued()
    claimed()
    expire_leases()
    assert release() == 1
    after = fresh(row)
    assert (after.status, after.attempts, after.metadata["released"]) == ("queued", 0, 1)
    assert release() == 0


@pytest.mark.parametrize(("channel", "status"), [("email", "queued"), ("sms", "failed")])
def test_what_was_dispatched_has_an_unknown_outcome_and_the_policy_decides(channel: str, status: str) -> None:
    row = queued(channel=channel)
    (mine,) = claimed(channel)
    dispatch([mine], lease=LEASE)
    expire_leases()
    assert release(rng=random.Random(1)) == 1
    after = fresh(row)
    assert (after.status, after.attempts) == (status, 1)
    assert "worker_lost" in (after.error or "")
    attempt = DeliveryAttempt.objects.get(notification=row)
    assert (attempt.outcome, attempt.provider_code) == ("unknown", "worker_lost")


@pytest.mark.parametrize("channel", ["email", "sms"])
def test_a_late_yes_settles_what_is_in_doubt_and_was_not_sent_again(channel: str) -> None:
    row = queued(channel=channel)
    (mine,) = claimed(channel)
    dispatch([mine], lease=LEASE)
    expire_leases()
    release(rng=random.Random(1))
    assert record([(mine, SENT)], [delivery(mine)]) == set()
    after = fresh(row)
    assert (after.status, after.attempts, after.error) == ("sent", 1, None)
    assert "outcome_unknown" not in after.metadata
    assert after.metadata["sent_at"] == SENT.metadata["sent_at"]
    outcomes = DeliveryAttempt.objects.filter(notification=row).values_list("outcome", flat=True)
    assert sorted(outcomes) == ["sent", "unknown"]


def test_a_late_yes_does_not_touch_what_somebody_else_has_taken_up() -> None:
    row = queued()
    (first,) = claimed()
    dispatch([first], lease=LEASE)
    expire_leases()
    release(rng=random.Random(1))
    Notification.objects.update(scheduled_at=timezone.now())
    (second,) = claimed()
    assert second.attempts == first.attempts + 1
    record([(first, SENT)], [delivery(first)])
    assert (fresh(row).status, fresh(row).lease_token) == ("processing", second.lease_token)


def test_a_message_that_kills_its_workers_is_stopped() -> None:
    row = queued()
    for _ in range(POISON):
        claimed()
        expire_leases()
        release()
    after = fresh(row)
    assert after.status == "failed"
    assert (after.error or "").startswith("poison")


def test_a_living_lease_is_left_alone() -> None:
    queued()
    claimed()
    assert release() == 0


def test_more_than_one_page_of_orphans_is_released() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO notification_queue (channel, "to", recipient_key, category, status, attempts, last_attempt_at,
                                            lease_token, lease_until)
            SELECT 'email', '{}', 'customer:' || n, 'reminder', 'processing', 1, now(), gen_random_uuid(),
                   statement_timestamp() - interval '1 minute'
            FROM generate_series(1, 1100) AS n
            """
        )
    assert release() == 1100
    assert not Notification.objects.filter(status="processing").exists()


def test_putting_back_gives_the_attempt_back() -> None:
    row = queued()
    (mine,) = claimed()
    assert record([(mine, put_back())]) == {mine.hold}
    after = fresh(row)
    assert (after.status, after.attempts, after.lease_token) == ("queued", 0, None)


def test_recording_nothing_is_fine_and_unknown_rows_are_ignored() -> None:
    assert record([]) == set()
    queued()
    (mine,) = claimed()
    ghost = Claimed(**{**{f: getattr(mine, f) for f in mine.__dataclass_fields__}, "id": uuid.uuid4()})
    assert record([(ghost, SENT)]) == set()


def test_a_replay_forgets_the_workers_that_died_with_it() -> None:
    row = queued()
    for _ in range(POISON):
        claimed()
        expire_leases()
        release()
    assert fresh(row).status == "failed"
    replay([row.pk], by="staff:1", reason="The fault is mended.")
    claimed()
    expire_leases()
    release()
    after = fresh(row)
    assert (after.status, after.attempts, after.metadata["released"]) == ("queued", 0, 1)
