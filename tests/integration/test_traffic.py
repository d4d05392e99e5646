"""The counts of what went through are right whatever happens: two folds, late commits, clocks, standstills, moves, replays."""

import datetime as dt
import json
import threading
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, connections, transaction
from django.utils import timezone

from notifications.models import DeliveryAttempt, Notification, Traffic, TrafficFold
from notifications.move import move_ended
from notifications.replay import replay
from notifications.retention import Retention
from notifications.settle_unknown import settle_unknown
from notifications.traffic import fold as folding
from notifications.traffic.fold import fold
from notifications.traffic.period import Period, span
from notifications.traffic.read import figures
from notifications.traffic.rebuild import Busy, rebuild
from notifications.traffic.steps import kept_since
from tests.notification_factories import DeliveryAttemptFactory, NotificationFactory
from tests.operators import operator
from tests.plan_reader import explained
from tests.roles import CLERK, WORKER, logged_in_as

NOW = timezone.now().replace(second=30, microsecond=0)
MINUTE = dt.timedelta(minutes=1)
HOUR = dt.timedelta(hours=1)


def at(ago: dt.timedelta) -> dt.datetime:
    return NOW - ago


def sent(
    when: dt.datetime, *, channel: str = "email", took: float = 0.12, waited: float = 1.0, **given: Any
) -> Notification:
    """A message that its provider accepted then."""
    row = NotificationFactory.create(
        status="sent", channel=channel, scheduled_at=when - dt.timedelta(seconds=waited), last_attempt_at=when,
    )  # fmt: skip
    attempt(row, when, outcome="sent", took=took, **given)
    return row


def failed(when: dt.datetime, *, error: str = "550: no such box") -> Notification:
    row = NotificationFactory.create(status="failed", scheduled_at=when, last_attempt_at=when, error=error)
    attempt(row, when, outcome="permanent", provider_code="550")
    return row


def withheld(when: dt.datetime, *, rule: str = "consent.revoked") -> Notification:
    entry = {"stage": "enqueue", "rule": rule, "reason": "No.", "at": when.isoformat()}
    return NotificationFactory.create(status="cancelled", metadata={"withheld": entry}, scheduled_at=when)


def attempt(row: Notification, when: dt.datetime, *, took: float = 0.12, **given: Any) -> DeliveryAttempt:
    return DeliveryAttemptFactory.create(
        notification=row, started_at=when - dt.timedelta(seconds=took), finished_at=when, **given
    )


def counts(step: str = "minute") -> dict[tuple[str, str, str], int]:
    """By (what, provider, code), over all time."""
    found: dict[tuple[str, str, str], int] = {}
    for what, provider, code, count in Traffic.objects.filter(step=step).values_list(
        "what", "provider", "code", "count"
    ):
        found[what, provider, code] = found.get((what, provider, code), 0) + count
    return found


def total(what: str, step: str = "minute") -> int:
    return sum(count for (one, _, _), count in counts(step).items() if one == what)


@pytest.fixture
def begun(db: None) -> None:
    """As it is a minute after `migrate`: the first fold has looked at everything there was."""
    fold(now=NOW - 3 * HOUR)


@pytest.fixture
def seen_by_all(transactional_db: None) -> None:
    """The same, and committed, for tests with several connections."""
    fold(now=NOW - 3 * HOUR)


# ── What is counted ─────────────────────────────────────────────────────────────────────────────────────
def test_each_minute_has_what_went_through_by_channel_provider_and_error(begun: None) -> None:
    sent(at(2 * MINUTE), took=0.12, waited=0.5)
    sent(at(2 * MINUTE), took=0.4, waited=40)
    sent(at(MINUTE), channel="sms", provider="twilio", took=70)
    failed(at(MINUTE))
    withheld(at(MINUTE))
    assert fold(now=NOW).is_done
    assert counts() == {
        ("sent", "sendgrid", ""): 2,
        ("sent", "twilio", ""): 1,
        ("permanent", "sendgrid", "550"): 1,
        ("call", "sendgrid", "200"): 2,
        ("call", "sendgrid", "500"): 1,
        ("call", "twilio", "300000"): 1,
        ("wait", "sendgrid", "750"): 1,
        ("wait", "sendgrid", "60000"): 1,
        ("wait", "twilio", "2000"): 1,
        ("failed", "", "550"): 1,
        ("withheld", "", "consent.revoked"): 1,
    }
    assert counts("hour") == counts("day") == counts()
    starts = (
        Traffic.objects.filter(step="minute", what="sent").order_by("start").values_list("start", "channel")
    )
    assert list(starts) == [
        (at(2 * MINUTE).replace(second=0), "email"),
        (at(MINUTE).replace(second=0), "sms"),
    ]


