"""What Prometheus sees: whoever counted, and whoever is asked."""

import datetime as dt
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import OperationalError, connection, transaction
from django.test import Client
from django.utils import timezone
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.stage import database_url
from jobs.report import Outcome
from jobs.runner import run
from jobs.spec import JobResult
from notifications import tally
from notifications.channel_state import pause, report
from notifications.enqueue import notify
from notifications.errors import Transient
from notifications.measure import RULES, rule_of
from notifications.message import Address
from notifications.models import CategoryStop, MetricCounter, SendingDay
from notifications.release import release
from notifications.worker import drain
from rentals.models import Customer
from sandbox.testing import SandboxServer
from tests.catalogue import Install
from tests.factories import CustomerFactory
from tests.integration.api_client import program, staff
from tests.messages import claimed, fresh, queued
from tests.notification_factories import NotificationFactory, ProviderEventFactory
from tests.roles import MEMBER, WORKER, logged_in_as

Samples = dict[tuple[str, ...], float]
NOW = dt.datetime(2026, 11, 28, 15, 0, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def nothing_counted() -> Iterator[None]:
    tally._counts.clear()
    yield
    tally._counts.clear()


def samples(client: Client) -> Samples:
    response = client.get("/metrics")
    assert response.status_code == 200, response.content
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(response.content.decode())
        for sample in family.samples
    }


@pytest.fixture
def ops(settings: Any) -> Client:
    return program(settings, "queue:read", "jobs:run")


@pytest.mark.django_db
def test_metrics_are_not_for_everybody(settings: Any) -> None:
    assert Client().get("/metrics").status_code == 401
    assert staff().get("/metrics").status_code == 403
    assert program(settings, "jobs:read").get("/metrics").status_code == 403


@pytest.mark.django_db
def test_metrics_tell_the_queue_and_the_jobs(ops: Client, install: Install) -> None:
    install(lambda **_: JobResult())
    notify(to=Address("a@example.com"), channel="email", category="transactional", subject="x", body="y")
    NotificationFactory.create(scheduled_at=timezone.now() + dt.timedelta(hours=1), channel="sms")
    unknown = {"outcome_unknown": True}
    NotificationFactory.create(
        status="failed", channel="sms", error="outcome_unknown: timeout", metadata=unknown
    )
    pause("email", until=None, reason="Holiday", by="staff:1")
    report("sms", [Transient("503")] * 20)
    ProviderEventFactory.create_batch(2)
    ProviderEventFactory.create(attempts=5)
    SendingDay.objects.create(domain="x.example", day=timezone.localdate(), delivered=1000, complained=5)
    SendingDay.objects.create(domain="small.example", day=timezone.localdate(), delivered=10, complained=5)
    CategoryStop.objects.create(channel="email", category="marketing", reason="x", stopped_by="postroom")
    ops.post("/api/admin/jobs/probe/run", content_type="application/json")

    found = samples(ops)
    assert found["postroom_queue_rows", "email", "queued"] == 1
    assert (found["postroom_queue_ready", "email"], found["postroom_queue_scheduled", "sms"]) == (1, 1)
    assert (found["postroom_queue_ready", "sms"], found["postroom_queue_scheduled", "email"]) == (0, 0)
    assert (found["postroom_unknown_outcomes", "sms"], found["postroom_unknown_outcomes", "email"]) == (1, 0)
    assert found["postroom_queue_oldest_due_seconds", "sms"] == 0
    assert found["postroom_channel_stopped", "paused", "email"] == 1
    assert found["postroom_channel_stopped", "paused", "sms"] == 0
    assert found["postroom_channel_breaker", "email", "closed"] == 1
    assert found["postroom_channel_breaker", "sms", "open"] == 1
    assert (found["postroom_reports", "waiting"], found["postroom_reports", "stuck"]) == (2, 1)
    assert found["postroom_complaint_ratio",] == 0.005
    assert found["postroom_category_stopped", "marketing", "email"] == 1
    assert found["postroom_job_last_success_timestamp_seconds", "probe"] > 1_700_000_000
    assert found["postroom_job_last_duration_seconds", "probe"] >= 0
    assert found["postroom_job_consecutive_failures", "probe"] == 0
    assert found["postroom_job_overdue", "probe"] == 0
    assert found["postroom_drain_alive",] == 0
    assert [name for name, *_ in found if name == "postroom_build_info"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("templates")
def test_a_drain_in_another_process_is_counted(sandbox: SandboxServer, ops: Client) -> None:
    """Two went out, one comes again, one was withheld at enqueue: whoever did it, and whoever is asked."""
    queued()
    queued()
    queued(CustomerFactory.create(email=""))
    env = {**os.environ, "DATABASE_URL": database_url(), **sandbox.environment()}
    env["EMAIL_BACKEND"] = "anymail.backends.sendgrid.EmailBackend"
    subprocess.run(
        [sys.executable, "manage.py", "process_notifications"],
        cwd=django_settings.BASE_DIR,
        env=env,
        check=True,
    )
    sandbox.behave("sendgrid", status=503)
    queued()
    drain()

    found = samples(ops)
    assert found["postroom_outcomes_total", "email", "sent", "sendgrid"] == 2
    assert found["postroom_outcomes_total", "email", "transient", "sendgrid"] == 1
    assert found["postroom_outcomes_total", "sms", "sent", "twilio"] == 0
    assert found["postroom_messages_ended_total", "email", "sent"] == 2
    assert found["postroom_retries_total", "email"] == 1
    assert found["postroom_withheld_total", "email", "recipient.no_email", "enqueue"] == 1
    assert found["postroom_send_seconds_count", "email", "sendgrid"] == 3
    assert found["postroom_send_seconds_bucket", "email", "+Inf", "sendgrid"] == 3
    assert 0 < found["postroom_send_seconds_sum", "email", "sendgrid"] < 60
    assert found["postroom_due_to_sent_seconds_count", "email"] == 2
    assert found["postroom_claim_seconds_count", "email"] >= 2
    assert found["postroom_drain_alive",] == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("templates")
def test_what_a_dead_worker_left_is_an_unknown_outcome(sandbox: SandboxServer, settings: Any) -> None:
    queued()
    [row] = claimed(lease=dt.timedelta(seconds=-1))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE notification_queue SET dispatched_at = now() WHERE id = %s", [row.id])
    assert release() == 1
    found = samples(program(settings))
    assert found["postroom_outcomes_total", "email", "unknown", "sendgrid"] == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("templates")
def test_messages_that_shared_a_call_are_one_call(sandbox: SandboxServer, settings: Any) -> None:
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "BATCHED_CATEGORIES": frozenset({"reminder"})}
    for _ in range(3):
        queued()
    drain()
    found = samples(program(settings))
    assert found["postroom_outcomes_total", "email", "sent", "sendgrid"] == 3
    assert found["postroom_send_seconds_count", "email", "sendgrid"] == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("templates")
