"""sla_monitor at its edges: which promise holds, who is warned, who hears that it was broken, and what ends it."""

import datetime as dt
import threading
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from jobs import telling
from jobs.catalog import CATALOG
from jobs.runner import run as start
from jobs.spec import JobResult, silent
from notifications.enqueue import notify_many
from notifications.models import Notification
from rentals.models import Alert, SupportSla, SupportTicket
from tests.business_factories import SupportSlaFactory, SupportTicketFactory
from tests.factories import StaffFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("templates")]

NOW = dt.datetime(2026, 11, 20, 15, tzinfo=dt.UTC)
KINDS = ("response_warned", "response_breached", "resolution_warned", "resolution_breached")
# Minutes to answer and to solve.
TARGETS = {"critical": (60, 240), "high": (240, 1440), "normal": (480, 4320), "low": (1440, 7200)}
each_priority = pytest.mark.parametrize("priority", TARGETS)


def minutes(count: float) -> dt.timedelta:
    return dt.timedelta(minutes=count)


@pytest.fixture
def lead() -> User:
    return StaffFactory.create(groups=("support_leads",))


@pytest.fixture
def agent() -> User:
    return StaffFactory.create()


def monitor(now: dt.datetime = NOW) -> JobResult:
    return CATALOG["sla_monitor"].run(now=now, progress=silent)


def found(now: dt.datetime = NOW) -> dict[str, int]:
    return {kind: count for kind, count in monitor(now).found.items() if count}


def ticket(age: float = 1, **fields: Any) -> SupportTicket:
    """A ticket of so many minutes before NOW, that nobody has answered."""
    return SupportTicketFactory.create(**{"created_at": NOW - minutes(age), **fields})


def answered(age: float, **fields: Any) -> SupportTicket:
    """The same, answered a minute after it came in."""
    return ticket(age, first_response_at=NOW - minutes(age - 1), **fields)


def sla(of: SupportTicket) -> SupportSla:
    return SupportSla.objects.get(ticket=of)


def told(**filters: Any) -> list[tuple[str, str, str]]:
    """(template, who, channel) of what was queued."""
    rows = Notification.objects.filter(status="queued", **filters)
    return sorted(rows.values_list("template__name", "recipient_key", "channel"))


def change(row: SupportTicket, **fields: Any) -> None:
    SupportTicket.objects.filter(pk=row.pk).update(**fields)


# ── The promise ─────────────────────────────────────────────────────────────────────────────────────────
def test_without_tickets_there_is_nothing_to_do() -> None:
    assert monitor() == JobResult(found=dict.fromkeys(KINDS, 0))


@each_priority
def test_an_open_ticket_gets_the_targets_of_its_priority(priority: str) -> None:
    row = ticket(priority=priority)
    assert monitor().changed == {"clocks kept": 1}
    kept = sla(row)
    assert (kept.target_response_minutes, kept.target_resolution_minutes) == TARGETS[priority]
    assert (kept.priority, kept.breached_response, kept.breached_resolution) == (priority, False, False)
    assert monitor(NOW + minutes(5)).changed == {}


@pytest.mark.parametrize("status", ["resolved", "closed"])
def test_a_ticket_that_is_over_gets_none(status: str) -> None:
    ticket(10_000, status=status)
    assert monitor() == JobResult(found=dict.fromkeys(KINDS, 0))


def test_another_priority_is_another_promise() -> None:
    row = ticket(50)
    monitor()
    change(row, priority="critical")
    assert found() == {"response_warned": 1}
    kept = sla(row)
    assert (kept.priority, kept.target_response_minutes, kept.target_resolution_minutes) == (
        "critical",
        60,
        240,
    )


def test_a_target_set_by_hand_stays_while_the_priority_does() -> None:
    row = ticket()
    monitor()
    SupportSla.objects.update(target_response_minutes=30)
    change(row, first_response_at=NOW)
    monitor()
    assert (sla(row).target_response_minutes, sla(row).first_response_at) == (30, NOW)


