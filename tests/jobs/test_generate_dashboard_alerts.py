"""generate_dashboard_alerts: one open alert a matter, who hears of it and how often, and what it never does without a fresh view."""

import datetime as dt
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from jobs.catalog import CATALOG, generate_dashboard_alerts
from jobs.checks import check_alert_groups
from jobs.runner import run
from jobs.spec import JobResult, silent
from notifications.models import Notification
from notifications.worker import drain
from rentals.candidates import OLDEST, TYPES, UntrustedCandidatesError
from rentals.models import Alert, Booking, InsuranceDocument, Payment, SupportTicket, ViewState
from rentals.views import refresh
from tests.business_factories import (
    DAY,
    MOMENT,
    AlertFactory,
    InsuranceDocumentFactory,
    PayoutReconciliationFactory,
    SupportSlaFactory,
    SupportTicketFactory,
)
from tests.factories import BookingFactory, EquipmentFactory, PaymentFactory, StaffFactory
from tests.plan_reader import explained

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("swept", "templates")]

TODAY = dt.date(2026, 11, 20)
MINUTE = dt.timedelta(minutes=1)
VIEW = "mv_alert_candidates"
GROUPS = ("operations", "support_leads", "finance")
Make = Callable[..., Any]


def generate(now: dt.datetime = MOMENT) -> JobResult:
    """Refresh and run, as the schedule does."""
    refresh(VIEW, now=now, timeout=MINUTE)
    return work(now)


def work(now: dt.datetime = MOMENT) -> JobResult:
    with transaction.atomic():
        return CATALOG["generate_dashboard_alerts"].run(now=now, progress=silent)


def staff() -> None:
    for group in GROUPS:
        StaffFactory.create(groups=(group,))


def sent(severity: str = "") -> Counter[tuple[str, str]]:
    """Messages by template and channel."""
    rows = Notification.objects.filter(
        status="queued", **({"metadata__severity": severity} if severity else {})
    )
    return Counter(rows.order_by().values_list("template__name", "channel"))


# ── One of each type ────────────────────────────────────────────────────────────────────────────────────
def idle_machine() -> str:
    return str(EquipmentFactory.create(created_at=MOMENT - 60 * DAY).pk)


def uninsured(*, critical: bool = False) -> str:
    status = "active" if critical else "confirmed"
    booking = BookingFactory.create(start_date=TODAY + (0 if critical else 1) * DAY, status=status)
    return str(InsuranceDocumentFactory.create(booking=booking, status="pending").pk)


def breached(*, critical: bool = False) -> str:
    priority = "critical" if critical else "normal"
    ticket = SupportTicketFactory.create(priority=priority, created_at=MOMENT - 9 * 60 * MINUTE)
    SupportSlaFactory.create(ticket=ticket)
    return str(ticket.pk)


def late_payout(*, critical: bool = False) -> str:
    arrival_date = TODAY - (8 if critical else 3) * DAY
    return str(
        PayoutReconciliationFactory.create(status="pending", arrival_date=arrival_date).stripe_payout_id
    )


def clash(*, critical: bool = False) -> str:
    machine, start_date = EquipmentFactory.create(), TODAY + (3 if critical else 14) * DAY
    for ago in (2, 1):
        later = BookingFactory.create(equipment=machine, start_date=start_date, created_at=MOMENT - ago * DAY)
    return str(later.pk)


def failing_payments(*, critical: bool = False) -> str:
    booking = BookingFactory.create()
    for status, count in (("failed", 5), ("completed", 2 if critical else 10)):
        PaymentFactory.create_batch(count, booking=booking, status=status, payment_method="card")
    Payment.objects.update(created_at=MOMENT - 60 * MINUTE)
    return "card"


MAKE: dict[str, tuple[Make, str, str]] = {
    "overdue_insurance": (uninsured, "insurance_document", "operations"),
    "sla_breach": (breached, "support_ticket", "support_leads"),
    "payout_delay": (late_payout, "payout", "finance"),
    "booking_conflict": (clash, "booking", "operations"),
    "payment_failure_spike": (failing_payments, "payment_method", "finance"),
}
each_type = pytest.mark.parametrize("kind", MAKE)


# ── Nothing, once, twice ────────────────────────────────────────────────────────────────────────────────
def test_no_candidate_opens_nothing() -> None:
    assert generate() == JobResult(found=dict.fromkeys(TYPES, 0))
    assert not Alert.objects.exists()


