"""The rules of the audit trail, each at its threshold: pure functions over the events of a window."""

import datetime as dt
import uuid
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest

from rentals.anomalies.exports import HourOfExports, Usual, far_above_usual
from rentals.anomalies.failed_logins import by_account, by_address
from rentals.anomalies.finding import Event, Finding, concealed, network
from rentals.anomalies.privileges import after_hours
from rentals.anomalies.secret_reads import by_first_timers
from rentals.anomalies.sessions import in_two_networks
from rentals.anomalies.thresholds import Thresholds, thresholds
from rentals.checks import check_anomalies

LIMITS = Thresholds(logins_per_address=4, logins_per_account=3, zone="America/Moncton")
START = dt.datetime(2026, 11, 20, 15, tzinfo=dt.UTC)  # a Friday, 11:00 in Moncton
MINUTE = dt.timedelta(minutes=1)


def event(minute: float, **fields: Any) -> Event:
    values = {"actor_id": "staff:1", "ip_address": "203.0.113.7", "session_id": "s1", **fields}
    return Event(id=uuid.uuid4(), occurred_at=START + minute * MINUTE, **values)


def refused(*minutes: float, **fields: Any) -> list[Event]:
    return [event(minute, **fields) for minute in minutes]


def bursts(events: Iterable[Event], told: dict[str, dt.datetime] | None = None) -> list[Finding]:
    return list(by_account(events, LIMITS, told=told or {}))


# ── Refused logins ──────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("minutes", "counts"),
    [
        ((0, 1), []),
        ((0, 1, 2), [3]),
        ((0, 5, 10), [3]),
        ((0, 5, 10.1), []),
        ((0, 9, 18, 19, 20), [4]),  # the first is too old by the time the others come
        ((0, 1, 2, 3, 12.9), [5]),  # goes on
        ((0, 1, 2, 13, 14), [3]),
        ((0, 1, 2, 13, 14, 15), [3, 3]),
    ],
)
def test_a_burst_is_enough_refusals_within_ten_minutes_and_what_follows_closely(
    minutes: tuple[float, ...], counts: list[int]
) -> None:
    assert [finding.evidence["count"] for finding in bursts(refused(*minutes))] == counts


def test_a_burst_is_told_by_subject_time_and_ids() -> None:
    events = refused(0, 1, 2, 3)
    [found] = bursts(events)
    assert found.key == "failed_logins_by_account:staff:1:2026-11-20T15:00Z"
    assert found.at == events[2].occurred_at
    assert found.description == "4 failed logins of one account within 3 min"
    assert found.evidence == {
        "subject": "staff:1",
        "actor": "staff:1",
        "count": 4,
        "first_at": events[0].occurred_at.isoformat(),
        "last_at": events[3].occurred_at.isoformat(),
        "events": [str(one.id) for one in events],
    }


def test_subjects_are_counted_apart_and_nobody_is_no_account() -> None:
    mixed = sorted(
        refused(0, 1, actor_id="a") + refused(0.5, 1.5, 2, actor_id="b") + refused(0, 1, 2, 3, actor_id=""),
        key=lambda one: one.occurred_at,
    )
    assert [found.subject for found in bursts(mixed)] == ["b"]


def test_an_address_is_kept_as_its_network_and_never_itself() -> None:
    [found] = by_address(refused(0, 1, 2, 3, actor_id=""), LIMITS, told={})
    assert found.evidence["network"] == "203.0.113.0/24"
    assert found.subject == concealed("203.0.113.7")
    assert "203.0.113.7" not in f"{found.key} {found.description} {found.evidence}"
    spread = [event(turn, ip_address=f"203.0.113.{turn}") for turn in range(8)]
    assert not list(by_address(spread, LIMITS, told={}))
    assert not list(by_address(refused(0, 1, 2, 3, ip_address=None), LIMITS, told={}))


