"""A line of the log says what happened, to what, and for whom it was done."""

import asyncio
import datetime as dt
import json
import logging
import threading
import uuid
from typing import Any

import pytest

from config.log_fields import fields_of
from config.logging import JsonFormatter, PlainFormatter
from notifications.log_ids import current_ids, log_ids

RUN = str(uuid.UUID(int=7))


def record(message: str, *args: Any, exc_info: Any = None) -> logging.LogRecord:
    return logging.LogRecord("notifications.record", logging.INFO, __file__, 1, message, args, exc_info)


def as_json(message: str, *args: Any, exc_info: Any = None) -> dict[str, Any]:
    line = JsonFormatter().format(record(message, *args, exc_info=exc_info))
    assert "\n" not in line
    found: dict[str, Any] = json.loads(line)
    return found


def test_what_an_event_names_are_keys_and_numbers_are_numbers() -> None:
    id_ = uuid.uuid4()
    found = as_json("notification.%s id=%s channel=%s attempt=%s seconds=%.3f", "sent", id_, "email", 2, 0.25)
    assert dt.datetime.fromisoformat(found.pop("at")).tzinfo is not None
    assert found == {
        "level": "info",
        "logger": "notifications.record",
        "event": "notification.sent",
        "id": str(id_),
        "channel": "email",
        "attempt": 2,
        "seconds": 0.25,
    }


def test_literals_dates_and_nothing_are_told_too() -> None:
    until = dt.datetime(2026, 11, 28, 15, 0, tzinfo=dt.UTC)
    found = as_json("channel.paused channel=push until=%s by=%s", until, None)
    assert (found["channel"], found["until"], found["by"]) == ("push", "2026-11-28T15:00:00+00:00", None)


def test_a_field_never_takes_the_place_of_what_every_line_has() -> None:
    assert as_json("feedback.failed event=%s", 7)["event_"] == 7


@pytest.mark.parametrize(
    ("message", "args"),
    [
        ("Not Found: %s", ("/nothing",)),
        ("%s took %d ms", ("It", 3)),
        ("job.done job=%s", ()),
        ("a.b c=%x", (255,)),
        ("a.b and then some", ()),
    ],
)
def test_a_librarys_line_is_one_text(message: str, args: tuple[Any, ...]) -> None:
    one = record(message, *args)
    assert fields_of(one) == {"event": one.getMessage()}


def test_what_has_several_lines_stays_one_object_a_line() -> None:
    found = as_json("job.failed job=%s error=%s\n%s", "probe", "ValueError: x", "Traceback\n  at line 1")
    assert (found["event"], found["job"], found["trace"]) == ("job.failed", "probe", "Traceback\n  at line 1")
    assert as_json("two\nlines")["event"] == "two\nlines"


def test_an_infinity_is_no_number_of_jsons() -> None:
    assert as_json("a.b seconds=%s", float("inf"))["seconds"] == "inf"


def test_an_address_is_taken_out_of_every_field() -> None:
    try:
        raise ValueError("no anna.smith@example.com\nDETAIL: row (anna.smith@example.com)")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    with log_ids(request="anna.smith@example.com"):
        line = JsonFormatter().format(
            record("a.b to=%s link=%s", "anna.smith@example.com", "/u/secrettoken", exc_info=info)
        )
        plain = PlainFormatter("%(message)s").format(record("a.b to=%s", "anna.smith@example.com"))
    assert "anna" not in line + plain
    assert "secrettoken" not in line


def test_ids_of_outer_and_inner_blocks_stand_on_each_line_and_go_with_their_block() -> None:
    with log_ids(request="req-12345678"):
        with log_ids(job="probe", run=RUN):
            found = as_json("a.b n=%d", 1)
            assert (found["request"], found["job"], found["run"]) == ("req-12345678", "probe", RUN)
        assert "run" not in as_json("a.b n=%d", 1)
    assert not current_ids()


def test_what_a_line_names_itself_wins() -> None:
    with log_ids(run="the drain's"):
        assert as_json("notification.sent run=%s", RUN)["run"] == RUN


def test_a_line_for_people_ends_with_the_ids_it_does_not_name() -> None:
    formatter = PlainFormatter("%(message)s")
    with log_ids(job="probe", run="0123456789abcdef"):
        assert (
            formatter.format(record("view.busy view=%s", "x")) == "view.busy view=x [job probe, run 01234567]"
        )
        assert formatter.format(record("job.failed job=%s\n%s", "probe", "Trace")) == (
            "job.failed job=probe [run 01234567]\nTrace"
        )
    assert formatter.format(record("view.busy view=%s", "x")) == "view.busy view=x"


def test_the_couriers_loop_keeps_the_ids_of_whoever_called_it() -> None:
    loop, heard = asyncio.new_event_loop(), threading.Event()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    found: dict[str, str] = {}

    async def call() -> None:
        found.update(current_ids())
        heard.set()

    with log_ids(drain="d1"):
        loop.call_soon_threadsafe(lambda: loop.create_task(call()))
    assert heard.wait(20)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
    assert found == {"drain": "d1"}