@each_type
def test_a_warning_opens_one_alert_and_reaches_the_inbox_of_its_group_alone(kind: str) -> None:
    make, entity_type, group = MAKE[kind]
    staff()
    entity = make()
    assert generate() == JobResult(
        found={**dict.fromkeys(TYPES, 0), kind: 1}, queued=1, changed={"alerts opened": 1}
    )
    alert = Alert.objects.get()
    assert (alert.type, alert.severity, alert.status) == (kind, "warning", "open")
    assert (alert.entity_type, alert.entity_id) == (entity_type, entity)
    assert alert.summary
    assert alert.told_severity == "warning"
    assert alert.detected_at <= MOMENT
    assert sent() == {(f"alert.{kind}", "inapp"): 1}
    row = Notification.objects.get()
    [member] = StaffFactory._meta.model.objects.filter(groups__name=group)
    assert row.to == {"staff_id": str(member.pk)}
    assert row.payload["alert_url"].endswith(f"/admin/rentals/alert/{alert.pk}/change/")


@each_type
def test_a_critical_matter_reaches_inbox_email_and_push(kind: str) -> None:
    staff()
    MAKE[kind][0](critical=True)
    assert generate().changed == {"alerts opened": 1}
    assert Alert.objects.get().severity == "critical"
    name = f"alert.{kind}"
    assert set(Notification.objects.values_list("template__name", "channel")) == {
        (name, "inapp"),
        (name, "email"),
        (name, "push"),
    }


def test_info_is_an_alert_and_told_to_nobody() -> None:
    staff()
    machine = idle_machine()
    assert generate().changed == {"alerts opened": 1}
    assert (Alert.objects.get().entity_id, Alert.objects.get().severity) == (machine, "info")
    assert not Notification.objects.exists()


@each_type
def test_a_second_run_opens_and_tells_nothing_more(kind: str) -> None:
    staff()
    MAKE[kind][0](critical=True)
    generate()
    told = Notification.objects.count()
    again = generate(MOMENT + 5 * MINUTE)
    assert (again.found[kind], again.queued, again.existing, again.changed) == (1, 0, 0, {})
    assert (Alert.objects.count(), Notification.objects.count()) == (1, told)


def test_every_type_in_one_run_and_everybody_in_a_group_hears() -> None:
    staff()
    StaffFactory.create(groups=GROUPS)
    StaffFactory.create(groups=GROUPS, is_active=False)
    for make, *_ in MAKE.values():
        make()
    idle_machine()
    result = generate()
    # The machines of the factories are new, so that only the idle one is underused.
    assert (result.found, result.queued) == (dict.fromkeys(TYPES, 1), 10)


def test_a_payment_without_a_method_is_a_matter_too() -> None:
    staff()
    failing_payments()
    Payment.objects.update(payment_method="")
    generate()
    assert Alert.objects.get().entity_id == "unknown"


# ── Acknowledged, graver, gone ──────────────────────────────────────────────────────────────────────────
def test_an_acknowledged_alert_counts_as_open() -> None:
    staff()
    uninsured()
    generate()
    Alert.objects.update(status="acknowledged", acknowledged_at=MOMENT, acknowledged_by="staff:1")
    assert generate(MOMENT + 5 * MINUTE) == JobResult(
        found={**dict.fromkeys(TYPES, 0), "overdue_insurance": 1}
    )
    assert Alert.objects.get().status == "acknowledged"


@pytest.mark.parametrize("acknowledged", [False, True])
def test_a_severity_that_rises_is_told_again_once_and_one_that_falls_is_not(acknowledged: bool) -> None:
    staff()
    uninsured()
    generate()
    if acknowledged:
        Alert.objects.update(status="acknowledged", acknowledged_at=MOMENT, acknowledged_by="staff:1")
    Booking.objects.update(status="active", start_date=TODAY)
    risen = generate(MOMENT + 5 * MINUTE)
    assert (risen.changed, risen.queued + risen.withheld) == ({"alerts updated": 1}, 3)
    assert (Alert.objects.get().severity, Alert.objects.get().told_severity) == ("critical", "critical")
    for status, severity in (("confirmed", "warning"), ("active", "critical")):
        Booking.objects.update(status=status)
        again = generate(MOMENT + 10 * MINUTE)
        assert (again.changed, again.queued, again.existing) == ({"alerts updated": 1}, 0, 0)
        assert Alert.objects.get().severity == severity


@each_type
def test_an_alert_whose_candidate_is_gone_resolves_itself(kind: str) -> None:
    staff()
    MAKE[kind][0]()
    generate()
    later = MOMENT + 5 * MINUTE
    settle()
    assert generate(later).changed == {"alerts resolved": 1}
    alert = Alert.objects.get()
    assert (alert.status, alert.resolved_at) == ("resolved", later)
    assert generate(later + 5 * MINUTE).changed == {}


