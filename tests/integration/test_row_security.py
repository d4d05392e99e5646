"""Row level security: the service and the admin role do their work over connections of their own, and nobody else sees a row."""

import os
import re
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import ProgrammingError, connection, transaction
from django.test import Client
from django.utils import timezone

from config.logins import WEB, login_environment, make_logins
from config.logins import WORKER as DEMO_WORKER
from config.sample_business import make_sample_business
from config.sample_payouts import pay_out
from consent.models import ConsentEvent
from consent.preferences import revoke
from consent.suppress import suppress
from consent.tokens import TokenRequest, issue_many
from jobs.catalog import in_order
from jobs.models import JobRun
from jobs.runner import run
from notifications.channel_state import pause
from notifications.claim import claim
from notifications.models import DeliveryAttempt, Notification, NotificationHistory
from notifications.row_security.apply import found
from notifications.row_security.check import check_row_security
from notifications.row_security.rights import APPS, all_tables, table_names
from notifications.worker import drain
from rentals.models import Customer, ViewState
from rentals.sample.plan import Plan as SamplePlan
from sandbox.testing import SandboxServer
from templates_app.drafts import new_draft
from templates_app.models import NotificationTemplate
from templates_app.publish import publish
from tests.ended import finished
from tests.factories import CustomerFactory
from tests.integration.api_client import INLINE, program
from tests.messages import LEASE, fresh, queued
from tests.notification_factories import NotificationFactory
from tests.operators import QUEUE, operator_user
from tests.plan_reader import Plan, explained, new_files
from tests.roles import CLERK, MEMBER, STRANGER, WORKER, logged_in_as, make_role, need_superuser

ROOT = Path(__file__).resolve().parents[2]
TABLES = [table.name for table in all_tables() if table.guarded]


@pytest.fixture(autouse=True)
def superuser(db: None) -> None:
    need_superuser()


def value(query: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


def refused(query: str) -> str:
    """The words with which PostgreSQL refuses it."""
    with pytest.raises(ProgrammingError) as error, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(query)
    assert isinstance(error.value.__cause__, psycopg.errors.InsufficientPrivilege)
    return str(error.value)


def withdraw(customer: Customer) -> None:
    revoke(
        customer_id=str(customer.pk),
        channel="email",
        category="reminder",
        source="preference_page",
        actor="customer",
        at=timezone.now(),
    )


# ── Every table ─────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.django_db
def test_every_table_that_is_not_another_apps_is_guarded() -> None:
    """Asked of the database, not of our list: a table made by hand in a migration would be found too."""
    from django.apps import apps

    others = table_names(
        [config.name for config in apps.get_app_configs() if config.name not in (*APPS, "config")]
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, relrowsecurity AND relforcerowsecurity FROM pg_class"
            " WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')"
        )
        guarded = {name: on for name, on in cursor.fetchall() if name not in others | {"django_migrations"}}
    assert {name for name, on in guarded.items() if not on} == set()
    assert set(guarded) == set(TABLES)
    assert {"notification_queue", "delivery_attempts", "notification_templates", "customer_consent", "consent_events",
            "suppressions", "job_runs"} <= set(guarded)  # fmt: skip


@pytest.mark.django_db
def test_a_migrated_database_has_no_gap() -> None:
    assert found(connection)[1] == []
    assert check_row_security(databases=["default"]) == []


# ── The pipeline ────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.django_db(transaction=True)
def test_the_service_role_queues_sends_and_records(templates: None, sandbox: SandboxServer) -> None:
    customer = CustomerFactory.create()
    with logged_in_as(WORKER):
        row = queued(customer)
        report = drain()
        assert report.claimed == 1
        assert fresh(row).status == "sent"
        assert [attempt.outcome for attempt in DeliveryAttempt.objects.all()] == ["sent"]
        withdraw(customer)
        assert queued(customer, idempotency_key="again").status == "cancelled"
    assert len(sandbox.messages()) == 1


@pytest.mark.django_db(transaction=True)
def test_the_service_role_runs_jobs_and_refreshes_views(templates: None) -> None:
    now = timezone.now()
    old = finished("sent", days_ago=30)
    with logged_in_as(WORKER):
        report = run("refresh_materialized_views", now=now, trigger="command", actor="test")
        assert (report.status, report.error) == ("success", "")
        for job in ("booking_reminders", "generate_dashboard_alerts", "segment_refresh", "message_retention"):
            report = run(job, now=now, trigger="command", actor="test")
            assert (report.status, report.error) == ("success", "")
        assert (
            run("promotion_scheduler", now=now, trigger="command", actor="test", dry_run=True).status
            == "success"
        )
        assert JobRun.objects.filter(status="success").count() == 5
        assert NotificationHistory.objects.filter(pk=old.pk).exists()
        assert ViewState.objects.filter(error_message="", refreshed_at__isnull=False).count() == 8


@pytest.mark.django_db(transaction=True)
def test_the_service_role_runs_every_job_on_a_whole_business(
    templates: None, sandbox: SandboxServer, settings: Any
) -> None:
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "KICK": ""}
    now = timezone.now()
    make_sample_business(SamplePlan(at=now, customers=60, bookings=160), push_url=sandbox.url)
    pay_out(sandbox.url, now=now)
    with logged_in_as(WORKER):
        told = {job: run(job, now=now, trigger="command", actor="test") for job in in_order()}
        drain()
    assert {job: report.error for job, report in told.items() if report.error} == {}
    assert {report.status for report in told.values()} == {"success"}
    assert Notification.objects.filter(status="sent").exists()


