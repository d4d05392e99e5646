"""A long history of tickets costs a run nothing: each statement reads the index of what is open, or of clocks that run."""

import datetime as dt

import pytest
from django.db import connection

from jobs.catalog.sla_monitor import run
from jobs.spec import silent
from tests.business_factories import SupportTicketFactory
from tests.factories import StaffFactory
from tests.plan_reader import explained

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("swept", "templates")]
NOW = dt.datetime(2026, 11, 20, 15, tzinfo=dt.UTC)
# A ticket each hour back; all but the first thirty are closed, their clocks stopped, their alerts resolved.
HISTORY = """
INSERT INTO support_tickets
        (ticket_number, customer_id, subject, priority, status, created_at, first_response_at, resolved_at)
    SELECT 'H-' || n, customer_id, '', 'low', CASE WHEN n > 30 THEN 'closed' ELSE 'open' END,
        %(now)s - n * interval '1 hour', %(now)s - n * interval '1 hour', CASE WHEN n > 30 THEN now() END
    FROM support_tickets, generate_series(1, 40000) AS n WHERE id = %(ticket)s;
INSERT INTO support_sla (ticket_id, priority, target_response_minutes, target_resolution_minutes, first_response_at,
        resolved_at, breached_response, breached_resolution)
    SELECT id, priority, 1440, 7200, first_response_at, resolved_at, false, false FROM support_tickets
    WHERE ticket_number LIKE 'H-%%';
INSERT INTO alerts (type, severity, entity_type, entity_id, summary, details, detected_at, acknowledged_by, resolved_at, status)
    SELECT 'sla_response_breached', 'warning', 'support_ticket', id::text, '', '{}', now(), '', now(), 'resolved'
    FROM support_tickets WHERE resolved_at IS NOT NULL;
ANALYZE;
"""


@pytest.fixture
def history() -> None:
    StaffFactory.create(groups=("support_leads",))
    first = SupportTicketFactory.create(created_at=NOW, first_response_at=NOW)
    with connection.cursor() as cursor:
        cursor.execute(HISTORY, {"now": NOW, "ticket": first.pk})


@pytest.mark.usefixtures("history")
def test_no_statement_reads_the_history() -> None:
    for age in (1, 400, 500):
        SupportTicketFactory.create(created_at=NOW - dt.timedelta(minutes=age))
    with explained("support_tickets", "support_sla", "alerts") as plans:
        result = run(now=NOW, progress=silent)
    assert result.found["response_warned"] == result.found["response_breached"] == 1
    history = {"support_tickets", "support_sla", "alerts"}
    faults = [str(plan) for plan in plans if plan.whole_tables & history]
    assert faults == [], "\n".join(faults)
    read = set[str]().union(*(plan.indexes for plan in plans))
    assert {"support_tickets_open", "support_sla_running", "alerts_one_open"} <= read
    assert all(plan.blocks < 1500 for plan in plans), "\n".join(map(str, plans))
