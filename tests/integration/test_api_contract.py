"""The API keeps its own document: random requests, right and wrong, never meet a 5xx or an answer it does not declare.

POSTROOM_EXAMPLES=1000 looks deeper than a test run has time for: other requests each time.
"""

import datetime as dt
import os
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from config.doors import Limit, limits
from config.wsgi import application
from jobs.catalog import CATALOG
from notifications.models import Notification
from tests.every_row import make_every_row
from tests.integration.api_client import token_entry
from tests.notification_factories import DeliveryAttemptFactory, NotificationFactory

DEEP = int(os.environ.get("POSTROOM_EXAMPLES", "0"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
REFUSING = [negative_data_rejection, ignored_auth, unsupported_method]
TOKEN = {"Authorization": "Bearer s3cret"}
SHOW = "/api/admin/notifications/{notification_id}"


pytestmark = pytest.mark.django_db(transaction=True)  # each request closes old connections
# A body that is wrong may be too large as well: 413 is declared, and not among what schemathesis takes for a refusal.
REFUSALS = ["400", "401", "403", "404", "405", "409", "411", "413", "422", "429"]
config = schemathesis.Config.from_dict(
    {"checks": {"negative_data_rejection": {"expected-statuses": REFUSALS}}}
)
schema = schemathesis.openapi.from_wsgi("/api/openapi.json", application, config=config)


@pytest.fixture(autouse=True)
def _token(settings: Any) -> None:
    settings.SERVICE_TOKENS = [token_entry("fuzz", "s3cret")]


@schema.parametrize()
@hypothesis(
    max_examples=DEEP or 15,
    deadline=None,
    derandomize=not DEEP,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_the_api_does_what_its_document_says(case: schemathesis.Case[Any]) -> None:
    case.call_and_validate(headers=TOKEN, checks=[*CHECKS, *REFUSING])


def answer(method: str, path: str, *, headers: dict[str, str] = TOKEN, **given: Any) -> int:
    """The status of one request, whose answer keeps the document."""
    case = schema[path][method].Case(**given)
    return int(case.call_and_validate(headers=headers, checks=CHECKS).status_code)


@pytest.mark.parametrize("status", Notification.Status.values)
def test_what_is_really_there_is_shown_as_documented(templates: None, status: str) -> None:
    """Random ids lead nowhere: these are of rows in every state, with attempts, events and a story."""
    make_every_row()
    row = NotificationFactory.create(status=status)
    for number in (1, 2):
        DeliveryAttemptFactory.create(notification=row, number=number)
    for found in Notification.objects.all():
        assert answer("GET", SHOW, path_parameters={"notification_id": str(found.pk)}) == 200
    assert answer("GET", "/api/admin/queue") == 200
    assert answer("GET", "/api/admin/jobs/runs", query={"limit": 1}) == 200
    assert answer("GET", "/api/admin/jobs/status", query={"probe": 1}) in (200, 503)


@pytest.mark.parametrize("name", CATALOG)
def test_every_job_runs_dry_and_answers_as_documented(templates: None, sandbox: Any, name: str) -> None:
    make_every_row()
    ran = answer("POST", "/api/admin/jobs/{name}/run", path_parameters={"name": name}, body={"dry_run": True})
    assert ran in (200, 422), "one job changes what no rollback takes back, and says so"


def test_whoever_tries_too_many_tokens_gets_an_answer_of_the_document(settings: Any) -> None:
    settings.LIMITS = limits() | {"bad_tokens": Limit(2, dt.timedelta(minutes=1))}
    wrong = {"Authorization": "Bearer prt_wrong"}
    assert [answer("GET", "/api/admin/queue", headers=wrong) for _ in range(3)] == [401, 401, 429]
