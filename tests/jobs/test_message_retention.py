"""message_retention: what is over goes, what is not stays, and a dry run only counts."""

import datetime as dt
import uuid
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import F
from django.utils import timezone

from consent.models import ConfirmRequest, UnsubscribeToken
from consent.preferences import revoke
from jobs.catalog import message_retention
from jobs.models import JobRun
from jobs.report import Outcome, RunReport
from jobs.runner import run
from notifications.models import ApiRequest, InboxItem, Notification, NotificationHistory, ProviderEvent
from notifications.retention import Retention, retention_problems
from tests.ended import finished
from tests.notification_factories import InboxItemFactory, NotificationFactory, ProviderEventFactory
from tests.roles import WORKER, logged_in_as

pytestmark = pytest.mark.django_db(transaction=True)
DAY = dt.timedelta(days=1)
NAME = message_retention.NAME


def retain(*, at: dt.datetime | None = None, dry_run: bool = False) -> RunReport:
    return run(NAME, now=at or timezone.now(), trigger="command", dry_run=dry_run)


def counts(report: RunReport) -> dict[str, int]:
    assert report.status is Outcome.SUCCESS, report.error
    assert report.result
    return {name: count for name, count in report.result.changed.items() if count}


def link(days_left: int) -> UnsubscribeToken:
    return UnsubscribeToken.objects.create(
        token_sha256=uuid.uuid4().hex, customer_id="7", channel="email", category="reminder",
        expires_at=timezone.now() + days_left * DAY,
    )  # fmt: skip


def question(days_left: int) -> ConfirmRequest:
    """What a customer was asked, whose link works for so long."""
    said: dict[str, Any] = {"customer_id": uuid.uuid4().hex, "channel": "email", "category": "marketing"}
    event = revoke(**said, source="api", actor="customer", at=timezone.now())
    assert event is not None
    return ConfirmRequest.objects.create(
        **said, event=event, token_sha256=uuid.uuid4().hex, asked_at=timezone.now(),
        expires_at=timezone.now() + days_left * DAY,
    )  # fmt: skip


def answer(hours_left: int) -> ApiRequest:
    return ApiRequest.objects.create(
        digest=uuid.uuid4().hex, caller="token:x", operation="POST", body_digest="x", status=200, answer="{}",
        expires_at=timezone.now() + dt.timedelta(hours=hours_left),
    )  # fmt: skip


def item(days_ago: int) -> InboxItem:
    made: InboxItem = InboxItemFactory.create()
    InboxItem.objects.filter(pk=made.pk).update(created_at=timezone.now() - days_ago * DAY)
    return made


def event(days_ago: int) -> ProviderEvent:
    made: ProviderEvent = ProviderEventFactory.create()
    ProviderEvent.objects.filter(pk=made.pk).update(received_at=timezone.now() - days_ago * DAY)
    return made


def past(days_ago: int) -> NotificationHistory:
    at = timezone.now() - days_ago * DAY
    return NotificationHistory.objects.create(
        id=uuid.uuid4(), channel="email", category="reminder", priority=2, status="sent", attempts=1,
        scheduled_at=at, created_at=at, finished_at=at,
    )  # fmt: skip


def is_there(row: Any) -> bool:
    return bool(type(row).objects.filter(pk=row.pk).exists())


def test_nothing_is_over_and_nothing_goes() -> None:
    for made in (finished("sent", 6), NotificationFactory.create()):
        assert made
    link(-29), question(-29), answer(1), item(179), event(89), past(399)
    assert counts(retain()) == {}
    assert Notification.objects.count() == 2
    assert JobRun.objects.get().status == "success"


def test_each_thing_goes_when_its_own_time_is_over() -> None:
    message = finished("sent", 8)
    kept = [link(-29), question(-29), answer(1), item(179), event(89), past(399)]
    gone = [link(-31), question(-31), answer(-1), item(181), event(91), past(401)]
    assert counts(retain()) == {
        "messages moved": 1,
        "API answers deleted": 1,
        "inbox items deleted": 1,
        "provider events deleted": 1,
        "unsubscribe links deleted": 1,
        "confirmation links deleted": 1,
        "past messages forgotten": 1,
    }
    assert NotificationHistory.objects.filter(pk=message.pk).exists()
    assert all(is_there(row) for row in kept)
    assert not any(is_there(row) for row in gone)
    assert counts(retain()) == {}