def settle() -> None:
    """Everything that could be a matter is in order."""
    InsuranceDocument.objects.update(status="verified", expires_at=None)
    SupportTicket.objects.update(status="closed", resolved_at=MOMENT)
    PayoutReconciliationFactory._meta.model.objects.update(
        status="reconciled", expected_amount=1, reconciled_by="staff:1", reconciled_at=MOMENT
    )
    Payment.objects.update(status="completed")
    Booking.objects.update(status="cancelled")


def test_a_matter_that_comes_back_is_a_new_alert_and_told_anew() -> None:
    staff()
    document = uninsured()
    generate()
    InsuranceDocument.objects.filter(pk=document).update(status="verified", expires_at=None)
    generate(MOMENT + 5 * MINUTE)
    InsuranceDocument.objects.filter(pk=document).update(status="pending")
    assert generate(MOMENT + 10 * MINUTE).queued == 1
    assert sorted(Alert.objects.values_list("status", flat=True)) == ["open", "resolved"]


def test_alerts_of_other_jobs_are_left_alone() -> None:
    staff()
    others = [
        AlertFactory.create(type="payout_discrepancy", severity="critical"),
        AlertFactory.create(type="sla_response_breach"),
    ]
    assert generate().changed == {}
    assert set(Alert.objects.filter(status="open")) == set(others)
    assert not Notification.objects.exists()


def test_what_changes_about_a_matter_is_kept_and_not_told() -> None:
    staff()
    late_payout()
    generate()
    next_day = MOMENT + DAY
    result = generate(next_day)
    assert (result.changed, result.queued) == ({"alerts updated": 1}, 0)
    assert Alert.objects.get().details["days_late"] == 4


# ── A view that cannot be trusted ───────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("moment", "is_trusted"),
    [
        (MOMENT, True),
        (MOMENT - OLDEST, True),
        (MOMENT - OLDEST - MINUTE, False),
        (MOMENT + OLDEST, True),
        (MOMENT + OLDEST + MINUTE, False),
    ],
)
def test_a_view_of_another_moment_is_not_acted_on(moment: dt.datetime, is_trusted: bool) -> None:
    AlertFactory.create()
    refresh(VIEW, now=moment, timeout=MINUTE)
    if is_trusted:
        assert work().changed == {"alerts resolved": 1}
    else:
        with pytest.raises(UntrustedCandidatesError, match="Run refresh_materialized_views"):
            work()
        assert Alert.objects.get().status == "open"


def test_a_view_that_was_never_refreshed_or_filled_is_not_acted_on_and_the_run_says_so() -> None:
    AlertFactory.create()
    report = run("generate_dashboard_alerts", now=MOMENT, trigger="command")
    assert (report.status, "was never refreshed" in report.error) == ("failed", True)
    refresh(VIEW, now=MOMENT, timeout=MINUTE)
    with connection.cursor() as cursor:
        cursor.execute(f"REFRESH MATERIALIZED VIEW {VIEW} WITH NO DATA")
    report = run("generate_dashboard_alerts", now=MOMENT, trigger="command")
    assert (report.status, "was never filled" in report.error) == ("failed", True)
    ViewState.objects.update(moment=None, refreshed_at=None, duration=None)
    assert Alert.objects.get().status == "open"


# ── Who hears ───────────────────────────────────────────────────────────────────────────────────────────
def test_an_alert_for_a_group_with_nobody_in_it_is_opened_and_told_once_somebody_is() -> None:
    StaffFactory.create(groups=("finance",))
    uninsured(), late_payout()
    first = generate()
    assert (first.queued, first.changed) == (1, {"alerts opened": 2})
    assert first.found["told to nobody: operations is empty"] == 1
    StaffFactory.create(groups=("operations",))
    assert generate(MOMENT + 5 * MINUTE).queued == 1
    assert sent() == {("alert.payout_delay", "inapp"): 1, ("alert.overdue_insurance", "inapp"): 1}