def test_what_was_rolled_back_was_not_withheld(settings: Any) -> None:
    nobody = CustomerFactory.create(email="")
    with transaction.atomic():
        queued(nobody)
        transaction.set_rollback(True)
    client = program(settings)
    assert not [key for key in samples(client) if key[0] == "postroom_withheld_total"]
    queued(nobody)
    assert samples(client)["postroom_withheld_total", "email", "recipient.no_email", "enqueue"] == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("templates")
def test_what_is_withheld_at_the_last_moment_is_counted_by_its_rule(
    sandbox: SandboxServer, settings: Any
) -> None:
    row = queued()
    Customer.objects.update(email="")
    drain()
    assert fresh(row).status == "cancelled"
    found = samples(program(settings))
    assert found["postroom_withheld_total", "email", "recipient.no_email", "delivery"] == 1
    assert found["postroom_messages_ended_total", "email", "cancelled"] == 1
    assert found["postroom_retries_total", "email"] == 0


@pytest.mark.django_db(transaction=True)
def test_runs_are_counted_by_how_they_ended(ops: Client, install: Install) -> None:
    def work(*, now: dt.datetime, **_: Any) -> JobResult:
        if now.hour == 15:
            raise ValueError("broken")
        return JobResult()

    install(work)
    assert run("probe", now=NOW, trigger="command").status is Outcome.FAILED
    run("probe", now=NOW + dt.timedelta(hours=1), trigger="command")
    run("probe", now=NOW + dt.timedelta(hours=1), trigger="command", dry_run=True)
    slot = NOW + dt.timedelta(hours=2)
    for _ in range(2):
        run("probe", now=slot, slot=slot, trigger="schedule")
    found = samples(ops)
    results = {
        result: found["postroom_job_runs_total", "probe", result]
        for result in ("success", "failed", "skipped", "crashed")
    }
    assert results == {"success": 2, "failed": 1, "skipped": 1, "crashed": 0}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "accept", ["", "application/openmetrics-text; version=1.0.0"], ids=["prometheus", "openmetrics"]
)
def test_both_formats_parse(ops: Client, accept: str) -> None:
    parse = parse_openmetrics if accept else text_string_to_metric_families
    response = ops.get("/metrics", headers={"Accept": accept})
    assert response["Content-Type"].startswith(accept.partition(";")[0] or "text/plain")
    names = [family.name for family in parse(response.content.decode())]
    assert len(names) == len(set(names)) > 20


@pytest.mark.django_db
@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool (Debian: prometheus)")
def test_names_and_units_are_what_promtool_wants(ops: Client) -> None:
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=ops.get("/metrics").content, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


@pytest.mark.django_db
def test_a_scrape_costs_the_same_however_much_there_is(
    ops: Client, django_assert_max_num_queries: Any
) -> None:
    samples(ops)
    NotificationFactory.create_batch(20)
    MetricCounter.objects.bulk_create(
        MetricCounter(name="postroom_withheld_total", labels=["email", f"rule.{n}", "enqueue"], value=1)
        for n in range(50)
    )
    with django_assert_max_num_queries(30):
        samples(ops)


@pytest.mark.django_db
def test_without_a_database_a_scrape_fails_and_says_so(ops: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(**_: Any) -> None:
        raise OperationalError("no answer from 10.1.2.3")

    monkeypatch.setattr("config.monitoring.page.queue_metrics", gone)
    response = ops.get("/metrics")
    assert response.status_code == 503
    assert "10.1.2.3" not in response.content.decode()


def test_a_rule_that_is_not_ours_is_other() -> None:
    assert rule_of("consent.missing") == "consent.missing"
    assert rule_of("anna.smith@example.com") == rule_of("consent." + "x" * 99) == "other"
    assert all(rule_of(rule) == rule for rule in RULES)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("login", [WORKER, MEMBER])
def test_workers_and_the_web_may_count(login: str) -> None:
    tally.add("login", [], 1)
    with logged_in_as(login):
        tally.write()
    assert MetricCounter.objects.get().value == 1
