"""The rules of the business records that PostgreSQL keeps: what each state brings with it, and what there is only one of."""

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from factory.django import DjangoModelFactory

from rentals.models import SupportTicket
from rentals.models.record import Record
from tests import business_factories, factories
from tests.business_factories import (
    DAY,
    MOMENT,
    AlertFactory,
    AuditEventFactory,
    ContractFactory,
    ContractReminderFactory,
    ContractSignerFactory,
    CustomerSegmentFactory,
    CustomerSegmentMemberFactory,
    EquipmentUtilizationFactory,
    InstallmentScheduleFactory,
    InsuranceDocumentFactory,
    InsuranceReminderFactory,
    MaintenanceAlertFactory,
    MaintenanceLogFactory,
    PayoutReconciliationFactory,
    PromoRuleFactory,
    SecurityIncidentFactory,
    SupportSlaFactory,
    SupportTicketFactory,
    TelematicsSnapshotFactory,
)
from tests.factories import EquipmentFactory, StaffFactory

pytestmark = pytest.mark.django_db
Factory = type[DjangoModelFactory[Any]]
FACTORIES: dict[Any, Factory] = {
    thing._meta.model: thing
    for module in (factories, business_factories)
    for thing in vars(module).values()
    if isinstance(thing, type) and issubclass(thing, DjangoModelFactory) and thing is not DjangoModelFactory
}


def refuse(constraint: str, factory: Factory, /, **fields: Any) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        factory.create(**fields)


def test_each_table_has_a_factory_whose_rows_pass() -> None:
    for model in Record.__subclasses__():
        row = FACTORIES[model].create()
        row.full_clean()


@pytest.mark.parametrize(
    ("factory", "field", "states"),
    [
        (MaintenanceLogFactory, "status", ["pending", "completed"]),
        (MaintenanceAlertFactory, "alert_type", ["hours_based", "calendar_based", "fault_code"]),
        (SupportTicketFactory, "status", ["open", "pending", "resolved", "closed"]),
        (InsuranceDocumentFactory, "status", ["pending", "verified", "rejected", "info_requested"]),
        (InsuranceReminderFactory, "status", ["pending", "sent", "cancelled"]),
        (PromoRuleFactory, "status", ["draft", "scheduled", "active", "expired"]),
        (ContractFactory, "status", ["draft", "sent", "signed", "expired", "voided"]),
        (ContractSignerFactory, "status", ["pending", "signed", "declined"]),
        (ContractReminderFactory, "status", ["pending", "sent", "cancelled"]),
        (InstallmentScheduleFactory, "status", ["pending", "paid", "overdue", "cancelled"]),
        (PayoutReconciliationFactory, "status", ["pending", "reconciled", "discrepancy"]),
        (AlertFactory, "status", ["open", "acknowledged", "resolved"]),
    ],
)
def test_each_state_of_the_domain_is_taken_and_no_other(
    factory: Factory, field: str, states: list[str]
) -> None:
    for state in states:
        factory.create(**{field: state}).full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        factory.create(**{field: "unheard-of"})


