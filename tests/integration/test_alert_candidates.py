"""Which matters become candidates of an alert, at the edges of each threshold, and which do not."""

import datetime as dt
import json
from typing import Any

import pytest
from django.db import connection

from rentals.models import Equipment
from rentals.views import refresh
from tests.business_factories import (
    DAY,
    MOMENT,
    InsuranceDocumentFactory,
    PayoutReconciliationFactory,
    SupportSlaFactory,
    SupportTicketFactory,
)
from tests.factories import BookingFactory, EquipmentFactory, PaymentFactory

pytestmark = pytest.mark.django_db
TODAY = dt.date(2026, 11, 20)
MINUTE = dt.timedelta(minutes=1)


def candidates(alert_type: str) -> dict[str, tuple[str, str, dt.datetime, dict[str, Any]]]:
    """By entity: its type, the severity, since when, and the payload."""
    refresh("mv_alert_candidates", now=MOMENT, timeout=MINUTE)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT entity_id, entity_type, severity, detected_at, payload"
            " FROM mv_alert_candidates WHERE alert_type = %s",
            [alert_type],
        )
        return {
            entity: (entity_type, severity, since, json.loads(payload))
            for entity, entity_type, severity, since, payload in cursor.fetchall()
        }


def old_machine(**fields: Any) -> Equipment:
    machine: Equipment = EquipmentFactory.create(created_at=MOMENT - 60 * DAY, **fields)
    return machine


def test_a_machine_that_was_out_on_fewer_than_three_of_thirty_days_is_underused() -> None:
    idle, used, new = old_machine(), old_machine(), EquipmentFactory.create(created_at=MOMENT - 29 * DAY)
    old_machine(status="maintenance")
    for machine, days in ((idle, 2), (used, 3)):
        start = TODAY - 10 * DAY
        BookingFactory.create(
            equipment=machine, start_date=start, end_date=start + (days - 1) * DAY, status="completed"
        )
    found = candidates("low_utilization")
    assert set(found) == {str(idle.pk)}, (used.pk, new.pk)
    entity_type, severity, _since, payload = found[str(idle.pk)]
    assert (entity_type, severity) == ("equipment", "info")
    assert payload == {"unit_id": idle.unit_id, "rented_days": 2, "window_days": 30, "utilization": 6.67}


def test_a_document_that_ran_out_while_the_machine_is_out_is_critical() -> None:
    booking = BookingFactory.create(status="active", start_date=TODAY - 3 * DAY)
    document = InsuranceDocumentFactory.create(booking=booking, expires_at=MOMENT)
    entity_type, severity, since, payload = candidates("overdue_insurance")[str(document.pk)]
    assert (entity_type, severity, since) == ("insurance_document", "critical", MOMENT)
    assert payload["booking_id"] == str(booking.pk)


@pytest.mark.parametrize(
    ("booking", "document"),
    [
        ({"start_date": TODAY + 2 * DAY}, {"status": "pending"}),
        ({"start_date": TODAY + DAY}, {"status": "rejected"}),
        ({"start_date": TODAY + DAY}, {"expires_at": MOMENT + MINUTE}),
        ({"start_date": TODAY - 9 * DAY, "end_date": TODAY - DAY}, {"status": "pending"}),
        ({"start_date": TODAY + DAY, "status": "cancelled"}, {"status": "pending"}),
    ],
)
def test_insurance_that_holds_or_does_not_matter_yet_is_no_matter(
    booking: dict[str, Any], document: dict[str, Any]
) -> None:
    InsuranceDocumentFactory.create(booking=BookingFactory.create(**booking), **document)
    assert candidates("overdue_insurance") == {}


def test_an_unverified_document_is_a_matter_from_the_day_before_until_it_is_replaced() -> None:
    booking = BookingFactory.create(start_date=TODAY + DAY)
    document = InsuranceDocumentFactory.create(booking=booking, status="info_requested")
    assert candidates("overdue_insurance")[str(document.pk)][1] == "warning"
    InsuranceDocumentFactory.create(booking=booking, created_at=MOMENT)
    assert candidates("overdue_insurance") == {}


