"""Channels in the database: permits, the breaker among several workers, the provider's limit, pauses, and their history."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from notifications.breaker import BreakerPolicy, State
from notifications.channel_state import (
    LOOK_AGAIN,
    MACHINE,
    Kind,
    Permit,
    give_back,
    pause,
    permits,
    report,
    resume,
    state_of,
    states,
)
from notifications.channel_stops import breaker_of, read
from notifications.errors import Misconfigured, Outcome, Sent, Transient, Unknown
from notifications.models import ChannelEvent, ChannelState
from tests.waiting import start_and_wait_until_blocked

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)
DOWN: list[Outcome] = [Transient("503")] * 20


def permit(channel: str = "email", *, wanted: int = 50, now: dt.datetime = NOW) -> Permit:
    return permits([channel], wanted=wanted, now=now)[channel]


def kinds(channel: str = "email", *, now: dt.datetime = NOW) -> list[Kind]:
    return [stop.kind for stop in state_of(channel, now=now).stops]


def history(channel: str = "email") -> list[str]:
    """Oldest first."""
    return list(ChannelEvent.objects.filter(channel=channel).order_by("id").values_list("what", flat=True))


# ── While all is well ───────────────────────────────────────────────────────────────────────────────────
def test_all_channels_are_asked_in_one_query(django_assert_num_queries: Any) -> None:
    report("sms", [Transient("503")])
    with django_assert_num_queries(1):
        found = permits(["email", "sms", "push"], wanted=50)
    assert found == dict.fromkeys(["email", "sms", "push"], Permit(50))


def test_good_batches_write_nothing(django_assert_num_queries: Any) -> None:
    report("email", DOWN[:3])
    report("email", [Sent()])
    assert ChannelState.objects.get().faults == 0
    before = _version()
    with django_assert_num_queries(1):
        report("email", [Sent(), Misconfigured("401")])
    assert _version() == before
    with django_assert_num_queries(0):
        report("email", [])


def _version() -> Any:
    with connection.cursor() as cursor:
        cursor.execute("SELECT ctid, xmin::text FROM channel_states")
        return cursor.fetchall()


# ── The breaker ─────────────────────────────────────────────────────────────────────────────────────────
def test_it_opens_tries_once_opens_longer_and_closes() -> None:
    for outcome in DOWN[:19]:
        report("email", [outcome], now=NOW)
    assert permit().count == 50
    report("email", [Unknown("timeout")], now=NOW)
    assert permit() == Permit(0, 30 * SECOND)
    assert "timeout" in state_of("email", now=NOW).stops[0].reason

    now = NOW + 30 * SECOND
    assert permit(now=now) == Permit(1, probe=True)
    assert permit(now=now) == Permit(0, LOOK_AGAIN)
    assert kinds(now=now) == [Kind.TRIAL]
    report("email", [Transient("503")], probe=True, now=now)
    assert permit(now=now) == Permit(0, 60 * SECOND)

    now += 60 * SECOND
    assert permit(now=now).probe
    report("email", [Sent()], probe=True, now=now)
    assert permit(now=now) == Permit(50)
    assert history() == ["opened", "opened", "closed"]
    assert kinds("sms", now=now) == []


def test_a_trial_with_nothing_to_send_and_a_dead_prober_leave_it_to_the_next() -> None:
    report("email", DOWN, now=NOW)
    now = NOW + 30 * SECOND
    assert permit(now=now).probe
    give_back("email", 1, probe=True)
    assert permit(now=now).probe, "given back"
    assert not permit(now=now + 179 * SECOND).probe
    assert permit(now=now + 180 * SECOND).probe, "the prober's lease ran out"


def test_the_policy_is_a_setting(settings: Any) -> None:
    settings.NOTIFICATIONS = {
        **settings.NOTIFICATIONS,
        "BREAKER": BreakerPolicy(threshold=2, first=5 * SECOND),
    }
    report("email", DOWN[:2], now=NOW)
    assert permit() == Permit(0, 5 * SECOND)


@pytest.mark.django_db(transaction=True)
def test_two_workers_that_read_the_same_row_get_one_trial(
    other_connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other worker takes the trial between our reading and our writing."""
    report("email", DOWN, now=NOW)
    now = NOW + 30 * SECOND

    def read_then_lose(*args: Any, **kwargs: Any) -> Any:
        rows = original(*args, **kwargs)
        other_connection.execute("UPDATE channel_states SET probe_until = %s", [now + 120 * SECOND])
        return rows

    original = read
    monkeypatch.setattr("notifications.channel_state.read", read_then_lose)
    assert permit(now=now) == Permit(0, LOOK_AGAIN)