def test_many_new_ones_of_a_type_are_one_message_that_says_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate_dashboard_alerts, "MANY", 3)
    staff()
    for _ in range(4):
        uninsured(critical=True), late_payout()
    for _ in range(3):
        breached()
    result = generate()
    assert result.changed == {"alerts opened": 11}
    assert sent("warning") == {("alert.many", "inapp"): 1, ("alert.sla_breach", "inapp"): 3}
    row = Notification.objects.get(metadata__alert_type="overdue_insurance", channel="email")
    assert (row.payload["count"], row.payload["overdue_insurance"]) == (4, True)
    assert row.payload["sla_breach"] is False
    assert generate(MOMENT + 5 * MINUTE).queued == 0
    # One more is spoken of by itself.
    uninsured(critical=True)
    generate(MOMENT + 10 * MINUTE)
    assert sent()["alert.overdue_insurance", "inapp"] == 1


# ── What no longer holds ────────────────────────────────────────────────────────────────────────────────
def withheld() -> dict[str, str]:
    """By severity of the message and channel, why it was not sent."""
    rows = Notification.objects.filter(status="cancelled").exclude(channel="push")
    return {f"{row.metadata['severity']} {row.channel}": row.metadata["withheld"]["reason"] for row in rows}


def deliver(now: dt.datetime) -> None:
    drain(now=now, budget=MINUTE)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("sandbox")
def test_word_of_an_alert_that_was_resolved_in_between_is_not_sent() -> None:
    staff()
    uninsured(critical=True)
    generate()
    settle()
    generate(MOMENT + 5 * MINUTE)
    deliver(MOMENT + 5 * MINUTE)
    why = "It no longer holds: The alert is resolved."
    assert withheld() == {"critical inapp": why, "critical email": why}


@pytest.mark.django_db(transaction=True)
def test_word_that_still_holds_is_sent(sandbox: Any) -> None:
    staff()
    uninsured(critical=True)
    generate()
    deliver(MOMENT)
    assert withheld() == {}
    [email] = sandbox.messages(channel="email")
    assert "is out without valid insurance" in str(email)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("sandbox")
def test_a_warning_that_grew_critical_before_it_was_sent_gives_way() -> None:
    staff()
    uninsured()
    generate()
    Booking.objects.update(status="active", start_date=TODAY)
    generate(MOMENT + 5 * MINUTE)
    deliver(MOMENT + 5 * MINUTE)
    assert list(withheld()) == ["warning inapp"]
    assert Notification.objects.filter(status="sent").count() == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("sandbox")
def test_word_of_many_falls_when_all_of_them_are_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate_dashboard_alerts, "MANY", 1)
    staff()
    uninsured(), uninsured(), late_payout(), late_payout()
    generate()
    InsuranceDocument.objects.update(status="verified", expires_at=None)
    generate(MOMENT + 5 * MINUTE)
    deliver(MOMENT + 5 * MINUTE)
    assert withheld() == {"warning inapp": "It no longer holds: All of these alerts are resolved."}
    assert Notification.objects.get(status="sent").metadata["alert_type"] == "payout_delay"


# ── Failures, races, cost ───────────────────────────────────────────────────────────────────────────────
def test_a_failure_half_way_leaves_nothing_half_done(monkeypatch: pytest.MonkeyPatch) -> None:
    staff()
    uninsured(), late_payout()
    refresh(VIEW, now=MOMENT, timeout=MINUTE)

    def fail(*_args: Any, **_options: Any) -> Any:
        raise RuntimeError("no more")

    monkeypatch.setattr(generate_dashboard_alerts, "subjects", fail)
    assert CATALOG["generate_dashboard_alerts"].atomic
    with pytest.raises(RuntimeError):
        work()
    assert not Alert.objects.exists()
    monkeypatch.undo()
    assert work().queued == 2


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_open_and_tell_once() -> None:
    staff()
    uninsured(critical=True), late_payout()
    refresh(VIEW, now=MOMENT, timeout=MINUTE)
    start, results = threading.Barrier(2), []

    def one() -> None:
        try:
            start.wait(timeout=10)
            results.append(work())
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sum(result.changed.get("alerts opened", 0) for result in results) == 2
    assert sum(result.queued + result.withheld for result in results) == Notification.objects.count() == 4


@pytest.mark.django_db(transaction=True)
def test_no_refresh_puts_another_view_in_place_while_its_candidates_are_taken(other_connection: Any) -> None:
    refresh(VIEW, now=MOMENT, timeout=MINUTE)
    other_connection.execute("SET lock_timeout = '200ms'")
    with transaction.atomic():
        work()
        with pytest.raises(Exception, match="lock timeout"):
            other_connection.execute("UPDATE materialized_views SET moment = now()")


