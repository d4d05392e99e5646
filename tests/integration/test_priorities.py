"""Who goes first: urgent ones, but nothing waits for ever behind them, and nothing goes before its time."""

import datetime as dt
import random
from collections import Counter

import pytest
from django.db import connection
from django.utils import timezone

from notifications.claim import AGING, claim, due_channels
from notifications.message import Claimed
from notifications.models import InboxItem, Notification
from notifications.worker import drain
from tests.messages import LEASE, fresh, queued

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("templates")]
NOW = timezone.now()
MILLISECOND = dt.timedelta(milliseconds=1)
URGENT, HIGH, NORMAL, LOW = range(4)


def waiting(priority: int, count: int, *, since: dt.timedelta) -> None:
    """Rows that have been due for `since` or a little longer."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO notification_queue (channel, "to", recipient_key, category, priority, scheduled_at)
            SELECT 'email', '{}', 'customer:' || n, 'transactional', %s, %s - n * interval '1 ms'
            FROM generate_series(1, %s) AS n
            """,
            [priority, NOW - since, count],
        )


def taken(limit: int, *, seed: int = 1) -> list[Claimed]:
    return claim(channel="email", limit=limit, lease=LEASE, now=NOW, rng=random.Random(seed))


def by_priority(rows: list[Claimed]) -> Counter[int]:
    return Counter(row.priority for row in rows)


def test_among_fresh_rows_priority_decides_and_then_the_time() -> None:
    for priority in (LOW, NORMAL, URGENT, HIGH):
        waiting(priority, 20, since=AGING / 2)
    rows = taken(50)
    assert by_priority(rows) == {URGENT: 20, HIGH: 20, NORMAL: 10}
    assert [(row.priority, row.scheduled_at) for row in rows] == sorted(
        (row.priority, row.scheduled_at) for row in rows
    )
    assert max(row.scheduled_at for row in rows if row.priority == NORMAL) < min(
        Notification.objects.filter(priority=NORMAL, status="queued").values_list("scheduled_at", flat=True)
    ), "the ten oldest of them"


@pytest.mark.parametrize("priority", [HIGH, NORMAL, LOW])
def test_one_that_has_waited_long_passes_with_the_first_claim_in_a_flood_of_urgent_ones(
    priority: int,
) -> None:
    waiting(URGENT, 500, since=AGING * 2)
    waiting(priority, 1, since=AGING)
    assert by_priority(taken(100)) == {URGENT: 99, priority: 1}


def test_one_that_has_not_waited_long_enough_does_not() -> None:
    waiting(URGENT, 500, since=dt.timedelta())
    waiting(LOW, 1, since=AGING - dt.timedelta(seconds=1))
    assert by_priority(taken(100)) == {URGENT: 100}


@pytest.mark.parametrize("limit", [16, 25, 100, 400])
@pytest.mark.parametrize("seed", range(5))
def test_a_heap_of_old_ones_never_takes_more_than_a_quarter_from_the_urgent(limit: int, seed: int) -> None:
    waiting(URGENT, limit, since=dt.timedelta())
    for priority in (HIGH, NORMAL, LOW):
        waiting(priority, limit, since=AGING * 6)
    counts = by_priority(taken(limit, seed=seed))
    assert counts[URGENT] >= limit * 3 / 4
    assert min(counts[HIGH], counts[NORMAL], counts[LOW]) >= limit // 16, "and each of them gets its share"


@pytest.mark.parametrize("join", ["nestloop", "hashjoin", "mergejoin"])
def test_what_the_urgent_leave_is_for_the_others_whole(join: str) -> None:
    """However the rows found are joined to those to update: one by one as they are found, or all of them before."""
    waiting(URGENT, 3, since=dt.timedelta())
    waiting(LOW, 50, since=AGING * 6)
    with connection.cursor() as cursor:
        for name in {"nestloop", "hashjoin", "mergejoin"} - {join}:
            cursor.execute(f"SET LOCAL enable_{name} TO off")
    assert by_priority(taken(40)) == {URGENT: 3, LOW: 37}


def test_where_a_rate_limit_grants_few_at_a_time_the_old_ones_pass_too() -> None:
    """A share of a claim of 2 is less than a row: chance gives each its turn, over many claims in the same measure."""
    waiting(URGENT, 500, since=dt.timedelta())
    for priority in (HIGH, NORMAL, LOW):
        waiting(priority, 100, since=AGING * 6)
    counts = sum((by_priority(taken(2, seed=seed)) for seed in range(160)), Counter[int]())
    assert counts[URGENT] >= 320 * 3 / 4
    assert min(counts[HIGH], counts[NORMAL], counts[LOW]) >= 5


def test_a_scheduled_message_goes_at_its_moment_and_not_a_millisecond_before() -> None:
    due = NOW + dt.timedelta(days=1, hours=3)
    row = queued(channel="inapp", scheduled_at=due, priority=URGENT)
    early = drain(now=due - MILLISECOND, channels=["inapp"])
    assert (early.claimed, fresh(row).status, due_channels(["inapp"], now=due - MILLISECOND)) == (
        0, "queued", {}
    )  # fmt: skip
    assert due_channels(["inapp"], now=due) == {"inapp": True}
    drain(now=due, channels=["inapp"])
    assert (fresh(row).status, InboxItem.objects.count()) == ("sent", 1)


def test_an_urgent_message_for_later_does_not_hold_up_what_is_due() -> None:
    later = queued(channel="inapp", scheduled_at=NOW + dt.timedelta(minutes=1), priority=URGENT)
    low = queued(channel="inapp", scheduled_at=NOW, priority=LOW)
    drain(now=NOW + dt.timedelta(seconds=59), channels=["inapp"])
    assert (fresh(low).status, fresh(later).status) == ("sent", "queued")
