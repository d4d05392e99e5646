"""Around its moment the sample business has something to do for each job, worked out here without the jobs' own code."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator

import pytest
from django.db.models import F, OuterRef, Q, Subquery
from pytest_django.plugin import DjangoDbBlocker

from rentals.models import (
    Contract,
    ContractReminder,
    Equipment,
    InsuranceDocument,
    InsuranceReminder,
    MaintenanceAlert,
    MaintenanceLog,
    PromoRule,
    SupportTicket,
    TelematicsSnapshot,
)
from rentals.sample import contracts, insurance, support
from rentals.sample.conditions import CONDITIONS, EVERY
from rentals.sample.load import load, tables
from rentals.sample.plan import Plan
from rentals.views import refresh
from tests.sample_business import AT, fetch, kept, make, one

pytestmark = pytest.mark.django_db

DAY = dt.timedelta(days=1)


@pytest.fixture(scope="module")
def plan(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Plan]:
    with kept(django_db_blocker, Plan(at=AT)) as plan:
        yield plan


@pytest.mark.usefixtures("plan")
def test_every_table_has_rows() -> None:
    assert [table for table in tables() if not one(f"SELECT count(*) FROM {table}")] == []


def test_a_business_without_bookings_or_staff_has_no_cases_and_is_made_all_the_same() -> None:
    rows = load(Plan(at=AT, customers=5, bookings=0, audit_events=0), replace=True, advance=int)
    assert {table for table, count in rows.items() if count} == {
        "customers", "customer_tags", "customer_tag_members", "customer_segments", "customer_segment_members",
        "equipment", "maintenance_logs", "maintenance_alerts", "telematics_snapshots", "promo_rules",
    }  # fmt: skip


# ── Instalments ─────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    "moment", ["2026-11-20T15:00", "2026-11-21T03:00", "2026-03-08T12:00", "2028-02-29T15:00"]
)
def test_as_many_instalments_are_due_as_bookings_and_each_milestone_has_its_share(moment: str) -> None:
    plan = make(replace=True, at=dt.datetime.fromisoformat(moment).replace(tzinfo=dt.UTC), bookings=3000)
    days = fetch(
        "SELECT part.due_date - (%s::timestamptz AT TIME ZONE customer.timezone)::date"
        " FROM installment_schedules part JOIN bookings booking ON booking.id = part.booking_id"
        " JOIN customers customer ON customer.id = booking.customer_id"
        " WHERE part.status IN ('pending', 'overdue') AND booking.status <> 'cancelled'",
        plan.at,
    )
    due = Counter(day for (day,) in days if -20 <= day <= 4)
    assert set(due) == {3, 0, -1, -7, -14}
    assert sum(due.values()) == plan.due
    assert max(due.values()) - min(due.values()) <= 1


def test_instalments_are_half_as_many_as_bookings() -> None:
    plan = make(replace=True, bookings=4000)
    assert one("SELECT count(*) FROM installment_schedules") == 2 * -(-plan.ordinary // 4)


# ── Insurance ───────────────────────────────────────────────────────────────────────────────────────────
def test_documents_run_out_in_7_and_3_days_and_today_of_bookings_that_stand(plan: Plan) -> None:
    days = fetch(
        "SELECT (document.expires_at AT TIME ZONE customer.timezone)::date"
        "     - (%s::timestamptz AT TIME ZONE customer.timezone)::date AS days, count(*)"
        " FROM insurance_documents document JOIN bookings booking ON booking.id = document.booking_id"
        " JOIN customers customer ON customer.id = booking.customer_id"
        " WHERE document.status = 'verified' AND booking.status IN ('pending', 'confirmed', 'active')"
        " GROUP BY 1",
        plan.at,
    )
    within = {day: count for day, count in days if 0 <= day <= 7}
    assert set(within) == {0, 3, 7}


@pytest.mark.usefixtures("plan")
def test_documents_lack_something_and_some_that_did_were_replaced_or_completed() -> None:
    newer = InsuranceDocument.objects.filter(
        booking=OuterRef("booking"),
        document_type=OuterRef("document_type"),
        created_at__gt=OuterRef("created_at"),
    )
    asked = InsuranceDocument.objects.filter(status="info_requested").annotate(
        newer=Subquery(newer.values("pk")[:1])
    )
    assert asked.filter(newer=None).exists()
    assert asked.exclude(newer=None).exists()
    planned = InsuranceReminder.objects.filter(status="pending")
    assert set(planned.values_list("document__status", flat=True)) == {"verified"}


# ── Contracts ───────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.usefixtures("plan")
def test_contracts_expire_in_3_days_and_in_1_and_have_signers_who_have_not_signed() -> None:
    waiting = Contract.objects.filter(status="sent", signers__status="pending").distinct()
    soon = waiting.filter(expires_at__range=(AT, AT + DAY))
    later = waiting.filter(expires_at__range=(AT + 2 * DAY, AT + 3 * DAY))
    assert soon.exists()
    assert later.exists()
    assert not waiting.filter(expires_at__range=(AT + DAY, AT + 2 * DAY)).exists()


@pytest.mark.usefixtures("plan")
def test_planned_reminders_are_due_of_contracts_that_wait_and_of_some_that_do_not() -> None:
    due = ContractReminder.objects.filter(status="pending", scheduled_at__lte=AT)
    assert set(due.values_list("contract__status", flat=True)) == {"sent", "signed", "voided"}
    assert ContractReminder.objects.filter(status="pending", scheduled_at__gt=AT).exists()
    half = due.filter(contract__status="sent", contract__signers__status="signed")
    assert half.exists()
    assert not half.exclude(contract__signers__status="pending").exists()


# ── Machines ────────────────────────────────────────────────────────────────────────────────────────────
def wanting() -> Counter[str]:
    """Machines by what they want, from their newest service and reading."""
    done = MaintenanceLog.objects.filter(equipment=OuterRef("pk"), status="completed").order_by(
        "-performed_at"
    )
    read = TelematicsSnapshot.objects.filter(equipment=OuterRef("pk")).order_by("-captured_at")
    machines = (
        Equipment.objects.exclude(status="retired")
        .exclude(maintenance_status="out_of_service")
        .annotate(
            next_due_at=Subquery(done.values("next_due_at")[:1]),
            past=Subquery(read.values("engine_hours")[:1])
            - Subquery(done.values("engine_hours")[:1])
            - F("service_interval_hours"),
            faults=Subquery(read.values("fault_codes")[:1]),
        )
    )
    found: Counter[str] = Counter()
    for machine in machines:
        found["date_passed"] += machine.next_due_at < AT
        found["date_near"] += AT <= machine.next_due_at < AT + 14 * DAY
        found["hours_passed"] += machine.past >= 0
        found["hours_near"] += -25 < machine.past < 0
        found["fault"] += bool(machine.faults)
    return found


def test_machines_are_due_by_date_by_hours_and_by_what_they_report(plan: Plan) -> None:
    each = len([number for number in range(plan.units - plan.spare_units) if number % EVERY == 0])
    assert each > 1
    # The second whose date has passed was told of before.
    assert wanting() == Counter(
        date_passed=2 * each, date_near=each, hours_passed=each, hours_near=each, fault=each
    )
    told = MaintenanceAlert.objects.filter(resolved_at=None, equipment__maintenance_status="overdue")
    assert told.count() == each
    assert MaintenanceLog.objects.filter(status="pending", next_due_at__lt=AT).count() == each
    assert MaintenanceLog.objects.filter(status="pending", next_due_at__gt=AT + 30 * DAY).count() == each
    assert len(CONDITIONS) < EVERY


@pytest.mark.usefixtures("plan")
def test_an_alert_of_a_machine_that_was_serviced_since_is_still_open() -> None:
    done = MaintenanceLog.objects.filter(equipment=OuterRef("equipment"), status="completed").order_by(
        "-performed_at"
    )
    alerts = MaintenanceAlert.objects.filter(resolved_at=None).annotate(
        next_due_at=Subquery(done.values("next_due_at")[:1])
    )
    assert alerts.filter(next_due_at__gt=F("due_at")).exists()
    # One that is open speaks of the date that is due now.
    assert alerts.filter(next_due_at=F("due_at")).exists()


# ── Support ─────────────────────────────────────────────────────────────────────────────────────────────
def shares(ticket: SupportTicket) -> tuple[float, float]:
    """How much of each target has passed; of the first none, once somebody has answered."""
    response, resolution = support.TARGETS[ticket.priority]
    age = (AT - ticket.created_at).total_seconds() / 60
    return (0 if ticket.first_response_at else age / response), age / resolution


@pytest.mark.parametrize("priority", list(support.TARGETS))
@pytest.mark.usefixtures("plan")
def test_of_each_priority_tickets_are_near_and_past_each_target(priority: str) -> None:
    tickets = SupportTicket.objects.filter(priority=priority, status__in=["open", "pending"])
    clocks = [shares(ticket) for ticket in tickets]
    assert sum(0.8 <= response < 1 for response, _ in clocks) == 2
    assert sum(response >= 1 for response, _ in clocks) == 1
    assert sum(response < 0.8 and 0.8 <= resolution < 1 for response, resolution in clocks) == 1
    assert sum(resolution >= 1 for _, resolution in clocks) == 1
    assert sum(response < 0.8 and resolution < 0.8 for response, resolution in clocks) == 2
    assert tickets.filter(sla=None).count() == 1
    assert tickets.filter(assigned_to__isnull=False).exists()


def test_promises_are_those_of_the_priority_and_the_history_says_which_were_broken() -> None:
    make(replace=True, bookings=4000)
    for priority, targets in support.TARGETS.items():
        rows = fetch(
            "SELECT DISTINCT target_response_minutes, target_resolution_minutes FROM support_sla WHERE priority = %s",
            priority,
        )
        assert rows == [targets]
    wrong = (
        "SELECT count(*) FROM support_sla sla JOIN support_tickets ticket ON ticket.id = sla.ticket_id"
        " WHERE ticket.resolved_at IS NOT NULL AND ticket.status = 'closed' AND ("
        "  sla.breached_response <> (sla.first_response_at > ticket.created_at + target_response_minutes * interval '1 minute')"
        "  OR sla.breached_resolution <> (sla.resolved_at > ticket.created_at + target_resolution_minutes * interval '1 minute'))"
    )
    assert one(wrong) == 0
    assert one("SELECT count(*) FROM support_sla WHERE breached_response") > 0
    assert one("SELECT count(*) FROM support_sla WHERE breached_resolution AND NOT breached_response") > 0
    assert one("SELECT count(*) FROM support_tickets WHERE assigned_to_id IS NULL AND status = 'open'") > 0


# ── Promotions ──────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.usefixtures("plan")
def test_promotions_begin_and_end_and_one_is_announced_to_readers_who_agreed() -> None:
    begins = PromoRule.objects.filter(status="scheduled", start_at__lte=AT).filter(
        Q(end_at=None) | Q(end_at__gt=AT)
    )
    assert set(begins.values_list("announce", flat=True)) == {True, False}
    assert PromoRule.objects.filter(status="active", end_at__lte=AT).count() == 1
    assert PromoRule.objects.filter(status="scheduled", end_at__lte=AT).count() == 1
    assert PromoRule.objects.filter(status="scheduled", start_at__gt=AT).exists()
    agreed = (
        "SELECT count(*) FROM promo_rules promo JOIN customer_segment_members member USING (segment_id)"
        " JOIN customer_consent consent ON consent.customer_id = member.customer_id::text"
        " WHERE promo.announce AND promo.status = 'scheduled' AND consent.category = 'marketing' AND consent.enabled"
    )
    assert one(agreed) > 0


# ── Alerts ──────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.usefixtures("plan")
def test_all_six_kinds_of_alert_have_candidates_of_each_severity_they_know() -> None:
    refresh("mv_alert_candidates", now=AT, timeout=dt.timedelta(minutes=1))
    found = {
        (kind, severity) for kind, severity in fetch("SELECT alert_type, severity FROM mv_alert_candidates")
    }
    assert found == {
        ("low_utilization", "info"),
        ("overdue_insurance", "warning"),
        ("overdue_insurance", "critical"),
        ("sla_breach", "warning"),
        ("sla_breach", "critical"),
        ("payout_delay", "warning"),
        ("payout_delay", "critical"),
        ("booking_conflict", "warning"),
        ("booking_conflict", "critical"),
        ("payment_failure_spike", "critical"),
    }


@pytest.mark.usefixtures("plan")
def test_of_the_alerts_that_are_open_one_still_holds_and_one_does_not() -> None:
    refresh("mv_alert_candidates", now=AT, timeout=dt.timedelta(minutes=1))
    holds = fetch(
        "SELECT EXISTS (SELECT FROM mv_alert_candidates c WHERE (c.alert_type, c.entity_type, c.entity_id)"
        " = (alert.type, alert.entity_type, alert.entity_id)) FROM alerts alert WHERE status = 'open' ORDER BY 1"
    )
    assert holds == [(False,), (True,)]


def test_the_candidates_do_not_grow_with_what_is_due() -> None:
    plan = make(replace=True, bookings=8000)
    refresh("mv_alert_candidates", now=AT, timeout=dt.timedelta(minutes=1))
    assert one("SELECT count(*) FROM mv_alert_candidates") < plan.due


def test_every_case_is_in_a_business_of_the_usual_size(plan: Plan) -> None:
    far_off = one(
        "SELECT count(*) FROM bookings WHERE status = 'confirmed' AND start_date > %s", plan.today() + 4 * DAY
    )
    wanted = max(len(insurance.CASES), len(contracts.CASES))
    assert min(far_off, plan.cases) >= wanted
    assert Contract.objects.filter(status="draft").exists()