def test_answer_and_solution_are_taken_over_from_the_ticket() -> None:
    row = ticket(30)
    monitor()
    change(row, first_response_at=NOW - minutes(10))
    monitor()
    assert (sla(row).first_response_at, sla(row).resolved_at) == (NOW - minutes(10), None)
    change(row, status="resolved", resolved_at=NOW)
    assert monitor(NOW + minutes(5)).changed == {"clocks stopped": 1}
    assert sla(row).resolved_at == NOW
    assert monitor(NOW + minutes(10)).changed == {}


def test_a_ticket_that_is_opened_again_runs_on() -> None:
    row = answered(30)
    monitor()
    change(row, status="resolved", resolved_at=NOW)
    monitor()
    change(row, status="open", resolved_at=None)
    monitor()
    assert sla(row).resolved_at is None
    assert found(NOW + minutes(4320 - 30)) == {"resolution_breached": 1}


# ── Warnings ────────────────────────────────────────────────────────────────────────────────────────────
@each_priority
@pytest.mark.parametrize("target", ["response", "resolution"])
@pytest.mark.usefixtures("lead")
def test_the_assignee_is_warned_at_four_fifths_and_hears_of_the_breach_at_the_end(
    priority: str, target: str, agent: User
) -> None:
    limit = TARGETS[priority][target == "resolution"]
    make = ticket if target == "response" else answered
    row = make(1, priority=priority, assigned_to=agent)
    began = row.created_at
    steps = [
        (began + minutes(limit * 0.8) - minutes(0.01), {}),
        (began + minutes(limit * 0.8), {f"{target}_warned": 1}),
        (began + minutes(limit) - minutes(0.01), {}),
        (began + minutes(limit), {f"{target}_breached": 1}),
        (began + minutes(limit + 1), {}),
    ]
    assert [found(at).get(kind, 0) for at, kinds in steps for kind in kinds] == [1, 1]
    assert {name for name, _, _ in told()} == {"sla.warning", "sla.breached"}
    warning = Notification.objects.get(template__name="sla.warning", channel="email")
    assert warning.recipient_key == f"staff:{agent.pk}"
    assert warning.expires_at == began + minutes(limit)
    assert warning.payload["is_response"] is (target == "response")
    assert warning.payload["due_at"] == (began + minutes(limit)).isoformat()
    assert warning.payload["ticket_url"].endswith(f"/admin/rentals/supportticket/{row.pk}/change/")


@pytest.mark.parametrize(("age", "kinds"), [(383.99, {}), (384, {"response_warned": 1}), (479.99, {"response_warned": 1}), (480, {"response_breached": 1})])  # fmt: skip
def test_a_late_run_says_what_is_true_by_then(age: float, kinds: dict[str, int], lead: User) -> None:
    ticket(age)
    assert found() == kinds
    assert found(NOW + minutes(0.001)) == {}


def test_a_ticket_of_nobody_warns_the_leads(lead: User) -> None:
    ticket(400)
    monitor()
    assert told() == [
        ("sla.warning", f"staff:{lead.pk}", "email"),
        ("sla.warning", f"staff:{lead.pk}", "inapp"),
    ]
    assert Notification.objects.filter(payload__is_assigned=False).count() == 2


def test_a_ticket_of_somebody_who_left_is_nobodys(lead: User) -> None:
    gone = StaffFactory.create(is_active=False)
    ticket(400, assigned_to=gone)
    ticket(500, assigned_to=gone)
    monitor()
    assert {who for _, who, _ in told()} == {f"staff:{lead.pk}"}


def test_an_answer_in_time_silences_the_response_clock(lead: User) -> None:
    answered(500)
    assert found() == {}


def test_nobody_to_tell_loses_no_breach(caplog: pytest.LogCaptureFixture, agent: User) -> None:
    row = ticket(500, assigned_to=agent)
    ticket(400)
    monitor()
    assert "job.group_empty job=sla_monitor group=support_leads" in caplog.text
    assert sla(row).breached_response
    assert {who for _, who, _ in told()} == {f"staff:{agent.pk}"}


