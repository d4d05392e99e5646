"""Cron lines: which are fine, when they fire, across both clock changes, and how they read."""

import datetime as dt

import pytest

from jobs.cron import in_words, next_slot, nth_slot, problem

MONCTON = "America/Moncton"


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


def test_a_daily_job_keeps_its_local_hour_across_both_clock_changes() -> None:
    # Moncton: clocks go forward on 8 March 2026 (-4 → -3) and back on 1 November (-3 → -4).
    assert next_slot("0 6 * * *", utc(7, 12, month=3), tz=MONCTON) == utc(8, 9, month=3)
    assert next_slot("0 6 * * *", utc(7, 9, month=3), tz=MONCTON) == utc(7, 10, month=3)
    assert next_slot("0 6 * * *", utc(31, 12, month=10), tz=MONCTON) == utc(1, 10)


@pytest.mark.parametrize("start", [utc(8, 4, month=3), utc(1, 3)])
def test_a_five_minute_job_neither_skips_nor_doubles_when_the_clock_changes(start: dt.datetime) -> None:
    moment, seen = start, []
    for _ in range(36):
        moment = next_slot("*/5 * * * *", moment, tz=MONCTON)
        seen.append(moment)
    assert seen == [start + dt.timedelta(minutes=5 * n) for n in range(1, 37)]


def test_the_answer_is_after_the_moment_even_on_a_slot() -> None:
    assert next_slot("0 * * * *", utc(20, 15), tz=MONCTON) == utc(20, 16)
    assert nth_slot("0 * * * *", utc(20, 15, 30), 3, tz=MONCTON) == utc(20, 18)


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("* * * * *", "every minute"),
        ("*/15 * * * *", "every 15 minutes"),
        ("0 * * * *", "every hour"),
        ("5 * * * *", "hourly at :05"),
        ("30 6 * * *", "daily at 06:30"),
        ("0 6 * * 1-5", "0 6 * * 1-5"),
    ],
)
def test_in_words(cron: str, words: str) -> None:
    assert in_words(cron) == words
