"""The audit events of the sample business: an office at work, and in it what each rule of the detector should find."""

import datetime as dt
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest
from pytest_django.plugin import DjangoDbBlocker

from rentals.models import AuditEvent, SecurityIncident
from rentals.sample.anomalies import BURST, EXPORTER, NEWCOMER, SIEGE, STRANGER, anomalies
from rentals.sample.audit_rows import Staff, staff
from rentals.sample.plan import Plan
from tests.sample_business import AT, fetch, kept, make, one

pytestmark = pytest.mark.django_db

HOME = ZoneInfo("America/Moncton")
EVENTS = 20_000
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
AUDIT = "audit_events"


@pytest.fixture(scope="module")
def plan(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Plan]:
    with kept(django_db_blocker, Plan(at=AT, bookings=0, audit_events=EVENTS)) as plan:
        yield plan


@pytest.mark.parametrize("wanted", [0, 1, 50, 90, 1_000])
def test_there_are_as_many_as_were_asked_for(wanted: int) -> None:
    make(replace=True, bookings=0, audit_events=wanted)
    assert AuditEvent.objects.count() == wanted


@pytest.mark.usefixtures("plan")
def test_none_is_of_the_future_and_they_reach_back_three_months() -> None:
    first, last = fetch(f"SELECT min(occurred_at), max(occurred_at) FROM {AUDIT}")[0]
    assert last <= AT
    assert dt.timedelta(days=89) < AT - first < dt.timedelta(days=92)


@pytest.mark.parametrize(
    "moment", ["2026-11-01T04:45", "2026-11-01T06:30", "2026-03-08T06:10", "2026-11-23T03:59"]
)
def test_none_is_of_the_future_where_the_clocks_change_or_the_day_has_just_begun(moment: str) -> None:
    at = dt.datetime.fromisoformat(moment).replace(tzinfo=dt.UTC)
    make(replace=True, at=at, bookings=0, audit_events=EVENTS)
    assert not AuditEvent.objects.filter(occurred_at__gt=at).exists()


# ── What is suspicious ──────────────────────────────────────────────────────────────────────────────────
@pytest.mark.usefixtures("plan")
def test_logins_fail_in_bursts_from_one_address_and_at_one_account_and_nowhere_else() -> None:
    bursts = (
        "SELECT {0}, count(*), count(DISTINCT {1}) FROM audit_events WHERE event_type = 'login_failed'"
        " GROUP BY {0}, date_trunc('hour', occurred_at) HAVING count(*) >= 5"
    )
    assert fetch(bursts.format("host(ip_address)", "actor_id")) == [(STRANGER, BURST, BURST)]
    accounts = [row[1:] for row in fetch(bursts.format("actor_id", "ip_address"))]
    assert accounts == [(SIEGE, SIEGE)]
    few = AuditEvent.objects.filter(
        event_type="login_failed", occurred_at__gt=AT - HOUR, ip_address="192.0.2.9"
    )
    assert few.count() == 3


@pytest.mark.usefixtures("plan")
def test_a_privilege_changes_at_night_and_all_others_at_work() -> None:
    odd = []
    changes = AuditEvent.objects.filter(event_type="privilege_changed")
    for event in changes:
        local = event.occurred_at.astimezone(HOME)
        if local.weekday() > 4 or not 8 <= local.hour < 18:
            odd.append(event.occurred_at)
    assert len(odd) == 1
    assert AT - DAY < odd[0] < AT
    assert changes.count() > 10


@pytest.mark.usefixtures("plan")
def test_one_export_is_far_above_what_its_actor_is_used_to() -> None:
    rows = fetch(
        "SELECT actor_id, max((metadata->>'rows')::int), percentile_cont(0.5) WITHIN GROUP (ORDER BY (metadata->>'rows')::int)"
        " FROM audit_events WHERE event_type = 'export' GROUP BY 1"
    )
    assert len(rows) == len(Staff.EXPORTERS)
    assert [actor for actor, most, median in rows if most > 5 * median] == [staff(EXPORTER)]
    assert all(
        count >= 5
        for _, count in fetch(
            "SELECT actor_id, count(*) FROM audit_events WHERE event_type = 'export' AND occurred_at > %s GROUP BY 1",
            AT - 30 * DAY,
        )
    )


@pytest.mark.usefixtures("plan")
def test_one_session_is_seen_from_two_networks_within_minutes() -> None:
    moved = fetch(
        "SELECT session_id, max(occurred_at) - min(occurred_at) FROM audit_events WHERE session_id <> ''"
        " GROUP BY 1 HAVING count(DISTINCT network(set_masklen(ip_address, 24))) > 1"
    )
    assert moved == [("s-moves", dt.timedelta(minutes=3))]
    stays = AuditEvent.objects.filter(session_id="s-stays").values_list("ip_address", flat=True)
    assert len(set(stays)) == 2


@pytest.mark.usefixtures("plan")
def test_one_reads_a_secret_for_the_first_time_in_the_last_hour() -> None:
    firsts = fetch(
        "SELECT actor_id, min(occurred_at) FROM audit_events WHERE event_type = 'secret_read' GROUP BY 1"
    )
    assert [actor for actor, first in firsts if first > AT - HOUR] == [staff(NEWCOMER)]
    assert len(firsts) == 1 + len(Staff.SECRET_READERS)


def test_what_is_suspicious_happened_within_a_day_and_comes_first_in_a_small_business() -> None:
    events = list(anomalies(Plan(at=AT)))
    assert events[0].act.event == "privilege_changed"
    assert all(AT - DAY < event.at <= AT for event in events[: 5 + BURST + SIEGE])


# ── Around it ───────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.usefixtures("plan")
def test_addresses_are_of_networks_that_nobody_has() -> None:
    outside = (
        "SELECT count(*) FROM audit_events WHERE NOT (ip_address <<= '100.64.0.0/10' OR ip_address <<= '198.51.100.0/24'"
        " OR ip_address <<= '203.0.113.0/24' OR ip_address <<= '192.0.2.0/24')"
    )
    assert one(outside) == 0


@pytest.mark.usefixtures("plan")
def test_incidents_of_the_past_are_settled() -> None:
    assert SecurityIncident.objects.count() > 0
    assert not SecurityIncident.objects.filter(resolved_at=None).exists()
    assert not SecurityIncident.objects.filter(detected_at__gt=AT - DAY).exists()
