"""Acts as rows: chosen when asked for, done chunk by chunk exactly once, stopped, taken up again, taken back."""

import datetime as dt
import threading
import time
import uuid
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from notifications.acted import CAP
from notifications.admin.criteria import matching
from notifications.bulk import work as working
from notifications.bulk.order import Wish, ask, ask_to_undo, go_on, stop, why_not_undone
from notifications.bulk.work import do_now, work
from notifications.expire import expire
from notifications.models import BulkAct, BulkActRow, Notification
from notifications.retention import Retention
from tests.messages import claimed
from tests.notification_factories import NotificationFactory
from tests.rivals import Rival
from tests.roles import CLERK, WORKER, logged_in_as

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)
MANY = """
INSERT INTO notification_queue (id, channel, "to", recipient_key, payload, metadata, category, priority, scheduled_at,
    created_at, status, attempts, last_attempt_at, error, subject)
SELECT gen_random_uuid(), 'email', '{"customer_id": "1"}', 'customer:1', '{}', '{}', 'reminder', 2, now() - interval '1 hour',
    now() - interval '2 hours', 'failed', 3, now() - interval '1 hour', '503: down', 'Hello'
FROM generate_series(1, %s)
"""


def many(count: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(MANY, [count])


def asked(act: str, rows: list[Notification] | None = None, *, query: str = "", **arguments: Any) -> BulkAct:
    ids = None if rows is None else [row.pk for row in rows]
    wish = Wish(act, by="staff:1", reason="It was down.", arguments=arguments, ids=ids, query=query)
    return ask(wish, now=timezone.now())[0]


def did(act: str, *rows: Notification, **arguments: Any) -> BulkAct:
    return do_now(asked(act, list(rows), **arguments), now=timezone.now())


def taken_back(act: BulkAct) -> BulkAct:
    row, _ = ask_to_undo(act.pk, by="staff:2", reason="A slip.", now=timezone.now())
    return do_now(row, now=timezone.now())


def run() -> int:
    return work(matching=matching, until=time.monotonic() + 60)


def fresh(row: Any) -> Any:
    return type(row).objects.get(pk=row.pk)


def lots(act: BulkAct) -> dict[uuid.UUID, tuple[str, str]]:
    return {row.notification_id: (row.state, row.why) for row in BulkActRow.objects.filter(act=act)}


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "CHUNK", 3)


# ── Asking ──────────────────────────────────────────────────────────────────────────────────────────────
def test_an_act_is_asked_for_once_however_often_its_page_is_sent() -> None:
    row = NotificationFactory.create(status="failed")
    wish = Wish("replay", by="staff:1", reason="x", ids=[row.pk])
    first, is_new = ask(wish, now=timezone.now())
    again, is_new_again = ask(wish, now=timezone.now())
    assert (first.pk, is_new, is_new_again) == (again.pk, True, False)
    assert BulkAct.objects.count() == 1


def test_without_a_reason_nothing_is_asked_for() -> None:
    with pytest.raises(ValueError, match="reason"):
        ask(Wish("replay", by="staff:1", reason=" ", ids=[]), now=timezone.now())
    assert not BulkAct.objects.exists()


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("count", [0, 1, 3, 4, 7])
def test_every_row_is_looked_at_once_whatever_the_chunks(count: int) -> None:
    rows = NotificationFactory.create_batch(count, status="failed")
    act = did("replay", *rows)
    assert (act.status, act.total, act.done, act.skipped) == ("done", count, count, {})
    assert Notification.objects.filter(status="queued").count() == count
    assert all(len(fresh(row).metadata["history"]) == 1 for row in rows)


def test_each_row_says_what_became_of_it_and_each_message_which_act_it_was() -> None:
    failed, sent = NotificationFactory.create(status="failed"), NotificationFactory.create(status="sent")
    gone = NotificationFactory.create(status="failed", expires_at=timezone.now() - HOUR)
    act = did("replay", failed, sent, gone)
    assert lots(act) == {failed.pk: ("done", ""), sent.pk: ("left", "is:sent"), gone.pk: ("left", "expired")}
    assert (act.done, act.skipped) == (1, {"is:sent": 1, "expired": 1})
    assert fresh(failed).metadata["history"][-1]["act"] == str(act.pk)


# ── In the background ───────────────────────────────────────────────────────────────────────────────────
def test_three_thousand_are_replayed_in_chunks() -> None:
    many(3000)
    act = asked("replay", query="status__exact=failed")
    assert act.total is None
    assert run() > 0
    act = fresh(act)
    assert (act.status, act.total, act.done) == ("done", 3000, 3000)
    assert Notification.objects.filter(status="queued").count() == 3000
    assert run() == 0, "nothing is left to take up"


