"""The questions that twelve jobs ask of long tables, and the index that answers each: no table is read from end to end."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.db import connection
from django.db.models import OuterRef, QuerySet, Subquery

from rentals.models import (
    Alert,
    AuditEvent,
    Contract,
    ContractReminder,
    Equipment,
    InstallmentSchedule,
    InsuranceDocument,
    InsuranceReminder,
    MaintenanceAlert,
    MaintenanceLog,
    Payment,
    PayoutReconciliation,
    PromoRule,
    SupportSla,
    SupportTicket,
    TelematicsSnapshot,
    ViewRefreshRequest,
)
from tests.business_factories import DAY, MOMENT
from tests.factories import BookingFactory, EquipmentFactory
from tests.plan_reader import explained

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("swept")]
TODAY = MOMENT.date()
AGO = "timestamptz '2026-11-20 15:00Z' - n * interval '1 hour'"
# 6,000 hours back, of which a thirtieth is not settled yet.
HISTORY = f"""
INSERT INTO telematics_snapshots (equipment_id, captured_at, engine_hours, fault_codes)
    SELECT machines.id, {AGO}, 100000 - n, '{{}}'
    FROM (SELECT id FROM equipment LIMIT 20) AS machines, generate_series(1, 300) AS n;
INSERT INTO maintenance_logs (equipment_id, maintenance_type, status, performed_at, next_due_at, technician, notes, cost)
    SELECT machines.id, 'routine', 'completed', {AGO}, timestamptz '2030-01-01', '', '', 0
    FROM (SELECT id FROM equipment LIMIT 20) AS machines, generate_series(1, 300) AS n;
INSERT INTO maintenance_alerts (equipment_id, alert_type, due_at, fault_code, triggered_at, resolved_at)
    SELECT (SELECT id FROM equipment LIMIT 1), 'calendar_based', {AGO}, '', {AGO},
        CASE WHEN n > 1 THEN now() END FROM generate_series(1, 6000) AS n;
INSERT INTO installment_schedules (booking_id, installment_number, due_date, amount, status, paid_at)
    SELECT booking, n, ({AGO})::date, 1, CASE WHEN n > 200 THEN 'paid' ELSE 'pending' END, CASE WHEN n > 200 THEN now() END
    FROM generate_series(1, 6000) AS n;
INSERT INTO payments
    (booking_id, created_at, amount, currency, status, payment_method, stripe_payment_intent_id, stripe_charge_id, payout_id)
    SELECT booking, {AGO}, 1, 'CAD', 'completed', 'card', '', 'ch_' || n, 'po_' || n / 10 FROM generate_series(1, 6000) AS n;
INSERT INTO support_tickets (ticket_number, customer_id, subject, priority, status, created_at, resolved_at)
    SELECT n, customer, '', 'low', CASE WHEN n > 200 THEN 'closed' ELSE 'open' END, {AGO}, CASE WHEN n > 200 THEN now() END
    FROM generate_series(1, 6000) AS n;
INSERT INTO support_sla
    (ticket_id, priority, target_response_minutes, target_resolution_minutes, resolved_at, breached_response, breached_resolution)
    SELECT id, priority, 60, 240, resolved_at, false, false FROM support_tickets;
INSERT INTO insurance_documents (booking_id, document_type, status, expires_at, requested_info, created_at)
    SELECT booking, 'liability', CASE WHEN n > 200 THEN 'verified' ELSE 'info_requested' END, {AGO}, '["x"]', {AGO}
    FROM generate_series(1, 6000) AS n;
INSERT INTO insurance_reminders (document_id, reminder_type, scheduled_at, status, sent_at)
    SELECT id, 'expiry', expires_at, CASE WHEN status = 'verified' THEN 'sent' ELSE 'pending' END,
        CASE WHEN status = 'verified' THEN now() END FROM insurance_documents;
INSERT INTO contracts (booking_id, contract_number, status, created_at, sent_at, expires_at, signed_at)
    SELECT booking, n, CASE WHEN n > 200 THEN 'signed' ELSE 'sent' END, {AGO}, {AGO}, {AGO} + interval '4 days',
        CASE WHEN n > 200 THEN {AGO} END FROM generate_series(1, 6000) AS n;
INSERT INTO contract_reminders (contract_id, scheduled_at, status, sent_at)
    SELECT id, expires_at, CASE WHEN status = 'signed' THEN 'sent' ELSE 'pending' END, signed_at FROM contracts;
INSERT INTO promo_rules (name, status, start_at, end_at, priority, stackable, discount_type, discount_value, announce)
    SELECT n, CASE WHEN n > 200 THEN 'expired' WHEN n > 100 THEN 'active' ELSE 'scheduled' END, {AGO}, {AGO} + interval '4 days',
        0, false, 'fixed', 1, false FROM generate_series(1, 6000) AS n;
INSERT INTO payout_reconciliations
    (stripe_payout_id, arrival_date, amount, expected_amount, currency, status, details, reconciled_by, reconciled_at)
    SELECT 'po_' || n, ({AGO})::date, 1, 1, 'CAD', CASE WHEN n > 200 THEN 'reconciled' ELSE 'pending' END, '{{}}', '',
        CASE WHEN n > 200 THEN now() END FROM generate_series(1, 6000) AS n;
INSERT INTO alerts (type, severity, entity_type, entity_id, summary, details, detected_at, acknowledged_by, resolved_at, status)
    SELECT 'sla_breach', 'info', 'support_ticket', n, '', '{{}}', {AGO}, '', CASE WHEN n > 200 THEN now() END,
        CASE WHEN n > 200 THEN 'resolved' ELSE 'open' END FROM generate_series(1, 6000) AS n;