@pytest.mark.django_db(transaction=True)
def test_the_service_role_answers_the_api_and_the_public_pages(templates: None, settings: Any) -> None:
    customer = CustomerFactory.create()
    client = program(settings)
    with logged_in_as(WORKER):
        link = TokenRequest(str(customer.pk), "email", "reminder", None, "en")
        (secret,) = issue_many([link], now=timezone.now())
        assert client.get(f"/u/{secret}").status_code == 200
        assert client.post(f"/u/{secret}", {"List-Unsubscribe": "One-Click"}).status_code == 200
        assert queued(customer).status == "cancelled"
        assert (
            client.post("/api/admin/notifications", INLINE, content_type="application/json").status_code
            == 201
        )
        for page in (
            "/api/admin/queue",
            "/api/admin/jobs/status",
            "/readyz",
            "/metrics",
            f"/preferences/{secret}",
        ):
            assert client.get(page).status_code == 200, page
        assert "permission denied" in refused("SELECT * FROM second_factors")
        assert "permission denied" in refused("INSERT INTO service_tokens DEFAULT VALUES")


@pytest.mark.django_db(transaction=True)
def test_the_service_role_changes_no_wording_and_no_ledger(templates: None) -> None:
    customer = CustomerFactory.create()
    with logged_in_as(WORKER):
        withdraw(customer)
        assert ConsentEvent.objects.count() == 1
        for query in (
            "UPDATE notification_templates SET name = 'x'",
            "DELETE FROM notification_template_versions",
            "UPDATE consent_events SET actor = 'nobody'",
            "DELETE FROM consent_events",
            "TRUNCATE consent_events",
            "ALTER TABLE consent_events DISABLE ROW LEVEL SECURITY",
            "TRUNCATE notification_queue CASCADE",
        ):
            assert refused(query), query


# ── The back office ─────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.django_db(transaction=True)
def test_the_admin_role_does_the_acts_of_the_back_office(templates: None) -> None:
    failed = NotificationFactory.create(status="failed")
    waiting = NotificationFactory.create(status="queued")
    customer = CustomerFactory.create()
    template = NotificationTemplate.objects.get(name="booking.pickup_today")
    boss = operator_user("*")
    with logged_in_as(CLERK):
        client = Client()
        client.force_login(boss)
        for page in ("/admin/", QUEUE, "/admin/consent/customerconsent/", "/admin/jobs/jobrun/",
                     "/admin/templates_app/notificationtemplate/", "/admin/auth/user/", "/admin/rentals/booking/",
                     f"{QUEUE}{failed.pk}/change/"):  # fmt: skip
            assert client.get(page).status_code == 200, page
        for act, row, status in (("replay", failed, "queued"), ("cancel", waiting, "cancelled")):
            once = {
                "ids": str(row.pk),
                "reason": "the provider was down",
                "confirmed": "1",
                "once": str(uuid.uuid4()),
            }
            assert client.post(f"{QUEUE}act/{act}/", once, follow=True).status_code == 200
            assert fresh(row).status == status
        draft = new_draft(template, by=boss)
        publish(draft, by=boss)
        template.refresh_from_db()
        assert template.published_version_id == draft.pk
        pause("sms", until=None, reason="the provider asks for it", by="staff:1")
        withdraw(customer)
        assert queued(customer, idempotency_key="by the back office").status == "cancelled"
        assert run("segment_refresh", now=timezone.now(), trigger="command", actor="test").status == "success"


@pytest.mark.django_db(transaction=True)
def test_the_admin_role_deletes_no_record_of_what_happened(templates: None) -> None:
    NotificationFactory.create(status="sent")
    with logged_in_as(CLERK):
        for table in ("delivery_attempts", "job_runs", "consent_events", "channel_events", "provider_events"):
            assert "permission denied" in refused(f"DELETE FROM {table}")
        assert "permission denied" in refused("UPDATE consent_events SET actor = 'nobody'")
        assert "permission denied" in refused("DELETE FROM django_admin_log")