def test_what_is_confirmed_is_what_matched_at_that_moment() -> None:
    mine = NotificationFactory.create(status="failed", last_attempt_at=timezone.now() - HOUR)
    sms = NotificationFactory.create(status="failed", channel="sms")
    act = asked("replay", query="status__exact=failed&channel__exact=email")
    later = NotificationFactory.create(status="failed")
    tried = NotificationFactory.create(status="failed", created_at=timezone.now() - HOUR)
    Notification.objects.filter(pk=tried.pk).update(last_attempt_at=timezone.now())
    run()
    assert set(lots(act)) == {mine.pk}
    assert [fresh(row).status for row in (mine, sms, later, tried)] == ["queued", *["failed"] * 3]


def test_a_filter_that_the_list_does_not_understand_matches_nothing_and_fails_the_act() -> None:
    row = NotificationFactory.create(status="failed")
    act = asked("replay", query="status__exact=failed&template__id__exact=nonsense")
    run()
    assert (fresh(act).status, fresh(act).done) == ("failed", 0)
    assert "no longer understands" in fresh(act).error
    assert fresh(row).status == "failed"


@pytest.mark.usefixtures("small_chunks")
def test_a_killed_workers_act_is_taken_up_where_it_stood_and_nothing_is_done_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = NotificationFactory.create_batch(7, status="sent")
    act = asked("send_again", rows)
    tell, calls = working._tell, iter(range(10))

    def dies(*given: Any) -> None:
        if next(calls) == 1:  # in its second chunk, after the messages were changed
            raise OperationalError("terminating connection due to administrator command")
        tell(*given)

    monkeypatch.setattr(working, "_tell", dies)
    with pytest.raises(OperationalError):
        run()
    monkeypatch.setattr(working, "_tell", tell)
    assert Notification.objects.filter(parent__isnull=False).count() == 3, "whole chunks remain"
    assert run() == 0, "as long as its lease lasts nobody takes it up"
    BulkAct.objects.update(lease_until=timezone.now() - HOUR)
    run()
    assert (fresh(act).status, fresh(act).done) == ("done", 7)
    children = Notification.objects.filter(parent__isnull=False)
    assert (children.count(), children.values("parent").distinct().count()) == (7, 7)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("small_chunks")
def test_two_workers_at_once_do_each_message_once() -> None:
    rows = NotificationFactory.create_batch(20, status="sent")
    acts = [asked("send_again", rows[:10]), asked("send_again", rows[10:])]
    barrier = threading.Barrier(3)

    def worker() -> int:
        barrier.wait(30)
        return run()

    rivals = [Rival(worker) for _ in range(3)]
    for rival in rivals:
        rival.join(60)
    run()  # an act that was in another's hand when they looked
    assert [(fresh(act).status, fresh(act).done) for act in acts] == [("done", 10)] * 2
    assert Notification.objects.filter(parent__isnull=False).count() == 20


def test_two_acts_on_the_same_messages_are_harmless() -> None:
    rows = NotificationFactory.create_batch(3, status="failed")
    first, second = asked("replay", rows), asked("replay", rows)
    run()
    assert [(fresh(act).done, fresh(act).skipped) for act in (first, second)] == [
        (3, {}),
        (0, {"is:queued": 3}),
    ]
    assert all(len(fresh(row).metadata["history"]) == 1 for row in rows)


@pytest.mark.usefixtures("small_chunks")
def test_a_small_act_does_not_wait_for_a_large_one(monkeypatch: pytest.MonkeyPatch) -> None:
    large = asked("replay", NotificationFactory.create_batch(7, status="failed"))
    small = asked("cancel", [NotificationFactory.create()])
    monkeypatch.setattr(working, "TURN", 0.0)
    run()
    assert fresh(small).finished_at < fresh(large).finished_at


