"""When each view is due by its rhythm, at the edges of its slots, of the day, and of both changes of the clocks."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from rentals.rhythm import RHYTHMS, is_due, is_late

MONCTON = ZoneInfo("America/Moncton")
ALERTS, KPIS, HOURLY, COHORTS = (
    "mv_alert_candidates",
    "mv_dashboard_kpis",
    "mv_revenue_trends",
    "mv_customer_cohorts",
)


def local(text: str, zone: ZoneInfo = MONCTON) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(dt.UTC)


def due(view: str, last: str, now: str) -> bool:
    return is_due(view, computed_for=local(last), now=local(now), zone=MONCTON)


@pytest.mark.parametrize("view", RHYTHMS)
def test_a_view_that_nobody_computed_yet_is_due_and_late(view: str) -> None:
    now = local("2026-11-20T15:03")
    assert is_due(view, computed_for=None, now=now, zone=MONCTON)
    assert is_late(view, computed_for=None, now=now, zone=MONCTON)


@pytest.mark.parametrize("view", RHYTHMS)
def test_a_view_computed_for_a_moment_yet_to_come_is_due_and_one_of_now_is_not(view: str) -> None:
    now = local("2026-11-20T15:03")
    assert is_due(view, computed_for=now + dt.timedelta(days=1), now=now, zone=MONCTON)
    assert not is_due(view, computed_for=now, now=now, zone=MONCTON)


@pytest.mark.parametrize(
    ("view", "last", "now", "is_it"),
    [
        (ALERTS, "2026-11-20T15:00:04", "2026-11-20T15:04:59", False),
        (ALERTS, "2026-11-20T15:00:04", "2026-11-20T15:05:00", True),
        # A run that begins sooner in its slot than the last did skips none.
        (ALERTS, "2026-11-20T15:00:58", "2026-11-20T15:05:02", True),
        (HOURLY, "2026-11-20T15:00:00", "2026-11-20T15:55:00", False),
        (HOURLY, "2026-11-20T15:55:00", "2026-11-20T16:00:00", True),
        (KPIS, "2026-11-20T15:00:00", "2026-11-20T15:10:00", False),
        (KPIS, "2026-11-20T15:00:00", "2026-11-20T15:15:00", True),
    ],
)
def test_a_view_is_due_once_a_slot(view: str, last: str, now: str, is_it: bool) -> None:
    assert due(view, last, now) is is_it


@pytest.mark.parametrize(
    ("last", "now", "is_it"),
    [
        ("2026-11-20T05:00:00", "2026-11-20T05:55:00", False),
        ("2026-11-20T05:00:00", "2026-11-20T06:00:00", True),
        ("2026-11-20T06:00:00", "2026-11-20T06:15:00", True),
        ("2026-11-20T21:30:00", "2026-11-20T21:45:00", True),
        ("2026-11-20T21:45:00", "2026-11-20T22:00:00", True),
        ("2026-11-20T22:00:00", "2026-11-20T22:15:00", False),
        ("2026-11-20T22:00:00", "2026-11-20T23:00:00", True),
    ],
)
def test_the_dashboard_is_counted_every_quarter_of_an_hour_from_six_to_ten(
    last: str, now: str, is_it: bool
) -> None:
    assert due(KPIS, last, now) is is_it


def test_the_day_of_the_dashboard_begins_at_six_also_when_the_clocks_have_just_changed() -> None:
    for day, six in (("2026-03-08", 9), ("2026-11-01", 10)):
        now = dt.datetime.fromisoformat(f"{day}T{six:02d}:15:00+00:00")
        quarter = dt.timedelta(minutes=15)
        assert is_due(KPIS, computed_for=now - quarter, now=now, zone=MONCTON)
        assert not is_due(KPIS, computed_for=now - 5 * quarter, now=now - 2 * quarter, zone=MONCTON)


@pytest.mark.parametrize(
    ("last", "now", "is_it"),
    [
        ("2026-11-19T02:00:05", "2026-11-20T01:55:00", False),
        ("2026-11-19T02:00:05", "2026-11-20T02:00:00", True),
        ("2026-11-20T02:00:05", "2026-11-20T23:55:00", False),
        ("2026-11-18T02:00:05", "2026-11-20T01:55:00", True),  # a night was missed
    ],
)
def test_cohorts_are_counted_once_a_night(last: str, now: str, is_it: bool) -> None:
    assert due(COHORTS, last, now) is is_it


def nights(zone: ZoneInfo, first: str, last: str) -> list[str]:
    """When runs every five minutes would refresh the cohorts, in UTC."""
    now, end = local(first, zone), local(last, zone)
    computed_for, found = now, []
    while (now := now + dt.timedelta(minutes=5)) < end:
        if is_due(COHORTS, computed_for=computed_for, now=now, zone=zone):
            computed_for = now
            found.append(now.strftime("%d %H:%M"))
    return found


@pytest.mark.parametrize(
    ("zone", "first", "last", "expected"),
    [
        # 02:00 is skipped: the clocks go from 02:00 to 03:00.
        ("America/Moncton", "2026-03-07T12:00", "2026-03-09T12:00", ["08 06:00", "09 05:00"]),
        # 01:00 to 02:00 comes twice.
        ("America/Moncton", "2026-10-31T12:00", "2026-11-02T12:00", ["01 06:00", "02 06:00"]),
        # 02:00 to 03:00 comes twice.
        ("Europe/Paris", "2026-10-24T12:00", "2026-10-26T12:00", ["25 00:00", "26 01:00"]),
    ],
)
def test_each_night_has_one_also_where_the_clocks_change(
    zone: str, first: str, last: str, expected: list[str]
) -> None:
    assert nights(ZoneInfo(zone), first, last) == expected


@pytest.mark.parametrize(
    ("view", "last", "is_it"),
    [
        (ALERTS, "2026-11-20T14:45:00", False),
        (ALERTS, "2026-11-20T14:44:59", True),
        (HOURLY, "2026-11-20T14:00:00", False),
        (HOURLY, "2026-11-20T13:59:00", True),
        (COHORTS, "2026-11-20T02:00:01", False),
        (COHORTS, "2026-11-19T02:00:01", True),
    ],
)
def test_a_view_is_late_once_three_runs_could_have_refreshed_it(view: str, last: str, is_it: bool) -> None:
    now = local("2026-11-20T15:00:00")
    assert is_late(view, computed_for=local(last), now=now, zone=MONCTON) is is_it
