"""What the materialized views say of a small business that can be counted by hand, at a moment of the test's choice."""

import datetime as dt
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from rentals.models import Booking, Payment
from rentals.views import VIEWS, refresh
from tests.business_factories import (
    DAY,
    MOMENT,
    InsuranceDocumentFactory,
    MaintenanceAlertFactory,
    PayoutReconciliationFactory,
    SupportSlaFactory,
    SupportTicketFactory,
)
from tests.factories import BookingFactory, CustomerFactory, EquipmentFactory, PaymentFactory

pytestmark = pytest.mark.django_db
TODAY = dt.date(2026, 11, 20)
YESTERDAY = TODAY - DAY
MINUTE = dt.timedelta(minutes=1)
COLUMNS = {
    "mv_dashboard_kpis": "snapshot_date, bookings, revenue, utilization, active_customers, outstanding_balance",
    "mv_revenue_trends": "day, gross_revenue, deposits, balance, refunds",
    "mv_booking_trends": "day, pending, confirmed, active, completed, cancelled, cancellations, insurance_pending",
    "mv_equipment_utilization": "snapshot_date, equipment_id, utilization, rented_days, maintenance_due, revenue",
    "mv_customer_cohorts": "month, new_customers, returning_customers, retention_rate, average_lifetime_value",
    "mv_support_sla": "day, open_low, open_normal, open_high, open_critical, breached_response, breached_resolution",
    "mv_financial_summary": (
        "snapshot_date, stripe_collections, manual_collections, receivables, payouts_pending"
    ),
    "mv_alert_candidates": "alert_type, entity_type, entity_id, severity, detected_at, payload",
}


def read(view: str, *, now: dt.datetime = MOMENT, by: str = "") -> dict[Any, tuple[Any, ...]]:
    """The view's rows for that moment, by the column `by` (the first, if none is named) without it."""
    refresh(view, now=now, timeout=MINUTE)
    columns = COLUMNS[view].split(", ")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {COLUMNS[view]} FROM {view}")
        rows = cursor.fetchall()
    at = columns.index(by) if by else 0
    return {row[at]: row[:at] + row[at + 1 :] for row in rows}


def book(*, made_at: dt.datetime = MOMENT, **fields: Any) -> Booking:
    booking: Booking = BookingFactory.create(**fields, created_at=made_at)
    return booking


def pay(booking: Booking, amount: int, *, at: dt.datetime = MOMENT, **fields: Any) -> Payment:
    payment: Payment = PaymentFactory.create(booking=booking, amount=amount, created_at=at, **fields)
    return payment