def test_an_act_that_breaks_says_why_and_can_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = NotificationFactory.create_batch(2, status="failed")
    act = asked("replay", rows)
    with monkeypatch.context() as patch:
        patch.setattr(working, "_tell", lambda *_given: 1 // 0)
        run()
    broken = fresh(act)
    assert (broken.status, broken.done) == ("failed", 0)
    assert "ZeroDivisionError" in broken.error
    assert [fresh(row).status for row in rows] == ["failed", "failed"]
    assert go_on(act.pk)
    run()
    assert (fresh(act).status, fresh(act).done, fresh(act).error) == ("done", 2, "")


def test_an_act_whose_workers_die_each_time_is_given_up_and_can_go_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rows = NotificationFactory.create_batch(2, status="failed")
    act = asked("replay", rows)

    def dies(*_given: Any) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as patch:
        patch.setattr(working, "_tell", dies)
        for _ in range(working.TRIES):
            with pytest.raises(OperationalError):
                run()
            BulkAct.objects.update(lease_until=timezone.now() - HOUR)
        assert run() == 0
    assert (fresh(act).status, fresh(act).done, fresh(act).lease_until) == ("failed", 0, None)
    assert "Its workers died" in fresh(act).error
    assert f"act.given_up id={act.pk}" in caplog.text
    assert [fresh(row).status for row in rows] == ["failed", "failed"]
    assert go_on(act.pk)
    run()
    assert (fresh(act).status, fresh(act).done, fresh(act).tries) == ("done", 2, 0)


@pytest.mark.usefixtures("small_chunks")
def test_an_act_that_gets_on_is_taken_up_as_often_as_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "TRIES", 2)
    monkeypatch.setattr(working, "TURN", 0.0)
    act = asked("replay", NotificationFactory.create_batch(16, status="failed"))
    run()
    assert (fresh(act).status, fresh(act).done) == ("done", 16)


# ── Stopping ────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.usefixtures("small_chunks")
def test_a_stopped_act_keeps_what_it_did_and_goes_on_where_it_stood(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = NotificationFactory.create_batch(7, status="failed")
    act, tell = asked("replay", rows), working._tell

    def and_stop(*given: Any) -> None:
        tell(*given)
        monkeypatch.setattr(working, "TURN", -1.0)

    monkeypatch.setattr(working, "_tell", and_stop)
    work(matching=matching, until=time.monotonic() + 60, stop=lambda: working.TURN < 0)
    assert stop(act.pk, by="staff:2")
    assert not stop(act.pk, by="staff:3"), "it is over"
    assert run() == 0
    halted = fresh(act)
    assert (halted.status, halted.stopped_by, halted.done) == ("stopped", "staff:2", 3)
    assert Notification.objects.filter(status="failed").count() == 4
    assert go_on(act.pk)
    assert not go_on(act.pk)
    monkeypatch.setattr(working, "TURN", 2.0)
    monkeypatch.setattr(working, "_tell", tell)
    run()
    assert (fresh(act).status, fresh(act).done) == ("done", 7)
    assert all(len(fresh(row).metadata["history"]) == 1 for row in rows)


# ── Undo ────────────────────────────────────────────────────────────────────────────────────────────────
def state(row: Notification) -> dict[str, Any]:
    """All of a row but the note of what was done to it."""
    found: dict[str, Any] = dict(Notification.objects.filter(pk=row.pk).values().get())
    found["metadata"] = {key: value for key, value in found["metadata"].items() if key != "history"}
    return found


UNDOABLE: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "replay": ({"status": "failed", "metadata": {"outcome_unknown": True, "released": 2}}, {}),
    "cancel": ({"status": "queued"}, {}),
    "reschedule": ({"status": "queued"}, {"to": "2036-01-01T09:00:00+00:00"}),
    "prioritise": ({"status": "queued", "priority": 2}, {"priority": 0}),
}


@pytest.mark.parametrize("kind", UNDOABLE)
def test_what_was_done_is_taken_back_to_what_it_was(kind: str) -> None:
    made, arguments = UNDOABLE[kind]
    row = NotificationFactory.create(**made)
    before = state(row)
    act = did(kind, row, **arguments)
    assert state(row) != before
    back = taken_back(act)
    assert (back.done, back.skipped) == (1, {})
    assert state(row) == before
    assert [entry["what"] for entry in fresh(row).metadata["history"]][-1] == "undone"


def test_new_messages_that_wait_are_withheld_again() -> None:
    parent = NotificationFactory.create(status="sent")
    act = did("send_again", parent)
    back = taken_back(act)
    child = Notification.objects.get(parent=parent)
    assert (back.done, child.status, fresh(parent).status) == (1, "cancelled", "sent")
    assert child.metadata["withheld"]["reason"] == "A slip."


@pytest.mark.parametrize("kind", ["replay", "send_again", "reschedule"])
def test_what_was_tried_since_stays(kind: str) -> None:
    status, arguments = {"replay": ("failed", {}), "send_again": ("sent", {})}.get(
        kind, ("queued", {"to": "2020-01-01T09:00:00+00:00"})
    )
    act = did(kind, NotificationFactory.create(status=status), **arguments)
    (held,) = claimed()
    back = taken_back(act)
    assert back.done == 0
    assert back.skipped in ({"busy": 1}, {"is:processing": 1})
    assert fresh(Notification(pk=held.id)).status == "processing"


