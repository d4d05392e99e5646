"""What a supervisor and a load balancer see."""

import json
import os
import socket
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import OperationalError, connection
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from config.monitoring.probes import _needed
from tests.operators import operator

ASK = (
    "import django; django.setup()\n"
    "from django.test import Client\n"
    "answers = [Client().get(path) for path in ('/healthz', '/readyz')]\n"
    "print([answer.status_code for answer in answers], answers[1].content.decode())"
)


def asked_with(database_url: str) -> str:
    env = {**os.environ, "DATABASE_URL": database_url, "DJANGO_SETTINGS_MODULE": "config.settings"}
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=django_settings.BASE_DIR,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_alive_needs_no_database() -> None:
    response = Client().get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert "no-store" in response["Cache-Control"]


@pytest.mark.django_db
def test_ready_with_every_table() -> None:
    assert Client().get("/readyz").json() == {"status": "ok"}


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.django_db
def test_a_probe_may_come_by_any_name_ask_for_the_head_and_gets_no_cookie(path: str) -> None:
    response = operator("*").head(path, headers={"Host": "10.1.2.3:8000"})
    assert (response.status_code, response.content) == (200, b"")
    assert not response.cookies
    assert Client().post(path).status_code == 405


@pytest.mark.django_db
def test_a_probe_reads_one_table_and_no_session(django_assert_num_queries: Any) -> None:
    client = operator("*")
    client.get("/readyz")
    with django_assert_num_queries(0):
        client.get("/healthz")
    # A savepoint and its end, two settings, and what is applied.
    with django_assert_num_queries(5):
        client.get("/readyz")


@pytest.mark.django_db
def test_not_ready_while_a_migration_is_missing_and_only_the_log_says_which(caplog: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'jobs'")
    response = Client().get("/readyz")
    assert response.status_code == 503
    assert response.json() == {"status": "unavailable", "reason": "migrations are missing"}
    assert "jobs.0001_initial" in caplog.text


@pytest.mark.django_db
@pytest.mark.parametrize("applied", [["0001_all"], ["0001_one", "0002_two"]], ids=["the squash", "its parts"])
def test_a_squashed_migration_counts_for_its_parts_and_they_for_it(
    applied: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = type("Whole", (Migration,), {"replaces": [("x", "0001_one"), ("x", "0002_two")]})("0001_all", "x")
    on_disk = {("x", "0001_all"): whole} | {
        ("x", name): Migration(name, "x") for name in ("0001_one", "0002_two")
    }
    monkeypatch.setattr(
        MigrationLoader, "build_graph", lambda self: setattr(self, "disk_migrations", on_disk)
    )
    _needed.cache_clear()
    try:
        assert Client().get("/readyz").status_code == 503
        MigrationRecorder.Migration.objects.bulk_create(
            MigrationRecorder.Migration(app="x", name=name) for name in applied
        )
        assert Client().get("/readyz").status_code == 200
    finally:
        _needed.cache_clear()


def test_not_ready_without_a_database_and_its_address_stays_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> None:
        raise OperationalError("connection refused by 10.1.2.3")

    monkeypatch.setattr("config.monitoring.probes.transaction.atomic", gone)
    response = Client().get("/readyz")
    assert response.status_code == 503
    assert "10.1.2.3" not in response.content.decode()


def test_a_database_that_refuses_is_told_at_once() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    answer = asked_with(f"postgresql://nobody@127.0.0.1:{port}/none")
    assert answer == '[200, 503] {"status": "unavailable", "reason": "the database does not answer"}'


def test_a_database_that_never_answers_is_not_waited_for() -> None:
    """It takes the connection and says nothing: without a limit this test would not end."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        answer = asked_with(f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/none")
    assert json.loads(answer.removeprefix("[200, 503] "))["reason"] == "the database does not answer"