# ── Breaches ────────────────────────────────────────────────────────────────────────────────────────────
def test_a_breach_tells_the_assignee_and_the_leads_and_opens_an_alert(agent: User, lead: User) -> None:
    row = ticket(480, assigned_to=agent)
    result = monitor()
    assert result.changed == {"clocks kept": 1, "alerts opened": 1}
    assert sla(row).breached_response
    assert {(who, channel) for _, who, channel in told(template__name="sla.breached")} == {
        (f"staff:{user.pk}", channel) for user in (agent, lead) for channel in ("email", "inapp")
    }
    alert = Alert.objects.get()
    assert (alert.type, alert.entity_type, alert.entity_id) == (
        "sla_response_breached",
        "support_ticket",
        str(row.pk),
    )
    assert (alert.severity, alert.status, alert.detected_at) == ("warning", "open", NOW)
    assert alert.details == {"priority": "normal", "due_at": NOW.isoformat()}


@pytest.mark.parametrize("priority", ["high", "critical"])
def test_an_urgent_breach_is_critical_and_pushed_too(priority: str, lead: User) -> None:
    ticket(TARGETS[priority][0], priority=priority)
    monitor()
    assert Alert.objects.get().severity == "critical"
    # They have no browser: the gate says so on the row.
    assert sorted(Notification.objects.values_list("channel", flat=True)) == ["email", "inapp", "push"]


def test_an_assignee_who_leads_hears_once(lead: User) -> None:
    ticket(480, assigned_to=lead)
    monitor()
    assert told() == [
        ("sla.breached", f"staff:{lead.pk}", "email"),
        ("sla.breached", f"staff:{lead.pk}", "inapp"),
    ]


def test_both_targets_have_their_own_breach_and_alert(lead: User) -> None:
    ticket(5000)
    assert found() == {"response_breached": 1, "resolution_breached": 1}
    assert sorted(Alert.objects.values_list("type", flat=True)) == [
        "sla_resolution_breached",
        "sla_response_breached",
    ]


@pytest.mark.parametrize(
    ("late", "breached"), [({"first_response_at": NOW - minutes(1)}, (True, False)),
                           ({"status": "resolved", "resolved_at": NOW - minutes(1)}, (True, False)),
                           ({"status": "resolved", "resolved_at": NOW - minutes(20)}, (False, False))],
)  # fmt: skip
def test_what_was_late_between_two_runs_is_on_record_and_alarms_nobody(
    late: dict[str, Any], breached: tuple[bool, bool], lead: User
) -> None:
    row = ticket(490)
    monitor(NOW - minutes(200))
    change(row, **late)
    assert monitor().queued == 0
    assert (sla(row).breached_response, sla(row).breached_resolution) == breached
    assert not Alert.objects.exists()


@pytest.mark.parametrize(
    "settled", [{"status": "resolved", "resolved_at": NOW}, {"first_response_at": NOW}, {"priority": "low"}]
)
def test_an_alert_resolves_itself(settled: dict[str, Any], lead: User) -> None:
    row = ticket(500)
    monitor()
    change(row, **settled)
    assert monitor(NOW + minutes(5)).changed["alerts resolved"] == 1
    assert Alert.objects.get().status == "resolved"
    assert monitor(NOW + minutes(10)).changed == {}


def test_an_answer_does_not_resolve_the_alert_of_a_late_solution(lead: User) -> None:
    row = ticket(5000)
    monitor()
    change(row, first_response_at=NOW)
    monitor(NOW + minutes(5))
    assert dict(Alert.objects.values_list("type", "status")) == {
        "sla_response_breached": "resolved",
        "sla_resolution_breached": "open",
    }


def test_a_ticket_that_is_open_again_past_its_target_is_told_of_again(lead: User) -> None:
    row = ticket(5000)
    change(row, first_response_at=NOW - minutes(4990))
    monitor()
    first = Notification.objects.count()
    change(row, status="resolved", resolved_at=NOW)
    monitor(NOW + minutes(5))
    assert set(Alert.objects.values_list("status", flat=True)) == {"resolved"}
    change(row, status="open", resolved_at=None)
    result = monitor(NOW + minutes(10))
    assert result.found["resolution_breached"] == 1
    assert Notification.objects.count() == 2 * first > 0
    assert monitor(NOW + minutes(15)).queued == 0


