"""One row of everything that the admin shows, with a word in it that must not get out: in, a test database; out, the rows."""

import uuid
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.utils import timezone
from django_q.models import Schedule, Task

from config.models import AuditEntry
from consent.models import ConsentEvent, CustomerConsent, Suppression
from jobs.models import JobRun
from notifications.models import BulkAct, ChannelState, DataRequest, NotificationHistory, ServiceToken
from rentals.models import Customer, ViewState
from tests.business_factories import (
    AlertFactory,
    AuditEventFactory,
    ContractEventFactory,
    ContractReminderFactory,
    ContractSignerFactory,
    CustomerSegmentMemberFactory,
    EquipmentUtilizationFactory,
    InstallmentScheduleFactory,
    InsuranceActivityFactory,
    InsuranceReminderFactory,
    MaintenanceAlertFactory,
    MaintenanceLogFactory,
    PayoutReconciliationFactory,
    PromoRuleFactory,
    SecurityIncidentFactory,
    SupportSlaFactory,
    TelematicsSnapshotFactory,
)
from tests.factories import BookingFactory, CustomerFactory
from tests.notification_factories import (
    DeliveryAttemptFactory,
    InboxItemFactory,
    NotificationFactory,
    ProviderEventFactory,
    PushSubscriptionFactory,
)

SECRET = "quokka"


def make_every_row() -> dict[type[Model], Model]:
    """A row of each model of the admin. Needs the fixture `templates`, which brings those of `templates_app`."""
    now = timezone.now()
    customer = CustomerFactory.create(last_name=SECRET, email=f"{SECRET}@example.com")
    said: dict[str, Any] = {
        "customer_id": SECRET,
        "channel": "email",
        "category": "marketing",
        "source": "admin",
    }
    olive = User.objects.create_user(f"{SECRET}-user", email=f"{SECRET}@staff.example")
    notification = NotificationFactory.create(
        status="failed",
        error=f"500: {SECRET}",
        payload={"amount": SECRET},
        to={"customer_id": str(customer.pk)},
    )
    rows: list[Model] = [
        notification,
        olive,
        AuditEntry.objects.create(user=olive, object_id="1", object_repr=SECRET, action_flag=2),
        Group.objects.create(name=f"{SECRET}-group"),
        customer,
        CustomerConsent.objects.create(**said, enabled=True, granted_at=now),
        ConsentEvent.objects.create(**said, action="granted", actor="staff:1", occurred_at=now),
        Suppression.objects.create(
            address_hmac=SECRET, address_hint=f"{SECRET}•••", channel="email", reason="manual", note=SECRET
        ),
        ChannelState.objects.create(channel="email", paused_until=now.replace(year=2099), reason=SECRET),
        DeliveryAttemptFactory.create(notification=notification, error=SECRET),
        ProviderEventFactory.create(notification_id=notification.pk, event_id=SECRET, detail={"why": SECRET}),
        InboxItemFactory.create(title=SECRET, message=SECRET),
        PushSubscriptionFactory.create(recipient_key=f"customer:{SECRET}"),
        JobRun.objects.create(
            job_name=SECRET,
            moment=now,
            started_at=now,
            finished_at=now,
            status="failed",
            error_message=SECRET,
            trigger="command",
            lease_until=now,
        ),
        DataRequest.objects.create(
            kind="export", customer_id=SECRET, made_by="staff:1", reason=SECRET, made_at=now, sha256="0" * 64
        ),
        BulkAct.objects.create(act="replay", reason=SECRET, by="command", query=f"q={SECRET}", total=0),
        NotificationHistory.objects.create(
            id=uuid.uuid4(),
            channel="email",
            category="transactional",
            priority=1,
            status="failed",
            attempts=1,
            error=SECRET,
            scheduled_at=now,
            created_at=now,
            finished_at=now,
        ),
        ServiceToken.objects.create(name=SECRET, sha256="0" * 64, scopes=["process"], created_by=SECRET),
        Schedule.objects.create(name=SECRET, func="math.floor"),
        Task.objects.create(
            id=SECRET, name=SECRET, func="math.floor", started=now, stopped=now, success=False, result=SECRET
        ),
    ]
    rows += _business(customer)
    found = {model: next((row for row in rows if type(row) is model), None) for model in admin.site._registry}
    complete = {model: row or model._default_manager.first() for model, row in found.items()}
    missing = [model._meta.label for model, row in complete.items() if row is None]
    assert not missing, f"the walk needs a row of {', '.join(missing)}: make one in tests/every_row.py"
    return {model: row for model, row in complete.items() if row is not None}


def _business(customer: Customer) -> list[Model]:
    """The business records, with their parents. What belongs to a row stands on its page."""
    booking = BookingFactory.create(customer=customer, booking_number=f"B-{SECRET}")
    machine = booking.equipment
    signer = ContractSignerFactory.create(
        contract__booking=booking,
        contract__contract_number=f"C-{SECRET}",
        signer_email=f"{SECRET}@example.com",
    )
    ContractReminderFactory.create(contract=signer.contract)
    ContractEventFactory.create(contract=signer.contract, metadata={"why": SECRET})
    activity = InsuranceActivityFactory.create(document__booking=booking, details={"why": SECRET})
    InsuranceReminderFactory.create(document=activity.document)
    sla = SupportSlaFactory.create(ticket__customer=customer, ticket__subject=SECRET)
    member = CustomerSegmentMemberFactory.create(customer=customer, segment__name=SECRET)
    return [
        booking,
        machine,
        signer.contract,
        activity.document,
        sla.ticket,
        member,
        member.segment,
        MaintenanceLogFactory.create(equipment=machine, notes=SECRET),
        MaintenanceAlertFactory.create(equipment=machine, alert_type="fault_code", fault_code=SECRET),
        TelematicsSnapshotFactory.create(equipment=machine, fault_codes=[SECRET]),
        EquipmentUtilizationFactory.create(equipment=machine),
        InstallmentScheduleFactory.create(booking=booking),
        PayoutReconciliationFactory.create(details={"why": SECRET}),
        PromoRuleFactory.create(name=SECRET),
        AlertFactory.create(summary=SECRET),
        AuditEventFactory.create(user_agent=SECRET),
        SecurityIncidentFactory.create(description=SECRET),
        ViewState.objects.create(
            view_name="mv_dashboard_kpis", error_message=SECRET, error_at=timezone.now()
        ),
    ]