def test_the_workers_login_has_the_rights_for_all_of_it() -> None:
    finished("sent", 8), link(-31), answer(-1), item(181), event(91), past(401)
    with logged_in_as(WORKER):
        done = counts(retain())
    assert list(done.values()) == [1] * 6
    assert NotificationHistory.objects.count() == 1


def test_a_batch_at_a_time_until_all_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notifications.expire.BATCH", 2)
    for _ in range(5):
        item(200)
    item(1)
    assert counts(retain())["inbox items deleted"] == 5
    assert InboxItem.objects.count() == 1


def test_a_dry_run_counts_and_changes_nothing() -> None:
    finished("sent", 8), finished("failed", 9), item(200)
    report = retain(dry_run=True)
    assert counts(report) == {"messages moved": 2, "inbox items deleted": 1}
    assert report.result
    assert report.result.found == {"messages to move": 2}
    assert (Notification.objects.count(), InboxItem.objects.count()) == (2, 1)
    assert not NotificationHistory.objects.exists()


def test_a_dry_run_of_many_does_a_bounded_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notifications.move.BATCH", 2)
    monkeypatch.setattr("notifications.move.ROUND", 4)
    for _ in range(9):
        finished("sent", 8)
    report = retain(dry_run=True)
    assert report.result
    assert report.result.found == {"messages to move": 9}
    assert report.result.changed["messages moved"] == 4


def test_a_dry_run_looks_ahead_and_a_real_run_does_not() -> None:
    finished("sent", 1)
    ahead = timezone.now() + 10 * DAY
    assert counts(retain(at=ahead, dry_run=True)) == {"messages moved": 1}
    assert counts(retain(at=ahead)) == {}
    assert Notification.objects.exists()


def test_an_older_moment_takes_what_was_over_then() -> None:
    old = finished("sent", 9)
    finished("sent", 8)
    report = retain(at=timezone.now() - 1.5 * DAY)
    assert counts(report) == {"messages moved": 1}
    assert NotificationHistory.objects.get().pk == old.pk


def test_a_transaction_that_stays_open_fails_the_run_with_what_to_do(
    other_connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished("sent", 8), item(200)
    monkeypatch.setattr(message_retention, "BUDGET", dt.timedelta(seconds=0.3))
    with other_connection.cursor() as cursor:
        cursor.execute("BEGIN")
        report = retain()
        assert report.status is Outcome.FAILED
        assert "1 wait: 1 transactions have been open" in report.error
        assert "pg_stat_activity" in report.error
        assert not InboxItem.objects.exists(), "what waits for nobody goes all the same"
        cursor.execute("COMMIT")
    monkeypatch.undo()
    assert counts(retain()) == {"messages moved": 1}


def test_it_runs_beside_a_drain_that_holds_rows(other_connection: Any) -> None:
    """What is claimed, queued or locked is none of its business."""
    held = finished("failed", 9)
    going = finished("sent", 8)
    NotificationFactory.create(status="processing")
    with other_connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 8025))", [str(held.pk)])
        assert counts(retain()) == {"messages moved": 1}
        cursor.execute("SELECT pg_advisory_unlock_all()")
    assert not Notification.objects.filter(pk=going.pk).exists()
    assert Notification.objects.filter(pk=held.pk).exists()


def test_the_clock_starts_it_every_hour_as_a_command_does() -> None:
    finished("sent", 8)
    call_command("run_job", NAME, "--json", verbosity=0)
    assert NotificationHistory.objects.count() == 1


@pytest.mark.parametrize(
    ("keep", "says"),
    [
        (7, "is a int"),
        (Retention(messages=dt.timedelta(hours=1)), "messages="),
        (Retention(unknown=2 * DAY), "shorter than `messages`"),
        (Retention(history=20 * DAY), "30 days back"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_named(keep: Any, says: str) -> None:
    caps = {"marketing": ((4, 30 * DAY),)}
    (problem,) = retention_problems(keep, caps)
    assert says in problem
    assert not list(retention_problems(Retention(), caps))


def test_the_periods_are_those_of_the_settings(settings: Any) -> None:
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "RETENTION": Retention(messages=14 * DAY)}
    finished("sent", 10)
    assert counts(retain()) == {}
    Notification.objects.update(
        **{name: F(name) - 5 * DAY for name in ("created_at", "scheduled_at", "last_attempt_at")}
    )
    assert counts(retain()) == {"messages moved": 1}
    assert not connection.in_atomic_block
