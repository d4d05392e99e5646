"""What is old enough to go: only what ended before the moment, oldest first, a batch at a time."""

import datetime as dt
import uuid

import pytest
from django.utils import timezone

from notifications.retention import Retention, count_ended, ended
from tests.ended import finished

pytestmark = pytest.mark.django_db
NOW = timezone.now()
DAY = dt.timedelta(days=1)
KEEP = Retention(messages=5 * DAY, unknown=20 * DAY)


def over(limit: int = 10, **keep: dt.timedelta) -> list[uuid.UUID]:
    settings = Retention(**{"messages": KEEP.messages, "unknown": KEEP.unknown, **keep})
    return [
        row.id
        for status in ("sent", "failed", "cancelled")
        for row in ended(status, settings, now=NOW, limit=limit)
    ]


def test_each_ended_state_oldest_first_and_never_more_than_asked_for() -> None:
    failed, old, cancelled, young = (
        finished("failed", 7), finished("sent", 9), finished("cancelled", 8, last_attempt_at=None), finished("sent", 6)
    )  # fmt: skip
    assert over() == [old.pk, young.pk, failed.pk, cancelled.pk]
    assert over(limit=1) == [old.pk, failed.pk, cancelled.pk]
    assert count_ended(KEEP, now=NOW) == 4


def test_a_walk_goes_on_where_the_last_one_stood() -> None:
    first, second = finished("sent", 9), finished("sent", 8)
    (head,) = ended("sent", KEEP, now=NOW, limit=1)
    rest = ended("sent", KEEP, now=NOW, limit=5, after=second.scheduled_at)
    assert (head.id, [row.id for row in rest]) == (first.pk, [second.pk])


def test_what_is_younger_or_not_finished_stays() -> None:
    finished("sent", 4)
    finished("queued", 9, attempts=0, last_attempt_at=None)
    finished("processing", 9)
    assert over() == []


def test_what_was_due_long_ago_and_finished_lately_stays() -> None:
    finished("sent", 9, last_attempt_at=NOW - DAY)
    finished("failed", 9, last_attempt_at=NOW - DAY)
    finished("sent", 9, created_at=NOW - DAY)  # a job's simulated moment
    withheld = {"stage": "operator", "rule": "cancelled", "reason": "No.", "at": (NOW - DAY).isoformat()}
    finished("cancelled", 9, last_attempt_at=None, metadata={"withheld": withheld})
    assert over() == []


def test_what_was_stopped_long_before_it_was_due_goes_with_its_end() -> None:
    row = finished("cancelled", 9, last_attempt_at=None, scheduled_at=NOW + 90 * DAY)
    assert over() == [row.pk]


def test_a_failure_of_which_nobody_knows_whether_it_arrived_waits_longer_for_a_person() -> None:
    unknown = {"metadata": {"outcome_unknown": True}, "error": "outcome_unknown: timeout"}
    old, _ = finished("failed", 21, **unknown), finished("failed", 9, **unknown)
    assert over() == [old.pk]