def test_what_somebody_did_to_it_since_stands() -> None:
    row = NotificationFactory.create(priority=2)
    act = did("prioritise", row, priority=0)
    did("prioritise", row, priority=3)
    assert taken_back(act).skipped == {"changed": 1}
    assert fresh(row).priority == 3


def test_what_has_expired_or_was_forgotten_is_not_queued_again() -> None:
    soon = NotificationFactory.create(expires_at=timezone.now() + HOUR)
    erased = NotificationFactory.create()
    act = did("cancel", soon, erased)
    Notification.objects.filter(pk=soon.pk).update(
        scheduled_at=timezone.now() - 3 * HOUR, expires_at=timezone.now() - HOUR
    )
    Notification.objects.filter(pk=erased.pk).update(to={"erased": True})
    assert taken_back(act).skipped == {"changed": 2}
    assert {fresh(soon).status, fresh(erased).status} == {"cancelled"}


def test_what_was_sent_again_instead_is_not_queued_beside_the_new_one() -> None:
    row, other = NotificationFactory.create(), NotificationFactory.create()
    act = did("cancel", row, other)
    did("send_again", row)
    assert taken_back(act).skipped == {"changed": 1}
    assert (fresh(row).status, fresh(other).status) == ("cancelled", "queued")
    # Nobody has two of it: the old one stays withheld.
    assert Notification.objects.filter(status="queued").count() == 2


def test_what_was_sent_again_and_withheld_is_queued_again_itself() -> None:
    row = NotificationFactory.create()
    act, again = did("cancel", row), did("send_again", row)
    assert (taken_back(again).done, taken_back(act).done) == (1, 1)
    assert [one.status for one in Notification.objects.order_by("created_at")] == ["queued", "cancelled"]


def test_an_act_is_undone_once_and_only_what_it_did() -> None:
    row, other = NotificationFactory.create(), NotificationFactory.create(status="sent")
    act = did("cancel", row, other)
    back = taken_back(act)
    assert (back.total, back.done) == (1, 1)
    again, is_new = ask_to_undo(act.pk, by="staff:3", reason="x", now=timezone.now())
    assert (again.pk, is_new) == (back.pk, False)
    assert not go_on(act.pk)


def test_what_cannot_be_undone_says_why() -> None:
    doubtful = NotificationFactory.create(status="failed", metadata={"outcome_unknown": True})
    settled = did("settle", doubtful, was_sent=True)
    nothing = did("cancel", NotificationFactory.create(status="sent"))
    waiting = asked("cancel", [NotificationFactory.create()])
    undo = taken_back(did("cancel", NotificationFactory.create()))
    assert [why_not_undone(act) for act in (settled, nothing, waiting, undo)] == [
        "settle", "nothing", "running", "undo",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="settle"):
        ask_to_undo(settled.pk, by="staff:1", reason="x", now=timezone.now())


def test_a_large_undo_runs_in_the_background() -> None:
    many(CAP + 1)
    act = asked("replay", query="status__exact=failed")
    run()
    back, _ = ask_to_undo(act.pk, by="staff:1", reason="x", now=timezone.now())
    assert back.total is None
    run()
    assert (fresh(back).status, fresh(back).done) == ("done", CAP + 1)
    assert Notification.objects.filter(status="failed", attempts=3, error="503: down").count() == CAP + 1


# ── Roles and retention ─────────────────────────────────────────────────────────────────────────────────
@pytest.mark.django_db(transaction=True)
def test_the_back_offices_login_asks_and_the_workers_login_does() -> None:
    many(5)
    small = NotificationFactory.create()
    with logged_in_as(CLERK):
        act = asked("replay", query="status__exact=failed")
        cancelled = did("cancel", small)
        undone = taken_back(cancelled)
    with logged_in_as(WORKER):
        run()
        gone = expire(Retention(), now=timezone.now() + dt.timedelta(days=91), until=time.monotonic() + 60)
    assert undone.done == 1
    assert (gone["messages of acts deleted"], gone["acts deleted"]) == (7, 3)
    assert not BulkAct.objects.filter(pk=act.pk).exists()
    assert Notification.objects.filter(status="queued").count() == 6


def test_an_act_is_kept_for_its_time_and_one_that_runs_for_ever() -> None:
    over, runs = did("cancel", NotificationFactory.create()), asked("cancel", [NotificationFactory.create()])
    early = timezone.now() + dt.timedelta(days=89)
    expire(Retention(), now=early, until=time.monotonic() + 60)
    assert BulkAct.objects.count() == 2
    expire(Retention(), now=early + dt.timedelta(days=2), until=time.monotonic() + 60)
    assert [act.pk for act in BulkAct.objects.all()] == [runs.pk]
    assert not BulkActRow.objects.filter(act=over).exists()