@pytest.mark.django_db(transaction=True)
def test_faults_of_two_workers_at_once_are_all_counted(other_connection: Any) -> None:
    report("email", DOWN[:18], now=NOW)
    other_connection.autocommit = False
    other_connection.execute("UPDATE channel_states SET faults = faults + 1")
    thread = start_and_wait_until_blocked(lambda: report("email", DOWN[:1], now=NOW))
    other_connection.commit()
    thread.join(10)
    assert state_of("email", now=NOW).breaker is State.OPEN


# ── The provider's limit ────────────────────────────────────────────────────────────────────────────────
def test_a_429_holds_the_whole_channel_as_long_as_the_provider_asks() -> None:
    late = Transient("429", retry_after=90 * SECOND)
    report("email", [Sent(), late, Transient("429", retry_after=10 * SECOND)], now=NOW)
    assert permit() == Permit(0, 90 * SECOND)
    assert kinds() == [Kind.LIMITED]
    report("email", [late], now=NOW + SECOND)
    assert permit() == Permit(0, 91 * SECOND)
    assert history() == ["limited"], "one line for one limit"
    assert permit(now=NOW + 91 * SECOND) == Permit(50)
    assert state_of("email", now=NOW).faults == 0


def test_the_limit_is_bounded_and_a_browsers_429_is_its_own_affair() -> None:
    report("sms", [Transient("20429", retry_after=dt.timedelta(days=1))], now=NOW)
    assert permit("sms") == Permit(0, dt.timedelta(hours=1))
    report("push", [Transient("429", retry_after=90 * SECOND)] * 30, now=NOW)
    assert permit("push") == Permit(50)


# ── Pauses ──────────────────────────────────────────────────────────────────────────────────────────────
def test_a_persons_pause_and_the_machines_stand_beside_each_other() -> None:
    now = timezone.now()
    pause("email", until=now + dt.timedelta(hours=5), reason="Holiday", by="staff:1")
    pause("email", until=now + dt.timedelta(minutes=15), reason="refuses us (401)", by=MACHINE)
    [mine, machines] = state_of("email").stops
    assert (mine.kind, mine.reason, mine.by) == (Kind.PAUSED, "Holiday", "staff:1")
    assert (machines.kind, machines.reason, machines.by) == (Kind.REFUSED, "refuses us (401)", MACHINE)
    assert kinds(now=now + dt.timedelta(hours=1)) == [Kind.PAUSED], "not shortened"
    wait = permits(["email"], wanted=1, now=now)["email"].wait
    assert wait == dt.timedelta(hours=5)


def test_refusals_of_all_the_calls_in_flight_are_one_line_of_history() -> None:
    now = timezone.now()
    for seconds in range(16):
        pause("email", until=now + dt.timedelta(minutes=15, seconds=seconds), reason="401", by=MACHINE)
    assert history() == ["refused"]
    assert state_of("email").stops[0].until == now + dt.timedelta(minutes=15, seconds=15)
    with pytest.raises(ValueError, match="must end by itself"):
        pause("email", until=None, reason="401", by=MACHINE)


def test_until_resumed_has_no_end_and_resuming_clears_everything() -> None:
    report("email", DOWN)
    report("email", [Transient("429", retry_after=90 * SECOND)])
    pause("email", until=None, reason="Until the contract is signed", by="staff:1")
    pause("email", until=timezone.now() + SECOND, reason="Shorter", by="staff:2")
    pause("email", until=timezone.now() + dt.timedelta(minutes=15), reason="401", by=MACHINE)
    assert permit(now=NOW + dt.timedelta(days=999)) == Permit(0, None)
    assert state_of("email").stops[0].reason == "Until the contract is signed"

    assert resume("email", by="staff:3", reason="Signed")
    assert permits(["email"], wanted=5)["email"] == Permit(5)
    assert breaker_of(ChannelState.objects.get()) == breaker_of(ChannelState())
    last = ChannelEvent.objects.first()
    assert last is not None
    assert (last.what, last.by, last.reason) == ("resumed", "staff:3", "Signed")
    assert history() == ["opened", "limited", "paused", "refused", "resumed"]
    assert not resume("email", by="staff:3"), "nothing stood against it"


def test_states_names_all_four_whether_they_have_a_row_or_not(django_assert_num_queries: Any) -> None:
    report("sms", DOWN)
    with django_assert_num_queries(1):
        found = {standing.channel: standing.breaker for standing in states()}
    assert found == {
        "email": State.CLOSED,
        "sms": State.OPEN,
        "push": State.CLOSED,
        "inapp": State.CLOSED,
    }
