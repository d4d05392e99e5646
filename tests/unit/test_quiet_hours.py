"""The next opening by the recipient's clock: both DST changes, odd offsets, odd windows, and what always holds."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from notifications.quiet_hours import HORIZON, Spec, instant, is_open, next_opening, spread, week_of

DAYTIME = "08:00-21:00"
MINUTE = dt.timedelta(minutes=1)


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def opening(spec: Spec, after: str, *zones: str) -> str:
    """The next opening as UTC, to the minute; «now» where it is open already."""
    at = next_opening(week_of(spec), [ZoneInfo(zone) for zone in zones], utc(after))
    if at is None:
        return "never"
    return "now" if at == utc(after) else f"{at.astimezone(dt.UTC):%m-%d %H:%M}"


# Moncton: UTC-4, from 8 March 2026 06:00Z UTC-3, from 1 November 05:00Z UTC-4 again.
# Madrid: UTC+1, from 29 March 2026 01:00Z UTC+2, from 25 October 01:00Z UTC+1 again.
TABLE = [
    # A plain day and its edges: half-open.
    ("America/Moncton", DAYTIME, "2026-01-15T11:59", "01-15 12:00"),
    ("America/Moncton", DAYTIME, "2026-01-15T12:00", "now"),
    ("America/Moncton", DAYTIME, "2026-01-16T00:59", "now"),
    ("America/Moncton", DAYTIME, "2026-01-16T01:00", "01-16 12:00"),
    # Spring in Moncton: the day before, the night of the change, the day after.
    ("America/Moncton", DAYTIME, "2026-03-07T03:00", "03-07 12:00"),
    ("America/Moncton", DAYTIME, "2026-03-08T02:00", "03-08 11:00"),
    ("America/Moncton", DAYTIME, "2026-03-08T10:59", "03-08 11:00"),
    ("America/Moncton", DAYTIME, "2026-03-09T00:00", "03-09 11:00"),
    ("America/Moncton", DAYTIME, "2026-03-08T23:59", "now"),
    # 02:30 does not exist on 8 March: it opens at 03:00 by the clock, 06:00Z. The day before and after it is 02:30.
    ("America/Moncton", "02:30-12:00", "2026-03-07T05:00", "03-07 06:30"),
    ("America/Moncton", "02:30-12:00", "2026-03-08T05:00", "03-08 06:00"),
    ("America/Moncton", "02:30-12:00", "2026-03-09T05:00", "03-09 05:30"),
    # Until 02:30, which does not exist: the gap closes it.
    ("America/Moncton", "20:00-02:30", "2026-03-08T05:59", "now"),
    ("America/Moncton", "20:00-02:30", "2026-03-08T06:00", "03-08 23:00"),
    # The whole window is in the gap: there is none that day.
    ("America/Moncton", "02:15-02:45", "2026-03-07T12:00", "03-09 05:15"),
    # Autumn in Moncton: 01:30 comes twice, 04:30Z and 05:30Z.
    ("America/Moncton", DAYTIME, "2026-10-31T03:00", "10-31 11:00"),
    ("America/Moncton", DAYTIME, "2026-11-01T03:00", "11-01 12:00"),
    ("America/Moncton", DAYTIME, "2026-11-02T03:00", "11-02 12:00"),
    ("America/Moncton", "01:30-12:00", "2026-11-01T04:00", "11-01 04:30"),
    ("America/Moncton", "01:30-12:00", "2026-11-01T05:10", "11-01 05:30"),  # 01:10 again: quiet again
    ("America/Moncton", "20:00-01:30", "2026-11-01T04:29", "now"),
    ("America/Moncton", "20:00-01:30", "2026-11-01T04:30", "11-02 00:00"),
    ("America/Moncton", "20:00-01:30", "2026-11-01T05:10", "11-02 00:00"),  # 01:10 again, behind the closing
    # Madrid, both changes.
    ("Europe/Madrid", DAYTIME, "2026-03-28T22:00", "03-29 06:00"),
    ("Europe/Madrid", DAYTIME, "2026-03-27T22:00", "03-28 07:00"),
    ("Europe/Madrid", DAYTIME, "2026-03-30T05:59", "03-30 06:00"),
    ("Europe/Madrid", "02:30-12:00", "2026-03-29T00:30", "03-29 01:00"),
    ("Europe/Madrid", DAYTIME, "2026-10-24T20:00", "10-25 07:00"),
    ("Europe/Madrid", DAYTIME, "2026-10-23T20:00", "10-24 06:00"),
    ("Europe/Madrid", DAYTIME, "2026-10-26T06:30", "10-26 07:00"),
    ("Europe/Madrid", "20:00-02:30", "2026-10-25T00:45", "10-25 19:00"),  # closed at the first 02:30, 00:30Z
    # Half and quarter hours, and UTC itself.
    ("America/St_Johns", DAYTIME, "2026-01-15T11:29", "01-15 11:30"),
    ("America/St_Johns", DAYTIME, "2026-07-15T10:30", "now"),
    ("Asia/Kathmandu", DAYTIME, "2026-01-15T02:14", "01-15 02:15"),
    ("Asia/Kathmandu", DAYTIME, "2026-01-15T15:15", "01-16 02:15"),
    ("UTC", DAYTIME, "2026-01-15T21:00", "01-16 08:00"),
    # Overnight, all day, weekdays.
    ("UTC", "20:00-04:00", "2026-01-15T03:59", "now"),
    ("UTC", "20:00-04:00", "2026-01-15T04:00", "01-15 20:00"),
    ("UTC", "00:00-24:00", "2026-01-15T23:59", "now"),
    ("UTC", {"mon-fri": DAYTIME}, "2026-01-16T21:00", "01-19 08:00"),
    ("UTC", {"fri": "22:00-02:00"}, "2026-01-17T01:59", "now"),
    ("UTC", {"sat,sun": "10:00-12:00"}, "2026-01-18T12:00", "01-24 10:00"),
    # Samoa had no 30 December 2011.
    ("Pacific/Apia", DAYTIME, "2011-12-30T07:00", "12-30 18:00"),
]  # fmt: skip


@pytest.mark.parametrize(("zone", "spec", "after", "says"), TABLE)
def test_the_next_opening(zone: str, spec: Spec, after: str, says: str) -> None:
    assert opening(spec, after, zone) == says


def test_an_unknown_place_is_open_only_when_every_plausible_one_is() -> None:
    canada = ("America/St_Johns", "America/Moncton", "America/Vancouver")
    assert opening(DAYTIME, "2026-01-15T12:00", *canada) == "01-15 16:00"  # 08:00 in Vancouver
    assert opening(DAYTIME, "2026-01-15T16:00", *canada) == "now"
    assert opening(DAYTIME, "2026-01-16T00:30", *canada) == "01-16 16:00"  # 21:00 in St. John's
    assert opening("10:00-12:00", "2026-01-15T12:00", "America/Vancouver", "Asia/Kathmandu") == "never"


SPECS: list[Spec] = [
    DAYTIME, "20:00-04:00", "01:30-02:30", "00:00-24:00", "02:15-01:45", "23:30-00:30",
    {"mon-fri": "08:00-21:00", "sat": "10:00-18:00"}, {"sun": "01:15-03:30"}, {"sat": "18:00-02:30"},
]  # fmt: skip
ZONES = [
    "America/Moncton",
    "Europe/Madrid",
    "America/St_Johns",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "UTC",
]
# Weighted towards the changes of 2026, in the zones above.
CHANGES = ["2026-03-08T06:00", "2026-11-01T05:00", "2026-03-29T01:00", "2026-10-25T01:00", "2026-04-04T15:00"]
NEAR_A_CHANGE = st.builds(
    lambda change, minutes: utc(change) + minutes * MINUTE,
    st.sampled_from(CHANGES),
    st.integers(-2 * 24 * 60, 2 * 24 * 60),
)


@settings(max_examples=60, deadline=None)
@given(
    spec=st.sampled_from(SPECS),
    zones=st.lists(st.sampled_from(ZONES), min_size=1, max_size=3, unique=True).map(
        lambda names: [ZoneInfo(name) for name in names]
    ),
    after=NEAR_A_CHANGE,
    lot=st.integers(0, 2**128 - 1),
)
def test_the_answer_is_open_not_before_now_and_the_first(
    spec: Spec, zones: list[ZoneInfo], after: dt.datetime, lot: int
) -> None:
    week = week_of(spec)
    at = next_opening(week, zones, after)
    end = at or after + HORIZON
    assert end >= after
    moment = after
    while moment < end:
        assert not all(is_open(week, zone, moment) for zone in zones), moment
        moment += MINUTE
    assume(at is not None)
    assert at is not None
    assert all(is_open(week, zone, at) for zone in zones)
    later = spread(week, zones, at, over=dt.timedelta(minutes=10), lot=lot)
    assert at <= later < at + dt.timedelta(minutes=10)
    assert all(is_open(week, zone, later) for zone in zones)


@settings(deadline=None)
@given(spec=st.sampled_from(SPECS), name=st.sampled_from(ZONES), at=NEAR_A_CHANGE)
def test_what_is_open_shows_an_allowed_time_on_the_clock(spec: Spec, name: str, at: dt.datetime) -> None:
    """Told apart from the module's own arithmetic: nothing goes out while the clock on the wall says quiet."""
    zone, week = ZoneInfo(name), week_of(spec)
    wall = at.astimezone(zone)
    minute, today = wall.hour * 60 + wall.minute, week.days[wall.weekday()]
    yesterday = week.days[(wall.weekday() - 1) % 7]
    allowed = bool(today and today[0] <= minute < today[1]) or bool(
        yesterday and minute + 24 * 60 < yesterday[1]
    )
    if is_open(week, zone, at):
        assert allowed
    elif allowed:  # only behind a closing that comes twice
        assert wall.fold == 1


