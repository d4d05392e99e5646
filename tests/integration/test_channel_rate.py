"""Our own rate limit: one row for all workers, so that together they never go faster than it says."""

import datetime as dt
import itertools
from typing import Any

import pytest

from notifications.channel_state import Permit, give_back, permits, report
from notifications.errors import Transient
from notifications.models import ChannelState
from notifications.rate import TAKE, Rate, parse, take
from tests.waiting import start_and_wait_until_blocked

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _limited(settings: Any) -> None:
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "RATE_LIMITS": {"sms": "10/s", "email": "90/min"}}


def taken(wanted: int, now: dt.datetime, channel: str = "sms") -> Permit:
    return permits([channel], wanted=wanted, now=now)[channel]


def test_a_burst_of_one_second_then_as_fast_as_it_is_earned() -> None:
    assert taken(100, NOW) == Permit(10)
    assert taken(100, NOW) == Permit(0, SECOND / 10)
    assert taken(100, NOW + SECOND / 10) == Permit(1)
    assert taken(2, NOW + SECOND / 2) == Permit(2)
    assert taken(100, NOW + SECOND / 2) == Permit(2)
    assert taken(100, NOW + dt.timedelta(hours=1)) == Permit(10), "an idle hour earns one burst"


def test_less_than_one_a_second_goes_one_by_one() -> None:
    assert taken(5, NOW, "email") == Permit(1)
    assert taken(5, NOW, "email") == Permit(0, SECOND * 60 / 90)


def test_what_was_not_used_comes_back() -> None:
    assert taken(10, NOW).count == 10
    give_back("sms", 7)
    assert taken(10, NOW).count == 7
    assert taken(10, NOW).count == 0


def test_a_clock_that_went_back_does_not_stop_the_channel_for_a_day() -> None:
    assert taken(10, NOW + dt.timedelta(days=1)).count == 10
    assert taken(10, NOW) == Permit(0, SECOND / 10)
    assert taken(10, NOW + SECOND / 10).count == 1


def test_only_a_channel_with_a_limit_that_wants_some_costs_a_statement(
    django_assert_num_queries: Any,
) -> None:
    taken(1, NOW)
    with django_assert_num_queries(1):
        assert permits(["push", "inapp"], wanted=5)["push"] == Permit(5)
    with django_assert_num_queries(1):
        assert permits(["sms"], wanted=0)["sms"].count == 0
    with django_assert_num_queries(2):
        permits(["sms", "push"], wanted=5)
    with django_assert_num_queries(0):
        give_back("push", 5)
        give_back("sms", 0)


def test_a_trial_without_a_token_waits_and_leaves_the_trial_to_others() -> None:
    report("sms", [Transient("503")] * 20, now=NOW)
    later = NOW + 30 * SECOND
    with_all_taken = later + SECOND
    ChannelState.objects.filter(pk="sms").update(rate_tat=with_all_taken)
    assert taken(5, later) == Permit(0, SECOND / 10)
    assert ChannelState.objects.get(pk="sms").probe_until is None
    assert taken(5, later + SECOND) == Permit(1, probe=True)


@pytest.mark.parametrize(
    ("text", "rate", "burst"),
    [
        ("10/s", Rate(10, SECOND), 10),
        ("600/min", Rate(600, 60 * SECOND), 10),
        ("59/min", Rate(59, 60 * SECOND), 1),
        ("1/h", Rate(1, dt.timedelta(hours=1)), 1),
    ],
)
def test_a_limit_is_read(text: str, rate: Rate, burst: int) -> None:
    assert (parse(text), parse(text).burst) == (rate, burst)


@pytest.mark.parametrize("text", ["", "10", "0/s", "-1/s", "10/m", "10 / s", "1.5/s", "ten/s", 10])
def test_anything_else_is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match="is no rate: write"):
        parse(text)


@pytest.mark.django_db(transaction=True)
def test_two_workers_together_keep_the_limit_over_any_stretch_of_time(other_connection: Any) -> None:
    """Both ask greedily every 7 ms of passed time for 4 seconds, one over each connection."""
    seven = parse("7/s")
    taken(1, NOW - 60 * SECOND)
    asked = {
        "channel": "sms",
        "wanted": 3,
        "burst": seven.burst,
        "each": seven.each,
        "seconds": 1 / 7,
    }
    got: list[dt.datetime] = []
    ours_then_theirs = itertools.cycle([None, other_connection])
    for step in range(int(4 / 0.007)):
        now = NOW + step * 0.007 * SECOND
        other = next(ours_then_theirs)
        if other is None:
            count, _wait = take("sms", seven, 3, now=now)
        else:
            count = other.execute(TAKE, {**asked, "now": now}).fetchone()[0]
        got += [now] * count
    assert len(got) == 7 + 27, "a burst at once, then 7 a second for just under 4 seconds"
    for start, end in itertools.combinations(range(0, len(got), 3), 2):
        allowed = 7 + 7 * (got[end] - got[start]).total_seconds()
        assert end - start + 1 <= allowed + 1e-6


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_waits_for_the_row_sees_what_the_other_took(other_connection: Any) -> None:
    """The second UPDATE begins before the first commits: it must count from the committed row, not from its snapshot."""
    taken(1, NOW - 60 * SECOND)
    found: list[Permit] = []
    other_connection.autocommit = False
    asked = {"channel": "sms", "wanted": 8, "burst": 10, "each": SECOND / 10, "seconds": 0.1, "now": NOW}
    assert other_connection.execute(TAKE, asked).fetchone()[0] == 8
    thread = start_and_wait_until_blocked(lambda: found.append(taken(10, NOW)))
    other_connection.commit()
    thread.join(10)
    assert found == [Permit(2)]