def test_a_fold_again_counts_nothing_twice(begun: None) -> None:
    sent(at(MINUTE))
    failed(at(MINUTE))
    fold(now=NOW)
    before = counts()
    fold(now=NOW)
    fold(now=NOW + MINUTE)
    assert counts() == before


def test_the_running_minute_is_counted_when_it_is_over(begun: None) -> None:
    failed(NOW)
    fold(now=NOW)
    assert total("failed") == 0
    fold(now=NOW + MINUTE)
    assert total("failed") == total("failed", "hour") == total("failed", "day") == 1


# ── Two at once, and commits that come late ─────────────────────────────────────────────────────────────
def test_two_folds_at_once_count_once(seen_by_all: None) -> None:
    for _ in range(30):
        sent(at(MINUTE))
    ready = threading.Barrier(4)

    def run() -> None:
        try:
            ready.wait(10)
            fold(now=NOW)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    fold(now=NOW)
    assert total("sent") == total("sent", "day") == 30


def test_an_attempt_that_is_committed_late_is_waited_for_and_counted(
    seen_by_all: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its id is lower than one that is committed before it."""
    early, late = NotificationFactory.create_batch(2, status="sent", scheduled_at=at(MINUTE))
    written, may_commit = threading.Event(), threading.Event()

    def write_slowly() -> None:
        try:
            with transaction.atomic():
                attempt(late, at(MINUTE), outcome="sent")
                written.set()
                may_commit.wait(10)
        finally:
            connections.close_all()

    writer = threading.Thread(target=write_slowly)
    writer.start()
    written.wait(10)
    attempt(early, at(MINUTE), outcome="sent")

    # The fold looks again and again while it waits; the second look lets the writer go on.
    def look_again(_seconds: float) -> None:
        may_commit.set()
        writer.join(10)

    monkeypatch.setattr("notifications.traffic.calls.time.sleep", look_again)
    fold(now=NOW)
    assert total("sent") == 2


def test_a_writer_that_does_not_end_keeps_the_fold_for_the_next_minute(
    seen_by_all: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folding, "PATIENCE", 0.05)
    row = sent(at(MINUTE))
    written, may_commit = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            DeliveryAttemptFactory.create(notification_id=row.pk, notification=row, number=9)
            written.set()
            may_commit.wait(10)
            transaction.set_rollback(True)

    writer = threading.Thread(target=_closing(hold))
    writer.start()
    written.wait(10)
    assert not fold(now=NOW).is_done
    assert total("sent") == 0
    may_commit.set()
    writer.join(10)
    assert fold(now=NOW + MINUTE).is_done
    assert total("sent") == 1


def _closing(step: Callable[[], object]) -> Callable[[], None]:
    def run() -> None:
        try:
            step()
        finally:
            connections.close_all()

    return run


def test_an_attempt_recorded_hours_late_is_added_to_its_own_minute(begun: None) -> None:
    sent(at(2 * HOUR))
    fold(now=NOW - HOUR)
    sent(at(2 * HOUR))
    fold(now=NOW)
    [row] = Traffic.objects.filter(step="minute", what="sent")
    assert (row.start, row.count) == (at(2 * HOUR).replace(second=0), 2)


def test_a_message_found_to_have_failed_hours_ago_is_counted_by_the_hourly_sweep(begun: None) -> None:
    fold(now=NOW)
    failed(at(20 * HOUR))
    fold(now=NOW + MINUTE)
    assert total("failed") == 0
    fold(now=NOW + HOUR)
    assert total("failed") == total("failed", "hour") == total("failed", "day") == 1


def test_what_is_replayed_and_sent_is_a_failure_no_more(begun: None) -> None:
    row = failed(at(MINUTE))
    fold(now=NOW)
    assert total("failed", "day") == 1
    replay([row.pk], by="staff:1", reason="mended")
    fold(now=NOW)
    assert total("failed") == total("failed", "hour") == total("failed", "day") == 0
    assert total("permanent") == 1


# ── Clocks and standstills ──────────────────────────────────────────────────────────────────────────────
def test_what_a_person_settles_as_sent_is_a_failure_no_more_and_no_answer_of_a_provider(begun: None) -> None:
    """Decision 20: «sent» counts what providers accepted, each message once."""
    row = failed(at(10 * MINUTE), error="outcome_unknown: timeout")
    DeliveryAttempt.objects.filter(notification=row).update(outcome="unknown", provider_code="timeout")
    Notification.objects.filter(pk=row.pk).update(metadata={"outcome_unknown": True})
    fold(now=NOW)
    assert counts()["failed", "", "outcome_unknown"] == 1
    settle_unknown([row.pk], was_sent=True, by="staff:1", reason="It stands in their log")
    fold(now=NOW + MINUTE)
    assert {what for what, _provider, _code in counts()} == {"unknown", "call"}


def test_a_message_that_is_replayed_after_its_answer_was_lost_is_sent_once(begun: None) -> None:
    row = failed(at(10 * MINUTE), error="outcome_unknown: timeout")
    DeliveryAttempt.objects.filter(notification=row).update(outcome="unknown", provider_code="timeout")
    Notification.objects.filter(pk=row.pk).update(metadata={"outcome_unknown": True})
    settle_unknown([row.pk], was_sent=False, by="staff:1", reason="Not in their log", then_replay=True)
    Notification.objects.filter(pk=row.pk).update(
        status="sent", error=None, last_attempt_at=at(5 * MINUTE), metadata={"sent_at": str(at(5 * MINUTE))}
    )
    attempt(row, at(5 * MINUTE), outcome="sent")
    fold(now=NOW)
    found = counts()
    assert sum(count for (what, _provider, _code), count in found.items() if what == "sent") == 1
    assert not any(what == "failed" for what, _provider, _code in found)


def test_a_clock_set_back_loses_nothing_and_doubles_nothing(begun: None) -> None:
    sent(at(MINUTE))
    failed(at(MINUTE))
    fold(now=NOW)
    back = NOW - 2 * HOUR
    sent(back - MINUTE)
    failed(back - MINUTE)
    fold(now=back)
    assert (total("sent"), total("failed")) == (2, 2)
    fold(now=NOW + MINUTE)
    assert (total("sent", "hour"), total("failed", "hour")) == (2, 2)
    assert TrafficFold.objects.get().ended == (NOW + MINUTE).replace(second=0)


def _begin_at(row: Notification) -> None:
    """As if all before its attempt were counted: other tests have used ids, and a chunk here is small."""
    TrafficFold.objects.update(attempt=DeliveryAttempt.objects.get(notification=row).pk - 1)


def test_a_fold_that_stood_still_for_hours_catches_up(begun: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "CHUNK", 3)
    _begin_at(sent(NOW))
    for hours in range(1, 8):
        sent(NOW + hours * HOUR)
        failed(NOW + hours * HOUR)
    assert fold(now=NOW + 8 * HOUR).is_done
    assert (total("sent"), total("failed"), total("sent", "hour")) == (8, 7, 8)


def test_a_standstill_that_is_shorter_than_a_sweep_is_caught_up_too(begun: None) -> None:
    fold(now=NOW)
    failed(NOW + 5 * MINUTE)
    fold(now=NOW + 40 * MINUTE)
    assert total("failed") == 1


def test_a_fold_that_is_told_to_stop_goes_on_where_it_was(
    begun: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folding, "CHUNK", 1)
    rows = [sent(at(MINUTE)) for _ in range(3)]
    _begin_at(rows[0])
    answers = iter([False, False, True])
    assert not fold(now=NOW, stop=lambda: next(answers)).is_done
    assert total("sent") == 2
    fold(now=NOW)
    assert total("sent") == 3


def test_after_a_long_standstill_the_history_is_read_too(begun: None) -> None:
    """Retention went on while nobody counted."""
    for _ in range(2):
        sent(NOW)
        failed(NOW)
        withheld(NOW)
    later = NOW + dt.timedelta(days=4)
    sent(later - MINUTE)
    move_ended(Retention(messages=dt.timedelta(days=1)), now=later, until=float("inf"))
    assert Notification.objects.count() == 1
    fold(now=later)
    assert (total("sent", "hour"), total("failed", "hour"), total("withheld", "day")) == (3, 2, 2)
    assert total("sent") == 1  # minutes are kept for two days


def test_the_move_to_the_history_changes_no_figure(begun: None) -> None:
    for maker in (sent, failed, withheld):
        maker(at(30 * HOUR))
        maker(at(30 * HOUR))
    Notification.objects.update(created_at=at(31 * HOUR))
    fold(now=NOW)
    before = counts(), counts("hour"), counts("day")
    move_ended(Retention(messages=dt.timedelta(days=1)), now=NOW, until=float("inf"))
    assert not Notification.objects.exists()
    fold(now=NOW + HOUR)
    assert (counts(), counts("hour"), counts("day")) == before


# ── Keeping, and making anew ────────────────────────────────────────────────────────────────────────────
def test_minutes_hours_and_days_are_kept_for_so_long_each(begun: None) -> None:
    for step, since in kept_since(NOW).items():
        for start in (since, since - MINUTE):
            Traffic.objects.create(
                step=step, start=start, channel="email", what="sent", provider="sendgrid", code="", count=1
            )
    fold(now=NOW)
    assert {row.step: row.start for row in Traffic.objects.all()} == kept_since(NOW)


def test_a_rebuild_says_the_same_as_the_folds(begun: None) -> None:
    sent(at(3 * HOUR))
    failed(at(2 * HOUR))
    withheld(at(MINUTE))
    fold(now=NOW)
    before = counts(), counts("hour"), counts("day")
    Traffic.objects.update(count=77)
    rebuild(since=None, now=NOW)
    assert (counts(), counts("hour"), counts("day")) == before
    fold(now=NOW + MINUTE)
    assert counts() == before[0]


def test_a_rebuild_finds_what_was_written_into_the_past(begun: None) -> None:
    fold(now=NOW)
    sent(at(dt.timedelta(days=5)))
    printed = StringIO()
    day = at(dt.timedelta(days=6)).date().isoformat()
    call_command("rebuild_traffic", "--json", since=day, stdout=printed)
    assert json.loads(printed.getvalue()) == {"counts": 6, "since": day}
    assert (total("sent"), total("sent", "hour"), total("sent", "day")) == (0, 1, 1)


@pytest.mark.parametrize("text", ["yesterday", "2026-02-31", "2999-01-01"])
def test_a_rebuild_from_no_day_is_refused(text: str, db: None) -> None:
    with pytest.raises(CommandError, match="--since"):
        call_command("rebuild_traffic", since=text)


def test_a_rebuild_beside_a_fold_says_so(seen_by_all: None) -> None:
    holds, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            TrafficFold.objects.select_for_update().get()
            holds.set()
            may_end.wait(10)

    holder = threading.Thread(target=_closing(hold))
    holder.start()
    holds.wait(10)
    try:
        with pytest.raises(Busy, match="another fold"):
            rebuild(since=None, now=NOW)
        assert not fold(now=NOW).is_done
    finally:
        may_end.set()
        holder.join(10)


def test_the_street_writes_no_count(db: None) -> None:
    """No trigger on what it writes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgrelid IN ('notification_queue'::regclass, "
            "'delivery_attempts'::regclass) AND tgname NOT LIKE 'postroom_refuse%'"
        )
        assert cursor.fetchall() == []


# ── Who reads and writes it, and by which index ─────────────────────────────────────────────────────────
def test_a_worker_counts_and_the_back_office_only_reads(seen_by_all: None) -> None:
    sent(at(MINUTE))
    failed(at(MINUTE))
    client = operator("*")
    with logged_in_as(WORKER):
        assert fold(now=NOW).is_done
        assert rebuild(since=None, now=NOW) > 0
    with logged_in_as(CLERK):
        totals = client.get("/admin/").context["traffic"].totals
        assert [total.count for total in totals] == ["1", "1", "0"]
        with pytest.raises(ProgrammingError, match="permission denied"):
            Traffic.objects.update(count=2)


@pytest.mark.usefixtures("swept")
def test_a_period_is_read_through_the_key_whatever_else_is_kept(begun: None) -> None:
    """A year of a busy table, of which the last hour is read."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO traffic SELECT step, now() - n * interval '1 minute', 'email', 'sent', 'p' || p, '', 1 "
            "FROM unnest(ARRAY['minute', 'hour', 'day']) AS step, generate_series(1, 3000) AS n, generate_series(1, 5) AS p"
        )
        cursor.execute("ANALYZE traffic")
    now = timezone.now()
    with explained("traffic") as plans:
        figures(span(Period.HOUR, now=now, zone=dt.UTC), now=now)
    [plan] = [plan for plan in plans if "GROUPING SETS" in plan.sql]
    assert plan.indexes - {"traffic_fold_pkey"} == {"traffic_pkey"}, plan
    assert plan.blocks < 60, plan


@pytest.mark.django_db
def test_a_fold_while_the_figures_are_read_counts_nothing_twice() -> None:
    fold(now=at(MINUTE))
    sent(at(MINUTE))
    failed(at(MINUTE))
    folds = 0

    def fold_after_the_first_of_them(execute: Any, sql: str, *rest: Any) -> Any:
        nonlocal folds
        answer = execute(sql, *rest)
        if "traffic" in sql and not folds:
            folds = 1
            fold(now=NOW + MINUTE)
        return answer

    with connection.execute_wrapper(fold_after_the_first_of_them):
        found = figures(span(Period.HOUR, now=NOW, zone=dt.UTC), now=NOW)
    assert folds == 1
    assert (found.total("sent"), found.total("failed")) == (1, 1)