def money(*amounts: int | str) -> tuple[Decimal, ...]:
    return tuple(Decimal(amount) for amount in amounts)


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_has_the_columns_of_the_domain_and_a_unique_index(view: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {view}")
        assert [column.name for column in cursor.description or ()] == COLUMNS[view].split(", ")
        cursor.execute(
            "SELECT count(*) FROM pg_index WHERE indrelid = %s::regclass AND indisunique AND indpred IS NULL",
            [view],
        )
        assert cursor.fetchone() == (1,)


def test_the_database_has_these_views_and_no_other() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT matviewname FROM pg_matviews")
        assert {name for (name,) in cursor.fetchall()} == set(VIEWS)


# ── Days are local ──────────────────────────────────────────────────────────────────────────────────────
def test_a_day_ends_at_local_midnight() -> None:
    late = dt.datetime(2026, 11, 20, 23, 59, tzinfo=ZoneInfo("America/Moncton"))  # 03:59 of the 21st in UTC
    book(made_at=late, status="pending")
    rows = read("mv_booking_trends", now=late + dt.timedelta(hours=10))
    assert rows[TODAY][0] == 1
    assert rows[TODAY + DAY][0] == 0


def test_the_zone_is_the_settings(settings: Any) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"
    assert max(read("mv_booking_trends")) == TODAY + DAY  # 15:00 UTC is midnight there


# ── The eight ───────────────────────────────────────────────────────────────────────────────────────────
def test_the_dashboard_counts_a_day() -> None:
    idle, _retired = EquipmentFactory.create(), EquipmentFactory.create(status="retired")
    out = book(start_date=YESTERDAY, end_date=TODAY, status="active", total_amount=1000, made_at=MOMENT - DAY)
    pay(out, 300, at=MOMENT - DAY)
    pay(out, 100)
    pay(out, 50, status="failed")
    book(status="cancelled", equipment=idle, start_date=TODAY, end_date=TODAY, total_amount=5000)
    book(status="pending", equipment=idle, start_date=TODAY, end_date=TODAY, total_amount=700)
    book(status="confirmed", equipment=idle, total_amount=200, currency="USD")

    rows = read("mv_dashboard_kpis")

    assert len(rows) == 30
    # Two of the three made today stand; one of two machines is out.
    assert rows[TODAY] == (2, Decimal(100), Decimal(50), 1, Decimal(600))
    assert rows[YESTERDAY] == (1, Decimal(300), Decimal(50), 1, Decimal(700))
    assert rows[YESTERDAY - DAY] == (0, 0, 0, 0, 0)


def test_revenue_is_parted_into_deposit_and_balance_and_refunds_have_their_own_day() -> None:
    booking = book(deposit_amount=500, total_amount=2100)
    pay(booking, 400, at=MOMENT - 2 * DAY)
    pay(booking, 300, at=MOMENT - DAY)
    pay(booking, 1400, at=MOMENT)
    pay(booking, 10, at=MOMENT, currency="USD")
    refunded = pay(book(deposit_amount=0), 80, at=MOMENT - 2 * DAY, status="refunded")
    Payment.objects.filter(pk=refunded.pk).update(updated_at=MOMENT)

    rows = read("mv_revenue_trends")

    assert rows[TODAY - 2 * DAY] == money(480, 400, 80, 0)
    assert rows[YESTERDAY] == money(300, 100, 200, 0)
    assert rows[TODAY] == money(1400, 0, 1400, 80)


def test_booking_trends_count_by_status_with_cancellations_on_their_own_day() -> None:
    cancelled = book(status="cancelled", made_at=MOMENT - DAY)
    Booking.objects.filter(pk=cancelled.pk).update(updated_at=MOMENT)
    standing = book(status="confirmed")
    book(status="completed")
    for status in ("pending", "info_requested", "verified"):
        InsuranceDocumentFactory.create(booking=standing, status=status, created_at=MOMENT)

    rows = read("mv_booking_trends")

    assert rows[YESTERDAY] == (0, 0, 0, 0, 1, 0, 0)
    assert rows[TODAY] == (0, 1, 0, 1, 0, 1, 2)


def test_utilization_is_of_the_last_thirty_days() -> None:
    busy, idle = EquipmentFactory.create(), EquipmentFactory.create()
    # Three of ten days lie in the window; then five days of another.
    book(
        equipment=busy,
        start_date=TODAY - 36 * DAY,
        end_date=TODAY - 27 * DAY,
        status="completed",
        total_amount=1000,
    )
    book(
        equipment=busy,
        start_date=TODAY - 2 * DAY,
        end_date=TODAY + 2 * DAY,
        status="active",
        total_amount=500,
    )
    MaintenanceAlertFactory.create(equipment=idle)

    rows = read("mv_equipment_utilization", by="equipment_id")

    assert rows[busy.pk] == (TODAY, Decimal("20.00"), 6, False, Decimal(600))
    assert rows[idle.pk] == (TODAY, 0, 0, True, 0)


def test_cohorts_follow_customers_from_their_first_month() -> None:
    faithful, once = CustomerFactory.create(lifetime_value=3000), CustomerFactory.create(lifetime_value=1000)
    september, october = (dt.datetime(2026, month, 10, tzinfo=dt.UTC) for month in (9, 10))
    for customer, at in ((faithful, september), (once, september), (faithful, october), (faithful, MOMENT)):
        book(customer=customer, made_at=at)
    book(customer=once, made_at=october, status="cancelled")
    book(made_at=MOMENT)

    rows = read("mv_customer_cohorts")

    assert rows == {
        dt.date(2026, 9, 1): (2, 0, Decimal(50), Decimal(2000)),
        dt.date(2026, 10, 1): (0, 1, 0, 0),
        dt.date(2026, 11, 1): (1, 1, 0, 0),
    }


def test_support_counts_what_is_open_at_the_end_of_a_day_and_promises_by_the_day_they_were_broken() -> None:
    slow = SupportTicketFactory.create(priority="critical", created_at=MOMENT - DAY)
    SupportSlaFactory.create(ticket=slow, target_response_minutes=60, target_resolution_minutes=240)
    solved = SupportTicketFactory.create(
        status="resolved", created_at=MOMENT - DAY, first_response_at=MOMENT - DAY, resolved_at=MOMENT
    )
    SupportSlaFactory.create(ticket=solved)  # in time
    SupportSlaFactory.create(ticket=SupportTicketFactory.create(priority="low"))

    rows = read("mv_support_sla")

    assert rows[YESTERDAY] == (0, 1, 0, 1, 1, 1)
    assert rows[TODAY] == (1, 0, 0, 1, 0, 0)


def test_the_financial_summary_tells_stripe_from_other_money_and_what_is_still_there() -> None:
    booking = book(total_amount=2000, made_at=MOMENT - 3 * DAY)
    arrived = PayoutReconciliationFactory.create(arrival_date=TODAY)
    pay(booking, 500, at=MOMENT - 2 * DAY, stripe_charge_id="ch_1", payout_id=arrived.stripe_payout_id)
    pay(booking, 300, stripe_charge_id="ch_2")
    pay(booking, 40, payment_method="cash")
    pay(book(status="cancelled", total_amount=900), 100, payment_method="cash")

    rows = read("mv_financial_summary")

    assert rows[TODAY - 2 * DAY] == money(500, 0, 1500, 500)
    assert rows[YESTERDAY] == money(0, 0, 1500, 500)
    assert rows[TODAY] == money(300, 140, 1160, 300)


@pytest.mark.parametrize("view", VIEWS)
def test_a_refresh_for_another_moment_counts_for_that_moment(view: str) -> None:
    machine = EquipmentFactory.create(created_at=MOMENT - 365 * DAY)
    book(equipment=machine, made_at=MOMENT - 100 * DAY)
    then, now = read(view, now=MOMENT - 90 * DAY), read(view, now=MOMENT)
    assert then
    if view not in ("mv_customer_cohorts", "mv_equipment_utilization", "mv_alert_candidates"):
        assert max(now) - max(then) == 90 * DAY
