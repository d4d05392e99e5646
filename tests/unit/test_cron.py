"""Cron lines: which are fine, when they fire, across both clock changes, and how they read."""

import datetime as dt

import pytest

from jobs.cron import in_words, next_slot, nth_slot, problem

MONCTON, MADRID = "America/Moncton", "Europe/Madrid"


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(f"2026-{text}:00+00:00")


def utc(day: int, hour: int, minute: int = 0, month: int = 11) -> dt.datetime:
    return dt.datetime(2026, month, day, hour, minute, tzinfo=dt.UTC)


@pytest.mark.parametrize("cron", ["* * * * *", "*/5 6-22 * * *", "0 6 * * 1-5", "15 4 1 */3 *", "0 0 29 2 *"])
def test_lines_that_are_fine(cron: str) -> None:
    assert problem(cron) == ""


@pytest.mark.parametrize(
    "cron", ["", "@daily", "* * * *", "* * * * * *", "61 * * * *", "a b c d e", "0 0 31 2 *", "*/0 * * * *"]
)
def test_lines_that_are_wrong_or_never_fire(cron: str) -> None:
    assert cron in problem(cron)
    assert problem(cron)


# Moncton: UTC-4; clocks go forward on 8 March 2026 at 06:00Z and back on 1 November at 05:00Z.
# Madrid: UTC+1; forward on 29 March 2026 at 01:00Z, back on 25 October at 01:00Z.
DAILY = [
    # zone, line, after, the next slots, all in UTC
    (MONCTON, "0 6 * * *", "03-06T12:00", ["03-07T10:00", "03-08T09:00", "03-09T09:00"]),
    (MONCTON, "0 6 * * *", "10-30T12:00", ["10-31T09:00", "11-01T10:00", "11-02T10:00"]),
    (MADRID, "0 6 * * *", "03-27T12:00", ["03-28T05:00", "03-29T04:00", "03-30T04:00"]),
    (MADRID, "0 6 * * *", "10-23T12:00", ["10-24T04:00", "10-25T05:00", "10-26T05:00"]),
    # Weekly, over the change.
    (MONCTON, "0 6 * * 1", "03-02T12:00", ["03-09T09:00", "03-16T09:00"]),
    (MADRID, "0 6 * * 1", "10-19T12:00", ["10-26T05:00", "11-02T05:00"]),
]


@pytest.mark.parametrize(("zone", "cron", "after", "slots"), DAILY)
def test_a_job_keeps_its_local_hour_across_both_clock_changes(
    zone: str, cron: str, after: str, slots: list[str]
) -> None:
    moment = at(after)
    for slot in slots:
        moment = next_slot(cron, moment, tz=zone)
        assert moment == at(slot)


@pytest.mark.parametrize(
    ("zone", "start"),
    [(MONCTON, "03-08T04:00"), (MONCTON, "11-01T03:00"), (MADRID, "03-28T23:30"), (MADRID, "10-24T23:30")],
)
@pytest.mark.parametrize(("cron", "step"), [("*/5 * * * *", 5), ("*/30 * * * *", 30), ("* * * * *", 1)])
def test_a_job_by_the_minute_neither_skips_nor_doubles_when_the_clock_changes(
    zone: str, start: str, cron: str, step: int
) -> None:
    moment, seen, count = at(start), [], 240 // step
    for _ in range(count):
        moment = next_slot(cron, moment, tz=zone)
        seen.append(moment)
    assert seen == [at(start) + dt.timedelta(minutes=step * n) for n in range(1, count + 1)]


@pytest.mark.parametrize("zone", [MONCTON, MADRID])
def test_an_hourly_job_fires_once_an_hour_all_year(zone: str) -> None:
    moment, count = at("01-01T00:00"), 0
    while moment < at("12-31T23:00"):
        following = next_slot("0 * * * *", moment, tz=zone)
        assert following - moment == dt.timedelta(hours=1)
        moment, count = following, count + 1
    assert count == 364 * 24 + 23


def test_the_answer_is_after_the_moment_even_on_a_slot() -> None:
    assert next_slot("0 * * * *", utc(20, 15), tz=MONCTON) == utc(20, 16)
    assert nth_slot("0 * * * *", utc(20, 15, 30), 3, tz=MONCTON) == utc(20, 18)


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("* * * * *", "every minute"),
        ("*/15 * * * *", "every 15 minutes"),
        ("2-59/5 * * * *", "every 5 minutes from :02"),
        ("0 * * * *", "every hour"),
        ("5 * * * *", "hourly at :05"),
        ("30 6 * * *", "daily at 06:30"),
        ("0 6 * * 1-5", "0 6 * * 1-5"),
    ],
)
def test_in_words(cron: str, words: str) -> None:
    assert in_words(cron) == words