def test_refusals_that_were_evidence_are_not_counted_again() -> None:
    events = refused(0, 1, 2, 3, 4)
    assert bursts(events, told={"staff:1": events[2].occurred_at}) == []
    assert len(bursts(events, told={"staff:1": events[1].occurred_at})) == 1
    assert len(bursts(events, told={"staff:2": events[4].occurred_at})) == 1


def test_an_attack_that_goes_on_after_it_was_told_is_other_evidence_also_within_the_bucket() -> None:
    events = refused(0, 1, 2, 3, 4, 5)
    [first] = bursts(events[:3])
    [rest] = bursts(events, told={"staff:1": events[2].occurred_at})
    assert rest.key.startswith(first.key)
    assert rest.key != first.key
    assert [rest.key] == [again.key for again in bursts(events, told={"staff:1": events[2].occurred_at})]


def test_an_attack_of_many_keeps_few_ids() -> None:
    [found] = bursts(event(turn / 1000) for turn in range(5000))
    assert found.evidence["count"] == 5000
    assert len(found.evidence["events"]) == 20


# ── Rights ──────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("at", "suspicious"),
    [
        ("2026-11-20T07:00-04:00", False),  # Friday
        ("2026-11-20T06:59:59-04:00", True),
        ("2026-11-20T17:59:59-04:00", False),
        ("2026-11-20T18:00-04:00", True),
        ("2026-11-21T11:00-04:00", True),  # Saturday
        ("2026-11-22T23:30-04:00", True),  # Sunday in Moncton, Monday in UTC
        ("2026-10-30T07:30-03:00", False),  # the Friday before the clock goes back …
        ("2026-11-02T06:30-04:00", True),  # … and the Monday after: 07:30 of the old time
        ("2026-03-06T17:30-04:00", False),  # the Friday before it goes forward
        ("2026-03-09T18:30-03:00", True),  # 17:30 of the old time
    ],
)
def test_rights_change_in_working_hours_of_the_business_own_clock(at: str, suspicious: bool) -> None:
    change = Event(uuid.uuid4(), dt.datetime.fromisoformat(at).astimezone(dt.UTC), "staff:1")
    assert bool(list(after_hours([change], LIMITS))) is suspicious


def test_changes_of_one_actor_and_hour_are_one_finding() -> None:
    night = 60 * 10  # 21:00 in Moncton
    changes = [event(night), event(night + 5), event(night + 60), event(night, actor_id="")]
    found = list(after_hours(changes, LIMITS))
    assert [(one.subject, one.evidence["count"]) for one in found] == [
        ("staff:1", 2),
        ("staff:1", 1),
        ("unknown", 1),
    ]
    assert found[0].description == "Rights were changed 2 times outside working hours"
    assert len({one.key for one in found}) == 3


# ── Exports ─────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("rows", "usual", "suspicious"),
    [
        (4999, Usual(3, Decimal(1000)), False),
        (5000, Usual(3, Decimal(1000)), True),
        (999, Usual(9, Decimal(10)), False),  # a hundred times nothing is nothing
        (1000, Usual(9, Decimal(10)), True),
        (9999, Usual(2, Decimal(10)), False),  # two hours are no habit
        (10_000, Usual(2, Decimal(10)), True),
        (9999, None, False),
        (10_000, None, True),
    ],
)
def test_an_hour_of_exports_is_weighed_against_the_actors_own(
    rows: int, usual: Usual | None, suspicious: bool
) -> None:
    hour = HourOfExports("staff:1", START, Decimal(rows), 2, START, START + MINUTE, (uuid.uuid4(),))
    found = list(far_above_usual([hour], {"staff:1": usual} if usual else {}, LIMITS))
    assert bool(found) is suspicious
    if found:
        assert found[0].evidence["rows"] == rows
        assert found[0].key == "bulk_export:staff:1:2026-11-20T15:00Z"