INSERT INTO audit_events (event_type, actor_id, actor_role, resource_type, resource_id, action, severity, metadata,
        user_agent, session_id, occurred_at)
    SELECT 'secret.read', 'staff:' || n % 50, '', '', '', '', 'low', '{{}}', '', '', {AGO}
    FROM generate_series(1, 6000) AS n;
INSERT INTO view_refresh_requests (view_name, requested_at, source_table)
    SELECT 'mv_' || n % 8, {AGO}, 'bookings' FROM generate_series(1, 6000) AS n;
ANALYZE;
"""


def newest(rows: QuerySet[Any], column: str) -> QuerySet[Equipment]:
    return Equipment.objects.annotate(
        newest=Subquery(rows.filter(equipment=OuterRef("pk")).order_by(f"-{column}").values(column)[:1])
    )


def hours(count: int) -> tuple[dt.datetime, dt.datetime]:
    return MOMENT - dt.timedelta(hours=count), MOMENT


CASES: Mapping[str, tuple[str, Callable[[], QuerySet[Any]]]] = {
    "newest reading of each machine": (
        "telematics_snapshots_newest",
        lambda: newest(TelematicsSnapshot.objects.all(), "captured_at"),
    ),
    "newest service of each machine": (
        "maintenance_logs_newest",
        lambda: newest(MaintenanceLog.objects.filter(status="completed"), "performed_at"),
    ),
    "open maintenance alerts": (
        "maintenance_alerts_open",
        lambda: MaintenanceAlert.objects.filter(resolved_at__isnull=True).order_by("triggered_at"),
    ),
    "unpaid instalments that are due": (
        "installment_schedules_unpaid",
        lambda: InstallmentSchedule.objects.filter(
            status__in=["pending", "overdue"], due_date__range=(TODAY - 14 * DAY, TODAY + 3 * DAY)
        ),
    ),
    "a charge": ("payments_stripe_charge", lambda: Payment.objects.filter(stripe_charge_id="ch_77")),
    "the payments of a payout": ("payments_payout", lambda: Payment.objects.filter(payout_id="po_77")),
    "recent payments": ("payments_latest", lambda: Payment.objects.filter(created_at__range=hours(48))),
    "open tickets": (
        "support_tickets_open",
        lambda: SupportTicket.objects.filter(status__in=["open", "pending"]),
    ),
    "running clocks": (
        "support_sla_running",
        lambda: SupportSla.objects.filter(resolved_at__isnull=True).order_by("ticket_id"),
    ),
    "documents that run out": (
        "insurance_documents_expiry",
        lambda: InsuranceDocument.objects.filter(
            status__in=["pending", "verified", "info_requested"], expires_at__range=hours(48)
        ),
    ),
    "documents that lack something": (
        "insurance_documents_missing",
        lambda: InsuranceDocument.objects.filter(status="info_requested"),
    ),
    "insurance reminders that are due": (
        "insurance_reminders_due",
        lambda: InsuranceReminder.objects.filter(status="pending", scheduled_at__lte=MOMENT),
    ),
    "contracts that expire": (
        "contracts_waiting",
        lambda: Contract.objects.filter(status="sent", expires_at__lte=MOMENT + 3 * DAY),
    ),
    "contract reminders that are due": (
        "contract_reminders_due",
        lambda: ContractReminder.objects.filter(status="pending", scheduled_at__lte=MOMENT),
    ),
    "promotions that begin": (
        "promo_rules_begin",
        lambda: PromoRule.objects.filter(status="scheduled", start_at__lte=MOMENT),
    ),
    "promotions that end": (
        "promo_rules_end",
        lambda: PromoRule.objects.filter(status="active", end_at__lte=MOMENT),
    ),
    "newest payout": (
        "payout_reconciliations_latest",
        lambda: PayoutReconciliation.objects.order_by("-arrival_date", "-id")[:1],
    ),
    "payouts to settle": (
        "payout_reconciliations_open",
        lambda: PayoutReconciliation.objects.filter(status__in=["pending", "discrepancy"]),
    ),
    "an open alert of this matter": (
        "alerts_one_open",
        lambda: Alert.objects.exclude(status="resolved").filter(
            type="sla_breach", entity_type="support_ticket", entity_id="7"
        ),
    ),
    "audit events of an hour": (
        "audit_events_latest",
        lambda: AuditEvent.objects.filter(occurred_at__range=hours(1)),
    ),
    "what an actor did before": (
        "audit_events_of_actor",
        lambda: AuditEvent.objects.filter(
            actor_id="staff:7", event_type="secret.read", occurred_at__lt=MOMENT - DAY
        ).order_by(),
    ),
    "a young request": (
        "view_refresh_requests_pending",
        lambda: ViewRefreshRequest.objects.filter(view_name="mv_1", requested_at__gt=MOMENT - DAY),
    ),
}


@pytest.fixture
def history() -> None:
    booking = BookingFactory.create()
    EquipmentFactory.create_batch(20)
    script = HISTORY.replace("SELECT booking,", f"SELECT '{booking.pk}'::uuid,").replace(
        "customer, ''", f"'{booking.customer_id}'::uuid, ''"
    )
    with connection.cursor() as cursor:
        cursor.execute(script)


@pytest.mark.usefixtures("history")
def test_each_question_has_its_index() -> None:
    faults = []
    for name, (index, ask) in CASES.items():
        rows = ask()
        with explained(rows.model._meta.db_table) as plans:
            assert list(rows), name
        [plan] = plans
        if index not in plan.indexes or plan.whole_tables - {"equipment"}:
            faults.append(f"{name}:\n{plan}")
    assert faults == [], "\n".join(faults)
