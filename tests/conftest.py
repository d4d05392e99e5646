"""What every test may use: a PostgreSQL database, the sandbox providers, templates, and a directory of people."""

from collections.abc import Iterator
from copy import copy
from typing import Any

import psycopg
import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import connection

from sandbox.testing import SandboxServer
from templates_app.models import NotificationTemplate, NotificationTemplateVersion, TemplatePartial
from tests.catalogue import install  # noqa: F401 (a fixture)
from tests.roles import is_superuser


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None, django_db_blocker: Any) -> None:
    """On a server of yours where the tests are no superuser: row level security would hide their rows from themselves, and
    they empty tables. What needs it is skipped."""
    with django_db_blocker.unblock(), connection._nodb_cursor() as cursor:
        if not is_superuser(cursor):
            django_settings.NOTIFICATIONS["ROW_SECURITY"] = False


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Let transactional tests empty the tables: the ledger's own trigger refuses TRUNCATE, in tests too."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE consent_events DISABLE TRIGGER consent_events_no_truncate")


@pytest.fixture(scope="module")
def swept(django_db_setup: None, django_db_blocker: Any) -> None:
    """The dead rows of the tests before are gone, as autovacuum would have it: a plan reads the pages of the living."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("VACUUM")


@pytest.fixture(autouse=True)
def at_any_hour(settings: Any) -> None:
    """No quiet hours, whatever the time is where the tests run, and a grant that nobody has to confirm; those about either
    set their own."""
    settings.NOTIFICATIONS = {"QUIET_HOURS": {}, "DOUBLE_OPT_IN": {}, **settings.NOTIFICATIONS}


@pytest.fixture(autouse=True)
def as_often_as_one_likes(settings: Any) -> None:
    """No limits on requests: a test makes more of them than a person; those about limits set their own."""
    settings.LIMITS = {}


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


@pytest.fixture(scope="session")
def published_templates() -> dict[str, list[Any]]:
    """The rows of the seed templates, once they have been published in this run."""
    return {}


@pytest.fixture
def templates(db: None, published_templates: dict[str, list[Any]]) -> None:
    """The seed templates, published; really once, then copied, since publishing proves every text."""
    if not published_templates:
        call_command("load_templates", verbosity=0)
        published_templates["templates"] = list(NotificationTemplate.objects.all())
        published_templates["versions"] = list(NotificationTemplateVersion.objects.all())
        published_templates["partials"] = list(TemplatePartial.objects.all())
        return
    # First without the version in force, which comes after them. Copies: where one test could not be set up, the next can.
    rows = [copy(row) for row in published_templates["templates"]]
    for row in rows:
        row.published_version_id = None
    NotificationTemplate.objects.bulk_create(rows)
    NotificationTemplateVersion.objects.bulk_create(published_templates["versions"])
    TemplatePartial.objects.bulk_create(published_templates["partials"])
    NotificationTemplate.objects.bulk_update(published_templates["templates"], ["published_version"])


@pytest.fixture
def other_connection(transactional_db: None) -> Iterator[Any]:
    """A second connection to the test's database, as another worker has one. Autocommits."""
    parameters = connection.get_connection_params()
    for name in ("cursor_factory", "context", "row_factory", "prepare_threshold", "pool"):
        parameters.pop(name, None)
    with psycopg.connect(**parameters, autocommit=True) as other:
        yield other