# ── Sessions ────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("first", "second", "gap", "suspicious"),
    [
        ("203.0.113.7", "203.0.113.250", 1, False),
        ("203.0.113.7", "203.0.114.7", 10, True),
        ("203.0.113.7", "203.0.114.7", 10.1, False),
        ("2001:db8:1:1::1", "2001:db8:1:ffff::9", 1, False),
        ("2001:db8:1:1::1", "2001:db8:2:1::1", 1, True),
        ("203.0.113.7", "2001:db8:1::1", 1, True),
        ("::ffff:203.0.113.7", "203.0.113.8", 1, False),
        ("::ffff:203.0.113.7", "::ffff:198.51.100.1", 1, True),
    ],
)
def test_a_session_is_in_two_places_when_its_network_changes_within_minutes(
    first: str, second: str, gap: float, suspicious: bool
) -> None:
    visits = [event(0, ip_address=first), event(gap, ip_address=second)]
    found = list(in_two_networks(visits, LIMITS))
    assert bool(found) is suspicious
    for one in found:
        assert one.severity == "critical"
        assert one.evidence["networks"] == sorted({network(first), network(second)})
        text = f"{one.key} {one.description} {one.evidence}"
        assert first not in text
        assert "s1" not in one.key


def test_one_session_that_moves_on_and_on_is_one_finding_an_hour() -> None:
    places = ["203.0.113.7", "198.51.100.1"]
    visits = [event(minute, ip_address=places[minute % 2]) for minute in range(55, 66)]
    found = list(in_two_networks(visits, LIMITS))
    assert [one.at.hour for one in found] == [15, 16]
    assert found[0].evidence["count"] == 5
    others = [event(0), event(1, session_id="s2", ip_address="198.51.100.1")]
    assert list(in_two_networks(others, LIMITS)) == []


def test_a_first_read_of_a_secret_names_the_secret_by_id() -> None:
    [found] = by_first_timers([event(0, resource_id="secret:7")])
    assert found.evidence["resource"] == "secret:7"
    assert found.key == "first_secret_read:staff:1:2026-11-20T15:00Z"


# ── Settings ────────────────────────────────────────────────────────────────────────────────────────────
def test_the_project_as_it_stands_passes_and_uses_the_defaults(settings: Any) -> None:
    assert check_anomalies() == []
    assert thresholds() == Thresholds()
    settings.AUDIT_ANOMALIES = {"LOGINS_PER_ACCOUNT": 5}
    assert thresholds().logins_per_account == 5


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"LOGINS": 5}, 'AUDIT_ANOMALIES["LOGINS"] is no threshold: there are LOGIN_FAILED,'),
        (
            {"LOGINS_PER_ACCOUNT": "5"},
            'AUDIT_ANOMALIES["LOGINS_PER_ACCOUNT"] must be a whole number above 0.',
        ),
        ({"LOGINS_PER_ACCOUNT": True}, "must be a whole number above 0"),
        ({"EXPORT_FACTOR": 0}, "must be a whole number above 0"),
        ({"LOGIN_WINDOW": 600}, "must be a timedelta above 0"),
        ({"LATE": dt.timedelta(0)}, "must be a timedelta above 0"),
        ({"EXPORT": ["export"]}, "must be a frozenset of str"),
        ({"EXPORT": frozenset({1})}, "must be a frozenset of str"),
        ({"WORKING_DAYS": frozenset({7})}, "must be numbers from 0 (Monday) to 6"),
        ({"WORK_BEGINS": "07:00"}, "must be a time"),
        ({"WORK_BEGINS": dt.time(19)}, 'AUDIT_ANOMALIES["WORK_ENDS"] must be later than WORK_BEGINS.'),
        ({"ZONE": "Moncton"}, "must be an IANA time zone"),
        ({"LOOK_BACK": dt.timedelta(minutes=5)}, "must be an hour at least"),
        (None, "AUDIT_ANOMALIES must be a dict."),
    ],
)
def test_a_wrong_threshold_is_named_with_what_to_write(given: Any, says: str, settings: Any) -> None:
    settings.AUDIT_ANOMALIES = given
    [message] = check_anomalies()
    assert says in str(message.msg)
