"""What every test may use: a PostgreSQL database, the sandbox providers, templates, and a directory of people."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from sandbox.testing import SandboxServer

MOMENT = dt.datetime(2026, 11, 20, 15, 0, tzinfo=dt.UTC)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Let transactional tests empty the tables: the ledger's own trigger refuses TRUNCATE, in tests too."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE consent_events DISABLE TRIGGER consent_events_no_truncate")
    yield


@pytest.fixture(scope="session")
def sandbox_server() -> Iterator[SandboxServer]:
    """The local providers, once a test run; `sandbox` gives each test a clean one."""
    with SandboxServer() as server:
        yield server


@pytest.fixture
def sandbox(sandbox_server: SandboxServer, settings: Any) -> SandboxServer:
    """Providers that forgot everything, with the settings pointing at them."""
    sandbox_server.reset()
    # Django's test runner puts its own in place, which would leave the real adapter untested.
    settings.EMAIL_BACKEND = "anymail.backends.sendgrid.EmailBackend"
    settings.ANYMAIL = {**settings.ANYMAIL, "SENDGRID_API_URL": f"{sandbox_server.url}/sendgrid/v3/"}
    settings.TWILIO_API_URL = f"{sandbox_server.url}/twilio"
    settings.STRIPE_API_URL = f"{sandbox_server.url}/stripe"
    return sandbox_server


@pytest.fixture
def templates(db: None) -> None:
    """The seed templates, published."""
    call_command("load_templates", verbosity=0)


@pytest.fixture
def moment() -> dt.datetime:
    return MOMENT


@pytest.fixture
def other_connection(transactional_db: None) -> Iterator[Any]:
    """A second connection to the test's database, as another worker has one. Autocommits."""
    parameters = connection.get_connection_params()
    for name in ("cursor_factory", "context", "row_factory", "prepare_threshold", "pool"):
        parameters.pop(name, None)
    with psycopg.connect(**parameters, autocommit=True) as other:
        yield other
