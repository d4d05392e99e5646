"""A time by somebody's clock, also in the two nights a year in which the clocks change."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone, translation

from consent.local_moment import LocalMomentField, read_local
from jobs.moment import parse_moment
from notifications.admin.reason import PauseForm

MONCTON, PARIS = ZoneInfo("America/Moncton"), ZoneInfo("Europe/Paris")


@pytest.mark.parametrize(("zone", "hour"), [(MONCTON, 13), (PARIS, 8)])
def test_the_same_clock_time_is_another_moment_in_another_zone(zone: ZoneInfo, hour: int) -> None:
    with timezone.override(zone):
        assert parse_moment("2026-11-20T09:00") == dt.datetime(2026, 11, 20, hour, tzinfo=dt.UTC)
        assert LocalMomentField().clean("2026-11-20T09:00") == dt.datetime(2026, 11, 20, hour, tzinfo=dt.UTC)


def test_an_offset_says_it_whatever_the_zone_is() -> None:
    with timezone.override(PARIS):
        assert parse_moment("2026-11-20T09:00-04:00") == dt.datetime(2026, 11, 20, 13, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("2026-03-08T02:30", "2026-03-08 02:30 does not exist in America/Moncton"),
        ("2026-11-01T01:30", "2026-11-01 01:30 comes twice in America/Moncton"),
    ],
)
def test_a_time_that_the_clocks_leave_out_or_repeat_is_refused_in_words(typed: str, told: str) -> None:
    with timezone.override(MONCTON):
        with pytest.raises(ValueError, match=told):
            parse_moment(typed)
        with pytest.raises(ValidationError, match=told):
            LocalMomentField().clean(typed)
    with timezone.override(PARIS):
        assert parse_moment(typed), "there the clocks change in other nights"


@pytest.mark.parametrize(
    "typed", ["2026-03-08T01:59", "2026-03-08T03:00", "2026-11-01T00:59", "2026-11-01T02:00"]
)
def test_the_minutes_around_are_taken(typed: str) -> None:
    with timezone.override(MONCTON):
        assert timezone.localtime(parse_moment(typed)).strftime("%Y-%m-%dT%H:%M") == typed


def test_it_is_told_in_french() -> None:
    with (
        timezone.override(MONCTON),
        translation.override("fr"),
        pytest.raises(ValueError, match="n’existe pas"),
    ):
        read_local(dt.datetime(2026, 3, 8, 2, 30))


def test_a_pause_takes_its_reader_s_clock() -> None:
    in_an_hour = timezone.now().replace(second=0, microsecond=0) + dt.timedelta(hours=1)
    with timezone.override(PARIS):
        form = PauseForm(
            {"reason": "provider is down", "until": f"{timezone.localtime(in_an_hour):%Y-%m-%dT%H:%M}"}
        )
        assert form.is_valid(), form.errors
    assert form.cleaned_data["until"] == in_an_hour