@pytest.mark.django_db(transaction=True)
def test_a_dry_run_opens_nothing_and_shows_its_rows_and_messages() -> None:
    staff()
    uninsured()
    AlertFactory.create()
    refresh(VIEW, now=MOMENT, timeout=MINUTE)
    report = run("generate_dashboard_alerts", now=MOMENT, trigger="command", dry_run=True)
    assert report.status == "success", report.error
    assert report.row_counts == {"alerts": {"insert": 1, "update": 2}}
    assert [(m.channel, m.template) for m in report.messages] == [("inapp", "alert.overdue_insurance")]
    assert Alert.objects.filter(status="open").count() == 1
    assert not Notification.objects.exists()


def test_the_number_of_statements_does_not_grow_with_the_candidates() -> None:
    staff()

    def statements(now: dt.datetime) -> int:
        refresh(VIEW, now=now, timeout=MINUTE)
        with CaptureQueriesContext(connection) as queries:
            work(now)
        return len(queries)

    for make in (uninsured, breached, clash):
        make(critical=True)
    few = statements(MOMENT)
    for _ in range(6):
        for make in (uninsured, breached, clash):
            make(critical=True)
    assert statements(MOMENT + 5 * MINUTE) <= few


def monitor(now: dt.datetime = MOMENT) -> JobResult:
    return CATALOG["sla_monitor"].run(now=now, progress=silent)


@pytest.mark.parametrize("critical", [False, True])
def test_the_leads_hear_of_a_late_ticket_once(critical: bool) -> None:
    staff()
    breached(critical=critical)
    monitor()
    channels = {channel for _, channel in sent()}
    assert channels >= set(generate_dashboard_alerts.CHANNELS["critical" if critical else "warning"]) - {
        "push"
    }  # she has no browser
    before = sent()
    result = generate()
    assert (result.queued, result.found["told by sla_monitor"]) == (0, 1)
    assert sent() == before
    assert generate(MOMENT + 5 * MINUTE).found.get("told by sla_monitor") is None


def test_what_grew_graver_after_sla_monitor_told_it_is_told() -> None:
    staff()
    ticket = breached()
    monitor()
    assert generate().queued == 0
    SupportTicket.objects.filter(pk=ticket).update(priority="critical")
    Alert.objects.update(severity="critical")  # as sla_monitor follows the priority, without a word
    assert generate(MOMENT + 5 * MINUTE).queued == 2
    assert sent("critical") == {("alert.sla_breach", "inapp"): 1, ("alert.sla_breach", "email"): 1}


def test_where_sla_monitor_told_no_lead_the_dashboard_does() -> None:
    breached()
    monitor()
    staff()
    assert generate().queued == 1


def test_what_sla_monitor_told_of_another_ticket_counts_for_that_one() -> None:
    staff()
    breached()
    monitor()
    breached()
    assert generate().queued == 1


HISTORY = """
INSERT INTO alerts (type, severity, entity_type, entity_id, summary, details, detected_at, acknowledged_by, status, resolved_at)
SELECT 'sla_breach', 'critical', 'support_ticket', n::text, '', '{}', now(), '', 'resolved', now()
FROM generate_series(1, 20000) AS n;
ANALYZE alerts;
"""


@pytest.mark.parametrize("news", [False, True])
def test_years_of_resolved_alerts_are_not_read(news: bool) -> None:
    staff()
    with connection.cursor() as cursor:
        cursor.execute(HISTORY)
    if news:
        for make, *_ in MAKE.values():
            make(critical=True)
    refresh(VIEW, now=MOMENT, timeout=MINUTE)
    with explained('"alerts"', "INTO alerts", "AS told") as plans:
        work()
    assert len(plans) > 1
    for plan in plans:
        assert "alerts" not in plan.whole_tables, plan
        assert plan.blocks < 400, plan


def test_a_run_that_finds_nothing_costs_a_few_statements(django_assert_num_queries: Any) -> None:
    staff()
    refresh(VIEW, now=MOMENT, timeout=MINUTE)
    with django_assert_num_queries(9):  # two savepoints among them
        work()


def test_the_checks_name_a_group_in_which_nobody_would_hear() -> None:
    StaffFactory.create(groups=("finance",))
    found = check_alert_groups(databases=["default"])
    assert [(message.id, "operations" in message.msg) for message in found] == [
        ("jobs.W004", True),
        ("jobs.W004", False),
    ]
    assert check_alert_groups() == []


def test_no_address_or_name_of_a_customer_gets_into_an_alert_or_a_message() -> None:
    staff()
    for make, *_ in MAKE.values():
        make(critical=True)
    generate()
    said = str(
        [*Alert.objects.values(), *Notification.objects.values("payload", "metadata", "idempotency_key")]
    )
    assert "@" not in said
    assert "LeBlanc" not in said
