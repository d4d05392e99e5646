"""Percentiles from buckets, and the pieces of a period by its reader's clock."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from notifications.traffic.buckets import LIMITS, Percentile, percentile
from notifications.traffic.period import Period, span
from notifications.traffic.steps import day_of, kept_since

MONCTON, TOKYO = ZoneInfo("America/Moncton"), ZoneInfo("Asia/Tokyo")
NOW = dt.datetime(2026, 11, 28, 14, 5, 33, tzinfo=dt.UTC)


def test_a_percentile_lies_within_its_bucket() -> None:
    counts = {"50": 50, "100": 30, "200": 20}
    assert percentile(counts, 0.5) == Percentile(50.0)
    assert percentile(counts, 0.8) == Percentile(100.0)
    assert percentile(counts, 0.95) == Percentile(175.0)


def test_a_bucket_begins_where_the_bound_below_it_ends_also_if_that_one_is_empty() -> None:
    assert percentile({"500": 10}, 0.5) == Percentile(400.0)


def test_beyond_the_last_bound_only_more_than_is_known() -> None:
    assert percentile({"50": 1, "inf": 99}, 0.5) == Percentile(float(LIMITS[-1]), is_beyond=True)
    assert percentile({}, 0.5) is None


@pytest.mark.parametrize(
    ("period", "count", "length"),
    [
        (Period.HOUR, 60, dt.timedelta(minutes=1)),
        (Period.DAY, 24, dt.timedelta(hours=1)),
        (Period.WEEK, 28, dt.timedelta(hours=6)),
        (Period.MONTH, 30, dt.timedelta(days=1)),
        (Period.YEAR, 52, dt.timedelta(weeks=1)),
    ],
)
def test_a_period_has_so_many_pieces_of_one_length_and_the_last_goes_on(
    period: Period, count: int, length: dt.timedelta
) -> None:
    found = span(period, now=NOW, zone=TOKYO)
    assert len(found.starts) == count
    assert {later - sooner for sooner, later in zip(found.starts, found.starts[1:], strict=False)} == {length}
    assert found.starts[-1] <= NOW < found.starts[-1] + length
    assert found.since >= kept_since(NOW)[found.step]


def test_days_begin_at_their_readers_midnight_also_around_a_change_of_clocks() -> None:
    after = dt.datetime(2026, 11, 2, 15, tzinfo=dt.UTC)  # in Moncton clocks went back on November 1
    days = span(Period.MONTH, now=after, zone=MONCTON).starts
    assert days[-1] == dt.datetime(2026, 11, 2, 4, tzinfo=dt.UTC)
    assert days[-2] == dt.datetime(2026, 11, 1, 3, tzinfo=dt.UTC)
    assert {day.astimezone(MONCTON).hour for day in days} == {0}


def test_what_is_kept_begins_with_a_whole_day_or_hour() -> None:
    kept = kept_since(NOW)
    assert kept["hour"] == day_of(kept["hour"])
    assert kept["minute"].minute == 0