# ── Everybody else ──────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture
def full(transactional_db: None, templates: None, sandbox: SandboxServer) -> dict[str, int]:
    """Rows in the tables, and how many."""
    customer = CustomerFactory.create()
    queued(customer)
    drain()
    withdraw(customer)
    NotificationFactory.create(status="failed")
    suppress(channel="email", address="somebody@example.com", reason="hard_bounce")
    run("segment_refresh", now=timezone.now(), trigger="command", actor="test")
    rows = {table: value(f"SELECT count(*) FROM {table}") for table in TABLES}
    for table in ("notification_queue", "delivery_attempts", "notification_templates", "customer_consent",
                  "notification_template_versions", "consent_events", "suppressions", "job_runs"):  # fmt: skip
        assert rows[table], table
    return rows


@pytest.mark.django_db(transaction=True)
def test_a_stranger_with_every_right_sees_nothing_and_changes_nothing(full: dict[str, int]) -> None:
    make_role(STRANGER)
    with connection.cursor() as cursor:
        cursor.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {STRANGER}")
    try:
        with logged_in_as(STRANGER):
            assert value("SELECT count(*) FROM bookings") >= 0  # it has its rights
            for table in TABLES:
                _sees_and_changes_nothing(table)
        assert {table: value(f"SELECT count(*) FROM {table}") for table in TABLES} == full
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {STRANGER}")


def _sees_and_changes_nothing(table: str) -> None:
    assert value(f"SELECT count(*) FROM {table}") == 0
    column = value(f"SELECT attname FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum = 1")
    with transaction.atomic(), connection.cursor() as cursor:
        for change in (f'UPDATE {table} SET "{column}" = "{column}"', f"DELETE FROM {table}"):
            cursor.execute(change)
            assert cursor.rowcount == 0, change
    assert "row-level security" in refused(f"INSERT INTO {table} DEFAULT VALUES"), table
    assert "row level security is in force" in refused(f"TRUNCATE {table} CASCADE"), table


@pytest.mark.django_db(transaction=True)
def test_a_stranger_without_rights_may_not_even_ask(full: dict[str, int]) -> None:
    with logged_in_as(STRANGER):
        for table in TABLES:
            assert "permission denied" in refused(f"SELECT count(*) FROM {table}")


# ── The demo ────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.django_db
def test_the_demos_logins_inherit_our_roles_and_have_no_other_power() -> None:
    make_logins()
    make_logins()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolname, rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb,"
            " ARRAY(SELECT roleid::regrole::text FROM pg_auth_members WHERE member = pg_roles.oid ORDER BY 1)"
            " FROM pg_roles WHERE rolname = ANY(%s) ORDER BY 1",
            [[WEB, DEMO_WORKER]],
        )
        assert cursor.fetchall() == [
            (WEB, False, ["postroom_admin", "postroom_service"]),
            (DEMO_WORKER, False, ["postroom_service"]),
        ]


def test_a_process_of_the_demo_logs_in_as_it_is_told() -> None:
    """Settings are read once a process, so it takes another one."""
    environment = {"PATH": os.environ["PATH"], "POSTROOM_EMBEDDED": "postgres-test", **login_environment(WEB)}
    asked = "from config import settings; print(settings.DATABASES['default']['USER'])"
    done = subprocess.run(
        [sys.executable, "-c", asked], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip(), done.returncode) == (WEB, 0), done.stderr


# ── The price ───────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.django_db
def test_the_claim_of_a_member_is_planned_and_costs_as_if_there_were_no_policy(templates: None) -> None:
    make_role(MEMBER)
    new_files("notification_queue")
    with connection.cursor() as cursor:
        # So many rows that the first of the two claims does not weigh in the plan of the second.
        cursor.execute(
            """
            INSERT INTO notification_queue (channel, "to", recipient_key, category, status, scheduled_at, metadata)
            SELECT 'email', '{}', 'customer:' || n, 'reminder', CASE WHEN n % 10 = 0 THEN 'queued' ELSE 'sent' END,
                now() - n * interval '1 second', '{"sent_at": "2026-11-20"}'
            FROM generate_series(1, 20000) AS n
            """
        )
        cursor.execute("ANALYZE notification_queue")
    free, held = _claim_plan("NONE"), _claim_plan(MEMBER)
    assert _shape(held) == _shape(free)


def _shape(plan: Plan) -> list[list[Any]]:
    """Not how many rows and at what cost: the first of the two claims leaves dead rows to the second. Nor which filter goes
    first: under a policy, those that can tell nothing of the row."""
    told = ("Node Type", "Index Name", "Index Cond", "Recheck Cond", "Sort Key")
    return [
        [*map(node.get, told), sorted(re.sub(r"[()]", "", node.get("Filter", "")).split(" AND "))]
        for node in plan.nodes()
    ]


def _claim_plan(role: str) -> Plan:
    with transaction.atomic(), explained("notification_queue") as plans:
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL ROLE {role}")
        assert len(claim(channel="email", limit=10, lease=LEASE)) == 10
        transaction.set_rollback(True)
    return max(plans, key=lambda plan: plan.tree["Plan"]["Total Cost"])
