"""A dry run shows each row of the business that it would change, whatever the job tells of itself, and who is in it nobody."""

import datetime as dt
import io
import json
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client

from jobs.report import RowChange, RunReport
from jobs.runner import run
from jobs.spec import JobResult, Progress
from rentals.models import Booking, Customer, CustomerTag
from tests.catalogue import Install
from tests.factories import BookingFactory, CustomerFactory
from tests.integration.api_client import program, staff
from tests.waiting import eventually

NOW = dt.datetime(2026, 11, 20, 15, 0, tzinfo=dt.UTC)


def dry() -> RunReport:
    report = run("probe", now=NOW, trigger="command", dry_run=True)
    assert report.status == "success", report.error
    return report


def activate(*, now: dt.datetime, progress: Progress) -> JobResult:
    """Says nothing of what it does."""
    Booking.objects.update(status="active", delivery_address="12 Elm Street")
    Customer.objects.update(first_name="Berta", risk_score=7)
    return JobResult()


def only(report: RunReport, table: str) -> RowChange:
    [row] = [row for row in report.rows if row.table == table]
    return row


# ── What is shown ───────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.django_db
def test_an_update_is_shown_before_and_after_and_names_and_addresses_are_not(install: Install) -> None:
    booking = BookingFactory.create(status="confirmed", delivery_address="")
    install(activate)
    report = dry()

    row = only(report, "bookings")
    assert (row.id, row.action) == (str(booking.pk), "update")
    assert row.columns["status"] == ("confirmed", "active")
    assert "total_amount" not in row.columns  # it stays as it is
    assert row.columns["delivery_address"] == ("•••", "•••")
    assert only(report, "customers").columns["first_name"] == ("•••", "•••")
    assert report.row_counts == {"bookings": {"update": 1}, "customers": {"update": 1}}
    booking.refresh_from_db()
    assert booking.status == "confirmed"


@pytest.mark.django_db
def test_inserts_and_deletes_are_shown_too(install: Install) -> None:
    tag = CustomerTag.objects.create(name="gone")

    def rule(*, now: dt.datetime, progress: Progress) -> JobResult:
        CustomerTag.objects.filter(pk=tag.pk).delete()
        CustomerTag.objects.create(name="VIP Anna Smith")
        return JobResult()

    install(rule)
    report = dry()
    assert [(row.table, row.action) for row in report.rows] == [
        ("customer_tags", "delete"),
        ("customer_tags", "insert"),
    ]
    assert report.rows[0].id == str(tag.pk)
    assert report.rows[1].columns["name"] == (None, "•••")
    assert report.row_counts == {"customer_tags": {"delete": 1, "insert": 1}}


@pytest.mark.django_db
def test_what_a_job_undoes_by_a_savepoint_is_not_shown(install: Install) -> None:
    def rule(*, now: dt.datetime, progress: Progress) -> JobResult:
        with transaction.atomic():
            CustomerTag.objects.create(name="one")
            transaction.set_rollback(True)
        return JobResult()

    install(rule)
    assert dry().row_counts == {}


@pytest.mark.django_db
def test_of_many_rows_the_first_are_kept_and_all_are_counted(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.row_changes.KEPT", 3)

    def rule(*, now: dt.datetime, progress: Progress) -> JobResult:
        CustomerTag.objects.bulk_create(CustomerTag(name=f"tag {n}") for n in range(10))
        return JobResult()

    install(rule)
    report = dry()
    assert (len(report.rows), report.row_count) == (3, 10)


@pytest.mark.django_db
def test_two_dry_runs_in_a_row_know_nothing_of_each_other(install: Install) -> None:
    BookingFactory.create(status="confirmed")
    install(activate)
    assert dry().row_counts == dry().row_counts


# ── Where it is shown ───────────────────────────────────────────────────────────────────────────────────
@pytest.mark.django_db
def test_the_command_the_api_and_the_admin_show_it(install: Install, settings: Any) -> None:
    BookingFactory.create(status="confirmed")
    install(activate)
    out = io.StringIO()
    call_command("run_job", "probe", "--dry-run", stdout=out)
    assert "ROWS: 2" in out.getvalue()
    assert "status: confirmed → active" in out.getvalue()

    out = io.StringIO()
    call_command("run_job", "probe", "--dry-run", "--json", stdout=out)
    assert json.loads(out.getvalue())["row_counts"]["bookings"] == {"update": 1}

    client: Client = program(settings)
    told = client.post("/api/admin/jobs/probe/run?dry_run=1", content_type="application/json").json()["data"]
    assert told["dry_run"] is True
    assert {row["table"] for row in told["rows"]} == {"bookings", "customers"}

    page = staff("jobs.view_jobrun", "jobs.run_job").post("/admin/jobs/jobrun/job/probe/", {"act": "dry"})
    assert "status: confirmed → active" in page.content.decode()
    assert "Berta" not in page.content.decode()


# ── What it costs others ────────────────────────────────────────────────────────────────────────────────
def triggered() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'postroom_record_change'"
        )
        return {row[0] for row in cursor.fetchall()}


@pytest.mark.django_db
def test_every_table_of_the_business_is_recorded() -> None:
    """A new table: `record_changes_of("rentals")` in a migration of jobs that depends on the table's."""
    tables = {
        model._meta.db_table for model in apps.get_app_config("rentals").get_models() if model._meta.managed
    }
    assert tables - triggered() == set()


@pytest.mark.django_db(transaction=True)
def test_a_dry_run_keeps_no_writer_of_the_business_waiting(install: Install, other_connection: Any) -> None:
    customer = CustomerFactory.create()
    written: list[int] = []

    def rule(*, now: dt.datetime, progress: Progress) -> JobResult:
        other_connection.execute("SET lock_timeout = '1s'")
        written.append(
            other_connection.execute(
                "UPDATE customers SET risk_score = 3 WHERE id = %s", [customer.pk]
            ).rowcount
        )
        return JobResult()

    install(rule)
    assert dry().row_counts == {}  # another's change is not this run's
    assert written == [1]
    eventually(lambda: Customer.objects.filter(risk_score=3).exists())


@pytest.mark.django_db
def test_a_real_run_records_nothing(install: Install) -> None:
    BookingFactory.create(status="confirmed")
    install(activate)
    report = run("probe", now=NOW, trigger="command")
    assert (report.status, report.rows, report.row_counts) == ("success", (), {})