def test_a_higher_priority_makes_the_alert_critical_and_tells_nobody_again(lead: User) -> None:
    row = ticket(500)
    monitor()
    before = Notification.objects.count()
    change(row, priority="high")
    assert monitor(NOW + minutes(5)).changed["alerts changed"] == 1
    assert Alert.objects.get().severity == "critical"
    assert Notification.objects.count() == before


def test_the_dashboards_alerts_are_not_ours(lead: User) -> None:
    """mv_alert_candidates has the same tickets under another type: neither job touches the other's."""
    ticket(500)
    other = Alert.objects.create(
        type="sla_breach", entity_type="support_ticket", entity_id="T", severity="info", detected_at=NOW
    )
    monitor()
    other.refresh_from_db()
    assert (other.status, other.severity) == ("open", "info")
    assert Alert.objects.count() == 2


# ── Clock changes, failures, races, dry runs, scale ─────────────────────────────────────────────────────
@pytest.mark.parametrize("created", ["2026-03-08T05:30+00:00", "2026-11-01T04:30+00:00"])
def test_a_target_is_hours_whatever_the_clocks_on_the_wall_do(created: str, lead: User) -> None:
    """The clocks change at 02:00 in Moncton, 30 to 90 minutes into an hour that stays an hour."""
    began = dt.datetime.fromisoformat(created)
    ticket(created_at=began, priority="critical")
    assert found(began + minutes(59)) == {"response_warned": 1}
    assert found(began + minutes(60)) == {"response_breached": 1}


def test_a_failure_half_way_leaves_nothing_half_done(
    monkeypatch: pytest.MonkeyPatch, agent: User, lead: User
) -> None:
    row = ticket(500, assigned_to=agent)
    ticket(400)
    calls: list[int] = []

    def fail_on_the_second(*args: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("no more")
        return notify_many(*args, **options)

    monkeypatch.setattr(telling, "notify_many", fail_on_the_second)
    assert CATALOG["sla_monitor"].atomic
    with pytest.raises(RuntimeError), transaction.atomic():
        monitor()
    assert not SupportSla.objects.exists()
    assert not Alert.objects.exists()
    assert not Notification.objects.exists()
    monkeypatch.undo()
    assert found() == {"response_warned": 1, "response_breached": 1}
    assert sla(row).breached_response


def test_a_dry_run_changes_nothing_and_shows_its_rows(lead: User) -> None:
    ticket(500)
    report = start("sla_monitor", now=NOW, trigger="command", dry_run=True)
    assert report.status == "success", report.error
    assert report.row_counts == {
        "support_sla": {"insert": 1, "update": 1},
        "alerts": {"insert": 1, "update": 1},
    }
    assert {message.template for message in report.messages} == {"sla.breached"}
    for model in (SupportSla, Alert, Notification):
        assert not model.objects.exists()


def test_the_number_of_statements_does_not_grow_with_the_rows(agent: User, lead: User) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            monitor()
        return len(queries)

    for age in (500, 400) * 2:
        ticket(age, assigned_to=agent)
    few = statements()
    for age in (500, 400) * 15:
        ticket(age, assigned_to=agent)
    assert statements() <= few


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_tell_once() -> None:
    lead = StaffFactory.create(groups=("support_leads",))
    ticket(500)
    SupportSlaFactory.create(ticket=ticket(400))
    barrier, results = threading.Barrier(2), []

    def one() -> None:
        try:
            with transaction.atomic():
                barrier.wait(timeout=10)
                results.append(monitor())
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(results) == 2
    assert sorted(sum(result.found.values()) for result in results) == [0, 2]
    assert [who for _, who, _ in told(channel="email")] == [f"staff:{lead.pk}"] * 2
    assert Alert.objects.count() == 1