def test_an_instant_in_a_gap_is_the_first_one_after_it() -> None:
    moncton = ZoneInfo("America/Moncton")
    for minute in (0, 1, 30, 59):
        assert instant(dt.datetime(2026, 3, 8, 2, minute), moncton) == utc("2026-03-08T06:00")
        assert instant(dt.datetime(2026, 3, 8, 2, minute), moncton, fold=1) == utc("2026-03-08T06:00")


def test_the_spread_is_even_and_stays_before_a_closing() -> None:
    week, zones, at = week_of("08:00-08:03"), [ZoneInfo("UTC")], utc("2026-01-15T08:00")
    moments = [spread(week, zones, at, over=5 * MINUTE, lot=turn * 2**32 // 10) for turn in range(10)]
    assert [round((moment - at) / (MINUTE / 2)) for moment in moments] == [0, 1, 2, 3, 4, 5, 6, 0, 0, 0]


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("8-21", "write a window as 08:00-21:00"),
        ("08:00-25:00", "write a window"),
        ("08:00-08:00", "no time at all"),
        ({}, "no day"),
        ({"someday": DAYTIME}, "write days as mon-fri"),
        ({"mon-wed": DAYTIME, "tue": DAYTIME}, "names tue twice"),
        (["08:00-21:00"], "write a window"),
    ],
)
def test_a_malformed_window_says_what_to_write(spec: Spec, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        week_of(spec)
