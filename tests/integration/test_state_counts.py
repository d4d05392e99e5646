"""The counts of the queue's states: exact as far as a person reads, an estimate beyond, and never a walk over all."""

import datetime as dt

import pytest
from django.db import connection
from django.utils import timezone, translation

from notifications import state_counts as counting
from notifications.state_counts import DUE, Counted, state_counts
from tests.notification_factories import NotificationFactory
from tests.plan_reader import explained

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("swept")]


def test_each_state_is_counted_and_of_the_queued_those_that_are_due() -> None:
    now = timezone.now()
    NotificationFactory.create_batch(2, status="sent")
    NotificationFactory.create(status="failed")
    NotificationFactory.create(status="queued", scheduled_at=now - dt.timedelta(minutes=1))
    NotificationFactory.create(status="queued", scheduled_at=now + dt.timedelta(minutes=1))
    counts = state_counts(now=now)
    assert {state: str(count) for state, count in counts.items()} == {
        "queued": "2", "processing": "0", "sent": "2", "failed": "1", "cancelled": "0", DUE: "1",
    }  # fmt: skip
    assert not counts["cancelled"]
    assert counts["sent"].is_exact


def test_beyond_the_cap_the_planner_estimates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "CAP", 20)
    NotificationFactory.create_batch(50, status="sent")
    NotificationFactory.create_batch(20, status="failed")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE notification_queue")
    now = timezone.now()
    counts = state_counts(now=now)
    assert counts["sent"] == Counted(50, is_exact=False, is_estimate=True)
    assert counts["failed"] == Counted(20)


def test_an_estimate_below_what_was_counted_only_says_more_than(monkeypatch: pytest.MonkeyPatch) -> None:
    # Of an empty table the planner knows nothing and says more; of this one, that none is sent.
    NotificationFactory.create_batch(100, status="failed")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE notification_queue")
    monkeypatch.setattr(counting, "CAP", 20)
    NotificationFactory.create_batch(21, status="sent")
    assert state_counts(now=timezone.now())["sent"].count == 20
    assert not state_counts(now=timezone.now())["sent"].is_estimate


def test_no_state_is_counted_further_than_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "CAP", 20)
    NotificationFactory.create_batch(60, status="sent")
    with explained("notification_queue") as plans:
        state_counts(now=timezone.now())
    # How the few rows of a test are read is the planner's choice; where it stops is ours (test_plans.py has the long table).
    counts = [plan for plan in plans if "count(*)" in plan.sql]
    limits = [[node for node in plan.nodes() if node["Node Type"] == "Limit"] for plan in counts]
    assert all(limits)
    assert max(node["Actual Rows"] for found in limits for node in found) == 21


@pytest.mark.parametrize(
    ("counted", "english", "french"),
    [
        (Counted(0), "0", "0"),
        (Counted(9312), "9,312", "9\u202f312"),
        (Counted(10_000, is_exact=False), "more than 10,000", "plus de 10\u202f000"),
        (Counted(48_213, is_exact=False, is_estimate=True), "≈ 48,000", "≈ 48\u202f000"),
        (Counted(1_940_000, is_exact=False, is_estimate=True), "≈ 1.9 million", "≈ 1,9 million"),
        (Counted(4_913_002, is_exact=False, is_estimate=True), "≈ 4.9 million", "≈ 4,9 millions"),
    ],
)
def test_a_count_in_words(counted: Counted, english: str, french: str) -> None:
    with translation.override("en"):
        assert str(counted) == english
    with translation.override("fr"):
        assert str(counted).replace("\xa0", "\u202f") == french