@pytest.mark.parametrize(
    ("name", "factory", "fields"),
    [
        ("maintenance_logs_performed_at", MaintenanceLogFactory, {"performed_at": None}),
        ("maintenance_logs_order", MaintenanceLogFactory, {"next_due_at": MOMENT - 60 * DAY}),
        ("maintenance_alerts_says_why", MaintenanceAlertFactory, {"threshold_value": None}),
        ("maintenance_alerts_withdrawn", MaintenanceAlertFactory, {"withdrawn": True}),
        (
            "maintenance_alerts_withdrawn",
            MaintenanceAlertFactory,
            {"alert_type": "fault_code", "withdrawn": True, "resolved_at": MOMENT},
        ),
        (
            "maintenance_alerts_says_why",
            MaintenanceAlertFactory,
            {"alert_type": "calendar_based", "due_at": None},
        ),
        (
            "maintenance_alerts_says_why",
            MaintenanceAlertFactory,
            {"alert_type": "fault_code", "fault_code": ""},
        ),
        ("telematics_snapshots_battery", TelematicsSnapshotFactory, {"battery_level": 101}),
        ("equipment_service_interval", EquipmentFactory, {"service_interval_hours": 0}),
        ("equipment_utilization_hours", EquipmentUtilizationFactory, {"rented_hours": 25.5}),
        ("support_tickets_resolved_at", SupportTicketFactory, {"status": "resolved", "resolved_at": None}),
        ("support_tickets_resolved_at", SupportTicketFactory, {"status": "open", "resolved_at": MOMENT}),
        ("support_sla_targets", SupportSlaFactory, {"target_resolution_minutes": 60}),
        ("support_sla_targets", SupportSlaFactory, {"target_response_minutes": 0}),
        (
            "insurance_documents_says_what",
            InsuranceDocumentFactory,
            {"status": "info_requested", "requested_info": []},
        ),
        ("insurance_reminders_sent_at", InsuranceReminderFactory, {"status": "sent", "sent_at": None}),
        ("promo_rules_order", PromoRuleFactory, {"end_at": MOMENT}),
        ("promo_rules_start_at", PromoRuleFactory, {"start_at": None}),
        ("promo_rules_discount", PromoRuleFactory, {"discount_value": 101}),
        ("promo_rules_announced_to", PromoRuleFactory, {"announce": True, "segment": None}),
        ("contracts_sent_at", ContractFactory, {"sent_at": None, "expires_at": MOMENT}),
        ("contracts_sent_at", ContractFactory, {"expires_at": None}),
        ("contracts_signed_at", ContractFactory, {"status": "signed", "signed_at": None}),
        ("contracts_order", ContractFactory, {"expires_at": MOMENT - 2 * DAY}),
        ("contract_signers_signed_at", ContractSignerFactory, {"status": "signed", "signed_at": None}),
        ("contract_reminders_sent_at", ContractReminderFactory, {"status": "sent", "sent_at": None}),
        ("installment_schedules_paid_at", InstallmentScheduleFactory, {"status": "paid", "paid_at": None}),
        ("installment_schedules_amount", InstallmentScheduleFactory, {"amount": 0}),
        ("installment_schedules_counts_from_one", InstallmentScheduleFactory, {"installment_number": 0}),
        ("payout_reconciliations_reconciled_at", PayoutReconciliationFactory, {"reconciled_at": None}),
        (
            "payout_reconciliations_expected",
            PayoutReconciliationFactory,
            {"status": "discrepancy", "expected_amount": None},
        ),
        ("customer_segments_has_filter", CustomerSegmentFactory, {"auto_refresh": True, "filter": {}}),
        ("alerts_resolved_at", AlertFactory, {"status": "resolved", "resolved_at": None}),
        ("alerts_acknowledged_at", AlertFactory, {"status": "acknowledged", "acknowledged_at": None}),
        (
            "alerts_acknowledged_by",
            AlertFactory,
            {"status": "acknowledged", "acknowledged_by": ""},
        ),
        ("audit_events_severity", AuditEventFactory, {"severity": "warning"}),
        (
            "security_incidents_resolved_by",
            SecurityIncidentFactory,
            {"resolved_at": MOMENT, "resolved_by": ""},
        ),
        ("security_incidents_says_of_what", SecurityIncidentFactory, {"evidence_key": ""}),
    ],
)
def test_a_row_that_contradicts_itself_is_refused(
    name: str, factory: Factory, fields: dict[str, Any]
) -> None:
    refuse(name, factory, **fields)


