"""A long history of instalments costs a run nothing: each statement reads the index of what is unpaid, or of open alerts."""

import datetime as dt

import pytest
from django.db import connection

from jobs.catalog.installment_reminders import run
from jobs.spec import silent
from tests.business_factories import InstallmentScheduleFactory
from tests.factories import BookingFactory, StaffFactory
from tests.plan_reader import explained

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("swept", "templates")]
NOW = dt.datetime(2026, 11, 20, 15, tzinfo=dt.UTC)
# A part each hour back from a month ahead; all of it paid, and all its alerts resolved, but for what is still to come.
HISTORY = """
INSERT INTO bookings (booking_number, customer_id, equipment_id, start_date, end_date, status, type, delivery_address, currency,
        total_amount, deposit_amount, balance_amount, billing_status, source)
    SELECT 'H-' || n, customer_id, equipment_id, start_date, end_date, 'completed', 'pickup', '', 'CAD', 1, 0, 0,
        'balance_paid', 'web'
    FROM bookings, generate_series(1, 3000) AS n WHERE id = %(booking)s;
INSERT INTO installment_schedules (booking_id, installment_number, due_date, amount, status, paid_at)
    SELECT booking.id, part, (timestamptz '2026-12-20 15:00Z' - row_number() OVER () * interval '1 hour')::date, 1,
        CASE WHEN row_number() OVER () > 300 THEN 'paid' ELSE 'pending' END,
        CASE WHEN row_number() OVER () > 300 THEN now() END
    FROM bookings AS booking, generate_series(1, 4) AS part WHERE booking_number LIKE 'H-%%';
INSERT INTO alerts (type, severity, entity_type, entity_id, summary, details, detected_at, acknowledged_by, resolved_at, status)
    SELECT 'installment_overdue', 'info', 'installment', id::text, '', '{}', now(), '', now(), 'resolved'
    FROM installment_schedules WHERE status = 'paid';
ANALYZE;
"""


@pytest.fixture
def history() -> None:
    StaffFactory.create(groups=("finance",))
    with connection.cursor() as cursor:
        cursor.execute(HISTORY, {"booking": BookingFactory.create().pk})


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("late", [None, -3, 0, 1, 8])
def test_no_statement_reads_the_history(late: int | None) -> None:
    """Also where there is something to do: `late` days after the due date."""
    if late is not None:
        row = InstallmentScheduleFactory.create(due_date=NOW.date() - dt.timedelta(days=late))
        assert row.status == "pending"
    with explained("installment_schedules", '"alerts"', " alerts") as plans:
        result = run(now=NOW, progress=silent)
    assert sum(result.found.values()) == (late is not None)
    faults = [
        str(plan) for plan in plans if plan.whole_tables & {"installment_schedules", "alerts", "bookings"}
    ]
    assert faults == [], "\n".join(faults)
    read = set[str]().union(*(plan.indexes for plan in plans))
    assert {"installment_schedules_unpaid", "alerts_one_open"} <= read
    assert all(plan.blocks < 1500 for plan in plans), "\n".join(map(str, plans))