@pytest.mark.parametrize(("priority", "severity"), [("critical", "critical"), ("normal", "warning")])
def test_an_open_ticket_past_its_target_is_a_breach_to_the_minute(priority: str, severity: str) -> None:
    late, early = (
        SupportTicketFactory.create(priority=priority, created_at=MOMENT - minutes * MINUTE)
        for minutes in (60, 59)
    )
    for ticket in (late, early):
        SupportSlaFactory.create(ticket=ticket, target_response_minutes=60)
    found = candidates("sla_breach")
    assert set(found) == {str(late.pk)}
    assert found[str(late.pk)][:3] == ("support_ticket", severity, MOMENT)
    assert found[str(late.pk)][3]["response_breached"]
    assert not found[str(late.pk)][3]["resolution_breached"]


def test_a_ticket_that_was_answered_and_one_that_was_solved_breach_nothing() -> None:
    answered = SupportTicketFactory.create(created_at=MOMENT - DAY, first_response_at=MOMENT - DAY)
    SupportSlaFactory.create(ticket=answered)
    SupportSlaFactory.create(
        ticket=SupportTicketFactory.create(status="closed", created_at=MOMENT - 30 * DAY)
    )
    assert candidates("sla_breach") == {}


@pytest.mark.parametrize(("days", "severity"), [(2, None), (3, "warning"), (7, "warning"), (8, "critical")])
def test_a_payout_is_late_from_the_third_day(days: int, severity: str | None) -> None:
    PayoutReconciliationFactory.create(status="pending", arrival_date=TODAY - days * DAY)
    PayoutReconciliationFactory.create(status="reconciled", arrival_date=TODAY - days * DAY)
    assert [found[1] for found in candidates("payout_delay").values()] == ([severity] if severity else [])


@pytest.mark.parametrize(
    ("start_date", "severity"), [(TODAY + 3 * DAY, "critical"), (TODAY + 4 * DAY, "warning")]
)
def test_the_later_of_two_bookings_of_one_machine_on_one_day_conflicts(
    start_date: dt.date, severity: str
) -> None:
    machine = EquipmentFactory.create()
    first = BookingFactory.create(equipment=machine, start_date=start_date, created_at=MOMENT - DAY)
    later = BookingFactory.create(equipment=machine, start_date=first.start_date, created_at=MOMENT)
    BookingFactory.create(equipment=machine, start_date=first.end_date + DAY, created_at=MOMENT)
    BookingFactory.create(equipment=machine, start_date=first.start_date, status="pending")
    found = candidates("booking_conflict")
    assert set(found) == {str(later.pk)}
    assert found[str(later.pk)][:3] == ("booking", severity, MOMENT)
    assert found[str(later.pk)][3]["conflicts_with"] == [str(first.pk)]


@pytest.mark.parametrize(
    ("failed", "completed", "week_before", "severity"),
    [
        (4, 0, 0, None),
        (5, 5, 0, "critical"),
        (5, 6, 0, "warning"),
        (5, 21, 0, None),
        (6, 0, 14, "critical"),
        (5, 0, 14, None),
    ],
)
def test_failures_are_a_spike_if_many_of_all_tries_and_more_than_usual(
    failed: int, completed: int, week_before: int, severity: str | None
) -> None:
    booking = BookingFactory.create()
    for status, count, at in (
        ("failed", failed, MOMENT - MINUTE),
        ("completed", completed, MOMENT - MINUTE),
        ("failed", week_before, MOMENT - 2 * DAY),
    ):
        PaymentFactory.create_batch(count, booking=booking, status=status, created_at=at)
    found = candidates("payment_failure_spike")
    assert [row[:2] for row in found.values()] == ([("payment_method", severity)] if severity else [])


def test_candidates_hold_no_names_or_addresses() -> None:
    booking = BookingFactory.create(status="active", start_date=TODAY - DAY, customer__last_name="Quokka")
    InsuranceDocumentFactory.create(booking=booking, status="pending")
    SupportSlaFactory.create(
        ticket=SupportTicketFactory.create(
            customer=booking.customer, subject="Quokka", created_at=MOMENT - DAY
        )
    )
    told = [*candidates("overdue_insurance").values(), *candidates("sla_breach").values()]
    assert len(told) == 2
    assert not any(word in str(told) for word in ("Quokka", "@", "+1506"))