@pytest.mark.parametrize(
    ("name", "factory", "shared"),
    [
        ("telematics_snapshots_newest", TelematicsSnapshotFactory, ["equipment", "captured_at"]),
        ("equipment_utilization_once", EquipmentUtilizationFactory, ["equipment", "date"]),
        ("support_tickets_number", SupportTicketFactory, ["ticket_number"]),
        ("support_sla_ticket", SupportSlaFactory, ["ticket"]),
        (
            "insurance_reminders_once",
            InsuranceReminderFactory,
            ["document", "reminder_type", "scheduled_at"],
        ),
        ("contracts_number", ContractFactory, ["contract_number"]),
        ("contract_signers_once", ContractSignerFactory, ["contract", "signer_role", "signer_email"]),
        ("contract_reminders_once", ContractReminderFactory, ["contract", "scheduled_at"]),
        ("installment_schedules_number", InstallmentScheduleFactory, ["booking", "installment_number"]),
        ("payout_reconciliations_payout", PayoutReconciliationFactory, ["stripe_payout_id"]),
        ("customer_segments_name", CustomerSegmentFactory, ["name"]),
        ("customer_segment_members_once", CustomerSegmentMemberFactory, ["segment", "customer"]),
        ("security_incidents_once", SecurityIncidentFactory, ["evidence_key"]),
    ],
)
def test_there_is_one_of_each(name: str, factory: Factory, shared: list[str]) -> None:
    first = factory.create()
    same = {field: getattr(first, field) for field in shared}
    refuse(name, factory, **same)
    del same[shared[0]]
    factory.create(**same)  # another's


def test_an_alert_opens_again_only_after_it_was_resolved() -> None:
    of_what = {"type": "sla_breach", "entity_type": "support_ticket", "entity_id": "7"}
    alert = AlertFactory.create(**of_what)
    refuse("alerts_one_open", AlertFactory, **of_what)
    alert.status, alert.acknowledged_at, alert.acknowledged_by = "acknowledged", MOMENT, "staff:1"
    alert.save()
    refuse("alerts_one_open", AlertFactory, **of_what)
    alert.status, alert.resolved_at = "resolved", MOMENT
    alert.save()
    AlertFactory.create(**of_what)


@pytest.mark.parametrize(
    ("alert_type", "same", "other", "once"),
    [
        (
            "hours_based",
            {"threshold_value": 1250},
            {"threshold_value": 1500},
            "maintenance_alerts_hours_once",
        ),
        ("calendar_based", {"due_at": MOMENT}, {"due_at": MOMENT + DAY}, "maintenance_alerts_date_once"),
    ],
)
def test_a_service_that_is_due_is_told_once_for_all_time_unless_it_was_withdrawn(
    alert_type: str, same: dict[str, Any], other: dict[str, Any], once: str
) -> None:
    alert = MaintenanceAlertFactory.create(alert_type=alert_type, **same)
    of_what = {"equipment": alert.equipment, "alert_type": alert_type}
    refuse("maintenance_alerts_one_open", MaintenanceAlertFactory, **of_what, **other)
    alert.resolved_at = MOMENT
    alert.save()
    refuse(once, MaintenanceAlertFactory, **of_what, **same)
    alert.withdrawn = True
    alert.save()
    MaintenanceAlertFactory.create(**of_what, **same, resolved_at=MOMENT)
    refuse(once, MaintenanceAlertFactory, **of_what, **same)
    MaintenanceAlertFactory.create(**of_what, **other)


def test_a_fault_may_come_back_and_two_faults_are_two_alerts() -> None:
    fault = MaintenanceAlertFactory.create(alert_type="fault_code")
    of_what = {"equipment": fault.equipment, "alert_type": "fault_code"}
    MaintenanceAlertFactory.create(**of_what, fault_code="P0420")
    refuse("maintenance_alerts_fault_open", MaintenanceAlertFactory, **of_what)
    fault.resolved_at = MOMENT
    fault.save()
    MaintenanceAlertFactory.create(**of_what)


def test_a_cancelled_contract_reminder_leaves_its_moment_free() -> None:
    reminder = ContractReminderFactory.create(status="cancelled")
    ContractReminderFactory.create(contract=reminder.contract, scheduled_at=reminder.scheduled_at)


def test_a_day_of_25_hours_can_be_worked_through() -> None:
    EquipmentUtilizationFactory.create(date=dt.date(2026, 11, 1), rented_hours=25)


def test_a_ticket_outlives_the_account_of_its_assignee() -> None:
    staff = StaffFactory.create()
    ticket = SupportTicketFactory.create(assigned_to=staff)
    staff.delete()
    assert SupportTicket.objects.get(pk=ticket.pk).assigned_to is None
