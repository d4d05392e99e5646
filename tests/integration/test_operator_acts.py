"""Reschedule, change priority, settle: guarded by status, with a reason, and never on a row that a worker holds."""

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from notifications.acted import Acted
from notifications.models import Notification
from notifications.prioritise import prioritise
from notifications.replay import CAP
from notifications.reschedule import reschedule
from notifications.settle_unknown import settle_unknown
from tests.messages import claimed, fresh, queued
from tests.notification_factories import NotificationFactory

pytestmark = pytest.mark.django_db
BY: dict[str, Any] = {"by": "staff:1", "reason": "The hall is closed."}
HOUR = dt.timedelta(hours=1)
STATUSES = ("queued", "processing", "sent", "failed", "cancelled")
Act = Callable[..., Acted]


def put_off(ids: list[uuid.UUID], **given: Any) -> Acted:
    return reschedule(ids, to=timezone.now() + HOUR, **given)


def hurry(ids: list[uuid.UUID], **given: Any) -> Acted:
    return prioritise(ids, priority=0, **given)


def was_sent(ids: list[uuid.UUID], **given: Any) -> Acted:
    return settle_unknown(ids, was_sent=True, **given)


def was_not_sent(ids: list[uuid.UUID], **given: Any) -> Acted:
    return settle_unknown(ids, was_sent=False, **given)


def in_doubt(**changes: Any) -> Notification:
    return NotificationFactory.create(
        channel="sms",
        status="failed",
        error="timeout: no answer",
        **{"metadata": {"outcome_unknown": True}, **changes},
    )


ACTS = {put_off: "queued", hurry: "queued", was_sent: "failed", was_not_sent: "failed"}


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize(("act", "takes"), ACTS.items())
def test_each_act_takes_only_its_own_state(act: Act, takes: str, status: str) -> None:
    row = in_doubt() if status == "failed" else NotificationFactory.create(status=status)
    before = Notification.objects.filter(pk=row.pk).values().get()
    acted = act([row.pk, uuid.uuid4()], **BY)
    if status == takes:
        assert acted.done == (row.pk,)
        entry = fresh(row).metadata["history"][-1]
        assert (entry["by"], entry["reason"]) == ("staff:1", "The hall is closed.")
        assert acted.skipped == {"no such notification": 1}
    else:
        word = "a worker has it right now" if status == "processing" else f"it is {status}"
        assert acted.skipped == {word: 1, "no such notification": 1}
        assert Notification.objects.filter(pk=row.pk).values().get() == before


@pytest.mark.parametrize("act", ACTS)
def test_a_rehearsal_counts_and_changes_nothing(act: Act) -> None:
    row = in_doubt() if ACTS[act] == "failed" else NotificationFactory.create()
    before = Notification.objects.filter(pk=row.pk).values().get()
    assert act([row.pk], dry_run=True, **BY).done == (row.pk,)
    assert Notification.objects.filter(pk=row.pk).values().get() == before


@pytest.mark.parametrize("act", ACTS)
def test_a_reason_is_needed_and_one_call_is_bounded(act: Act) -> None:
    with pytest.raises(ValueError, match="reason"):
        act([uuid.uuid4()], by="staff:1", reason="  ")
    with pytest.raises(ValueError, match="limit is 1000"):
        act([uuid.uuid4() for _ in range(CAP + 1)], **BY)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("act", ACTS)
def test_a_row_whose_lock_is_held_is_left_alone(act: Act, other_connection: Any) -> None:
    row = in_doubt() if ACTS[act] == "failed" else NotificationFactory.create()
    other_connection.autocommit = False
    other_connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 8025))", [str(row.pk)])
    assert act([row.pk], **BY).skipped == {"a worker has it right now": 1}
    other_connection.rollback()
    assert act([row.pk], **BY).done == (row.pk,)


# ── Reschedule ──────────────────────────────────────────────────────────────────────────────────────────
def test_a_message_waits_for_the_new_moment(templates: None) -> None:
    row, to = queued(), timezone.now() + HOUR
    acted = reschedule([row.pk], to=to, **BY)
    assert dt.datetime.fromisoformat(acted.before[row.pk]["scheduled_at"]) == row.scheduled_at
    assert fresh(row).scheduled_at == to
    assert claimed() == []


def test_a_moment_in_the_past_means_now(templates: None) -> None:
    row, now = queued(scheduled_at=timezone.now() + 5 * HOUR), timezone.now()
    reschedule([row.pk], to=now - HOUR, now=now, **BY)
    assert fresh(row).scheduled_at == now
    assert [found.id for found in claimed()] == [row.pk]


def test_what_would_expire_before_is_left_alone() -> None:
    now = timezone.now()
    soon, late = (NotificationFactory.create(expires_at=now + hours * HOUR) for hours in (1, 3))
    acted = reschedule([soon.pk, late.pk], to=now + 2 * HOUR, now=now, **BY)
    assert acted.done == (late.pk,)
    assert acted.skipped == {"it would expire before that moment": 1}


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        reschedule([uuid.uuid4()], to=dt.datetime(2026, 12, 1, 9), **BY)


# ── Priority ────────────────────────────────────────────────────────────────────────────────────────────
def test_a_priority_lets_it_pass_others(templates: None) -> None:
    first, second = queued(), queued()
    assert prioritise([second.pk], priority=0, **BY).before[second.pk] == {"priority": second.priority}
    assert [found.id for found in claimed()] == [second.pk, first.pk]


def test_the_same_priority_changes_nothing() -> None:
    row = NotificationFactory.create(priority=2)
    assert prioritise([row.pk], priority=2, **BY).skipped == {"it has that priority already": 1}
    with pytest.raises(ValueError, match="7"):
        prioritise([row.pk], priority=7, **BY)


# ── Settle ──────────────────────────────────────────────────────────────────────────────────────────────
def test_what_was_sent_is_sent_as_of_its_attempt() -> None:
    row = in_doubt()
    was_sent([row.pk], **BY)
    settled = fresh(row)
    assert (settled.status, settled.error) == ("sent", None)
    assert dt.datetime.fromisoformat(settled.metadata["sent_at"]) == row.last_attempt_at
    assert "outcome_unknown" not in settled.metadata
    assert settled.metadata["history"][-1]["what"] == "settled_as_sent"


def test_what_was_not_sent_stays_failed_without_a_doubt() -> None:
    row = in_doubt()
    was_not_sent([row.pk], **BY)
    settled = fresh(row)
    assert (settled.status, settled.error) == ("failed", "timeout: no answer")
    assert "outcome_unknown" not in settled.metadata


def test_what_was_not_sent_may_be_replayed_in_the_same_step_unless_it_has_expired() -> None:
    good, over = in_doubt(), in_doubt(expires_at=timezone.now() - HOUR)
    acted = was_not_sent([good.pk, over.pk], then_replay=True, **BY)
    assert set(acted.done) == {good.pk, over.pk}
    assert (fresh(good).status, fresh(over).status) == ("queued", "failed")
    assert [e["what"] for e in fresh(good).metadata["history"]] == ["settled_as_not_sent", "replayed"]


def test_a_failure_of_which_everything_is_known_is_nothing_to_settle() -> None:
    row = NotificationFactory.create(status="failed")
    assert was_sent([row.pk], **BY).skipped == {"its outcome is known": 1}
