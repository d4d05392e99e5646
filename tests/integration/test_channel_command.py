"""`manage.py channel`: pausing, resuming and showing, with reasons, and errors that say what to write."""

import datetime as dt
import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from notifications.channel_state import report, state_of
from notifications.errors import Transient
from notifications.models import ChannelEvent

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("channel", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_pause_show_and_resume() -> None:
    out, _ = run("pause", "sms", "--reason", "Twilio moves house", "--until", "2090-01-01T08:00-04:00")
    assert out.startswith("sms    stopped, breaker closed\n  paused until 2090-01-01T")
    assert "by command: Twilio moves house" in out
    [stop] = state_of("sms").stops
    assert stop.until == dt.datetime(2090, 1, 1, 12, 0, tzinfo=dt.UTC)

    [shown] = json.loads(run("show", "sms", "--json")[0])
    assert (shown["open"], shown["stops"][0]["kind"], shown["breaker"]) == (False, "paused", "closed")
    assert run("resume", "sms", "--reason", "It has moved") == ("sms    open, breaker closed\n", "")
    assert run("resume", "sms", "--reason", "Again")[1] == "sms was open already.\n"
    assert [event.reason for event in ChannelEvent.objects.all()] == ["It has moved", "Twilio moves house"]


def test_without_an_end_it_lasts_until_somebody_resumes_it() -> None:
    assert "paused until resumed by command: Why not" in run("pause", "email", "--reason", "Why not")[0]


def test_show_names_all_four_with_breaker_and_rate(settings: Any) -> None:
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "RATE_LIMITS": {"push": "10/s"}}
    report("sms", [Transient("503")] * 20)
    report("email", [Transient("503")] * 2)
    lines = run("show")[0].splitlines()
    assert lines[0] == "email  open, breaker closed, 2 faults in a row"
    assert lines[1] == "sms    stopped, breaker open"
    assert lines[2].startswith("  breaker until ")
    assert lines[3] == "push   open, breaker closed, at most 10/s"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["pause", "sms"], "--reason"),
        (["pause", "fax", "--reason", "x"], "invalid choice: 'fax'"),
        (["pause", "sms", "--reason", " "], "--reason: Give a reason"),
        (["pause", "sms", "--reason", "ask anna@example.com"], "--reason: Leave e-mail addresses"),
        (["pause", "sms", "--reason", "x", "--until", "soon"], "--until “soon” is no moment"),
        (["pause", "sms", "--reason", "x", "--until", "2026-02-31T08:00"], "is no moment"),
        (["pause", "sms", "--reason", "x", "--until", "2020-01-01T08:00"], "is in the past"),
        ([], "pause|resume|show"),
    ],
)
def test_a_wrong_call_says_what_to_write(arguments: list[str], says: str) -> None:
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    assert says in str(caught.value)
    assert not ChannelEvent.objects.exists()


def test_a_moment_without_an_offset_is_local() -> None:
    run("pause", "sms", "--reason", "x", "--until", "2090-07-01T08:00")
    [stop] = state_of("sms").stops
    assert stop.until is not None
    assert timezone.localtime(stop.until).isoformat()[:16] == "2090-07-01T08:00"
