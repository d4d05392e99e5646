"""The other business records for tests: in, what a test cares about; out, saved rows that pass all constraints.

A state brings what it needs: `ContractFactory(status="signed")` has its `sent_at`, `expires_at` and `signed_at`. The moments
lie around the tests' `moment`, 2026-11-20 15:00 UTC, so that nothing is due about them unless a test says so.
"""

import datetime as dt
from decimal import Decimal

from factory.declarations import LazyAttribute, Sequence, SubFactory
from factory.django import DjangoModelFactory

from rentals.models import (
    Alert,
    AuditEvent,
    Contract,
    ContractEvent,
    ContractReminder,
    ContractSigner,
    CustomerSegment,
    CustomerSegmentMember,
    EquipmentUtilization,
    InstallmentSchedule,
    InsuranceActivity,
    InsuranceDocument,
    InsuranceReminder,
    MaintenanceAlert,
    MaintenanceLog,
    PayoutReconciliation,
    PromoRule,
    SecurityIncident,
    SupportSla,
    SupportTicket,
    TelematicsSnapshot,
)
from tests.factories import BookingFactory, CustomerFactory, EquipmentFactory

MOMENT = dt.datetime(2026, 11, 20, 15, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


def _when(at: dt.datetime, *statuses: str) -> LazyAttribute:
    """The moment for rows in one of these states, else nothing."""
    return LazyAttribute(lambda row: at if row.status in statuses else None)


class MaintenanceLogFactory(DjangoModelFactory[MaintenanceLog]):
    """A service done 30 days ago; the next is due in 150 days."""

    class Meta:
        model = MaintenanceLog

    equipment = SubFactory(EquipmentFactory)
    status = "completed"
    performed_at = _when(MOMENT - 30 * DAY, "completed")
    next_due_at = MOMENT + 150 * DAY
    engine_hours = LazyAttribute(lambda log: Decimal("1000.0") if log.status == "completed" else None)


class MaintenanceAlertFactory(DjangoModelFactory[MaintenanceAlert]):
    class Meta:
        model = MaintenanceAlert

    equipment = SubFactory(EquipmentFactory)
    alert_type = "hours_based"
    threshold_value = LazyAttribute(lambda a: Decimal("1250.0") if a.alert_type == "hours_based" else None)
    due_at = LazyAttribute(lambda a: MOMENT if a.alert_type == "calendar_based" else None)
    fault_code = LazyAttribute(lambda a: "P0217" if a.alert_type == "fault_code" else "")
    triggered_at = MOMENT


class TelematicsSnapshotFactory(DjangoModelFactory[TelematicsSnapshot]):
    class Meta:
        model = TelematicsSnapshot

    equipment = SubFactory(EquipmentFactory)
    captured_at = MOMENT
    engine_hours = Decimal("1100.0")
    battery_level = 92


class EquipmentUtilizationFactory(DjangoModelFactory[EquipmentUtilization]):
    class Meta:
        model = EquipmentUtilization

    equipment = SubFactory(EquipmentFactory)
    date = dt.date(2026, 11, 19)
    rented_hours = Decimal("8.00")
    revenue = Decimal("420.00")


class SupportTicketFactory(DjangoModelFactory[SupportTicket]):
    """An open ticket of a minute ago. Name `created_at` for an older one."""

    class Meta:
        model = SupportTicket

    ticket_number = Sequence(lambda n: f"T-{n:06d}")
    customer = SubFactory(CustomerFactory)
    subject = "The bucket does not tilt"
    priority = "normal"
    status = "open"
    first_response_at = None
    created_at = MOMENT - dt.timedelta(minutes=1)
    resolved_at = _when(MOMENT, "resolved", "closed")


class SupportSlaFactory(DjangoModelFactory[SupportSla]):
    """The promise for a normal ticket: an answer in 8 hours, a solution in 72."""

    class Meta:
        model = SupportSla

    ticket = SubFactory(SupportTicketFactory)
    priority = LazyAttribute(lambda sla: sla.ticket.priority)
    target_response_minutes = 8 * 60
    target_resolution_minutes = 72 * 60
    first_response_at = LazyAttribute(lambda sla: sla.ticket.first_response_at)
    resolved_at = LazyAttribute(lambda sla: sla.ticket.resolved_at)


class InsuranceDocumentFactory(DjangoModelFactory[InsuranceDocument]):
    """A verified document that holds for another half year."""

    class Meta:
        model = InsuranceDocument

    booking = SubFactory(BookingFactory)
    document_type = "liability"
    status = "verified"
    expires_at = MOMENT + 180 * DAY
    requested_info = LazyAttribute(
        lambda document: ["policy_number"] if document.status == "info_requested" else []
    )
    created_at = MOMENT - 10 * DAY


class InsuranceReminderFactory(DjangoModelFactory[InsuranceReminder]):
    class Meta:
        model = InsuranceReminder

    document = SubFactory(InsuranceDocumentFactory)
    reminder_type = "expiry"
    scheduled_at = MOMENT + 7 * DAY
    sent_at = _when(MOMENT, "sent")
    status = "pending"


class InsuranceActivityFactory(DjangoModelFactory[InsuranceActivity]):
    class Meta:
        model = InsuranceActivity

    document = SubFactory(InsuranceDocumentFactory)
    action = "submitted"
    actor = "staff:1"


class CustomerSegmentFactory(DjangoModelFactory[CustomerSegment]):
    class Meta:
        model = CustomerSegment

    name = Sequence(lambda n: f"segment {n}")
    auto_refresh = False
    filter = LazyAttribute(
        lambda segment: (
            {"logic": "and", "conditions": [{"field": "riskScore", "operator": "lt", "value": 50}]}
            if segment.auto_refresh
            else {}
        )
    )


class CustomerSegmentMemberFactory(DjangoModelFactory[CustomerSegmentMember]):
    class Meta:
        model = CustomerSegmentMember

    segment = SubFactory(CustomerSegmentFactory)
    customer = SubFactory(CustomerFactory)


class PromoRuleFactory(DjangoModelFactory[PromoRule]):
    """Ten per cent for two weeks, from a week ahead. One to be announced has a segment."""

    class Meta:
        model = PromoRule

    name = Sequence(lambda n: f"promotion {n}")
    status = "scheduled"
    start_at = MOMENT + 7 * DAY
    end_at = LazyAttribute(lambda rule: rule.start_at + 14 * DAY if rule.start_at else None)
    discount_value = Decimal("10.00")
    announce = False
    segment = LazyAttribute(lambda rule: CustomerSegmentFactory.create() if rule.announce else None)


class ContractFactory(DjangoModelFactory[Contract]):
    """A contract sent yesterday, to be signed within ten days."""

    class Meta:
        model = Contract

    booking = SubFactory(BookingFactory)
    contract_number = Sequence(lambda n: f"C-{n:06d}")
    status = "sent"
    sent_at = _when(MOMENT - DAY, "sent", "signed", "expired")
    expires_at = LazyAttribute(lambda contract: contract.sent_at + 10 * DAY if contract.sent_at else None)
    signed_at = _when(MOMENT, "signed")


class ContractSignerFactory(DjangoModelFactory[ContractSigner]):
    class Meta:
        model = ContractSigner

    contract = SubFactory(ContractFactory)
    signer_role = "customer"
    signer_name = "Marie LeBlanc"
    signer_email = Sequence(lambda n: f"signer{n}@example.com")
    status = "pending"
    signed_at = _when(MOMENT, "signed")


class ContractReminderFactory(DjangoModelFactory[ContractReminder]):
    class Meta:
        model = ContractReminder

    contract = SubFactory(ContractFactory)
    scheduled_at = MOMENT + DAY
    status = "pending"
    sent_at = _when(MOMENT, "sent")


class ContractEventFactory(DjangoModelFactory[ContractEvent]):
    class Meta:
        model = ContractEvent

    contract = SubFactory(ContractFactory)
    event_type = "sent"
    occurred_at = MOMENT - DAY


class InstallmentScheduleFactory(DjangoModelFactory[InstallmentSchedule]):
    """A part that is due in three weeks."""

    class Meta:
        model = InstallmentSchedule

    booking = SubFactory(BookingFactory)
    installment_number = Sequence(lambda n: n % 1000 + 1)
    due_date = dt.date(2026, 12, 11)
    amount = Decimal("400.00")
    status = "pending"
    paid_at = _when(MOMENT, "paid")


class PayoutReconciliationFactory(DjangoModelFactory[PayoutReconciliation]):
    """A payout of yesterday that agrees with our payments."""

    class Meta:
        model = PayoutReconciliation

    stripe_payout_id = Sequence(lambda n: f"po_{n:06d}")
    arrival_date = dt.date(2026, 11, 19)
    amount = Decimal("485.20")
    status = "reconciled"
    expected_amount = LazyAttribute(lambda payout: None if payout.status == "pending" else payout.amount)
    reconciled_by = LazyAttribute(
        lambda payout: "job:payout_reconciliation" if payout.status == "reconciled" else ""
    )
    reconciled_at = _when(MOMENT, "reconciled")


class AlertFactory(DjangoModelFactory[Alert]):
    class Meta:
        model = Alert

    type = "low_utilization"
    severity = "warning"
    entity_type = "equipment"
    entity_id = Sequence(lambda n: f"entity-{n}")
    detected_at = MOMENT
    status = "open"
    acknowledged_at = _when(MOMENT, "acknowledged")
    acknowledged_by = LazyAttribute(lambda alert: "staff:1" if alert.acknowledged_at else "")
    resolved_at = _when(MOMENT, "resolved")


class AuditEventFactory(DjangoModelFactory[AuditEvent]):
    class Meta:
        model = AuditEvent

    event_type = "auth.login"
    actor_id = "staff:1"
    actor_role = "admin"
    action = "login"
    ip_address = "203.0.113.7"
    session_id = "session-1"
    occurred_at = MOMENT


class SecurityIncidentFactory(DjangoModelFactory[SecurityIncident]):
    class Meta:
        model = SecurityIncident

    incident_type = "failed_login_burst"
    severity = "high"
    description = "30 failed logins within 10 minutes."
    evidence_key = Sequence(lambda n: f"failed_login_burst:{n}")
    detected_at = MOMENT
    resolved_at = None
    resolved_by = LazyAttribute(lambda incident: "staff:1" if incident.resolved_at else "")
