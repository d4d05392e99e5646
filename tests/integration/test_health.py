"""What a supervisor and Prometheus see."""

from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from jobs.spec import JobResult
from notifications.channel_state import pause, report
from notifications.enqueue import notify
from notifications.errors import Transient
from notifications.message import Address
from tests.catalogue import Install
from tests.integration.api_client import program, staff
from tests.notification_factories import ProviderEventFactory


def test_alive_needs_no_database() -> None:
    response = Client().get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert "no-store" in response["Cache-Control"]


@pytest.mark.django_db
def test_ready_with_every_table() -> None:
    assert Client().get("/readyz").json() == {"status": "ok"}


@pytest.mark.django_db
def test_not_ready_while_a_migration_is_missing() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'jobs'")
    response = Client().get("/readyz")
    assert response.status_code == 503
    assert "jobs.0001_initial" in response.json()["missing"]


def test_not_ready_without_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> None:
        raise DatabaseError("connection refused by 10.1.2.3")

    monkeypatch.setattr(
        "config.health.connection", type("Gone", (), {"ensure_connection": staticmethod(gone)})
    )
    response = Client().get("/readyz")
    assert response.status_code == 503
    assert "10.1.2.3" not in response.content.decode()


@pytest.mark.django_db
def test_metrics_are_not_for_everybody(settings: Any) -> None:
    assert Client().get("/metrics").status_code == 401
    assert staff().get("/metrics").status_code == 403
    assert program(settings, "jobs:read").get("/metrics").status_code == 403


@pytest.mark.django_db
def test_metrics_tell_the_queue_and_the_jobs(settings: Any, install: Install) -> None:
    def rule(**_kwargs: Any) -> JobResult:
        return JobResult()

    install(rule)
    notify(to=Address("a@example.com"), channel="email", category="transactional", subject="x", body="y")
    pause("email", until=None, reason="Holiday", by="staff:1")
    report("sms", [Transient("503")] * 20)
    ProviderEventFactory.create_batch(2)
    ProviderEventFactory.create(attempts=5)
    ops = program(settings, "queue:read", "jobs:run")
    ops.post("/api/admin/jobs/probe/run", content_type="application/json")

    response = ops.get("/metrics")
    assert response["Content-Type"].startswith("text/plain")
    found = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(response.content.decode())
        for sample in family.samples
    }
    assert found["postroom_queue_rows", "email", "queued"] == 1
    assert found["postroom_queue_oldest_due_seconds", "sms"] == 0
    assert found["postroom_channel_stopped", "email", "paused"] == 1
    assert found["postroom_channel_stopped", "paused", "sms"] == 0
    assert found["postroom_channel_breaker", "closed", "email"] == 1
    assert found["postroom_channel_breaker", "open", "sms"] == 1
    assert (found["postroom_reports", "waiting"], found["postroom_reports", "stuck"]) == (2, 1)
    assert found["postroom_job_last_success_timestamp_seconds", "probe"] > 1_700_000_000
    assert found["postroom_job_consecutive_failures", "probe"] == 0
    assert found["postroom_job_overdue", "probe"] == 0
