"""Every answer of the API has one shape, whoever asks for whatever; and only the right callers get in."""

import json
from typing import Any

import pytest
from django.test import Client

from config.api import api
from notifications.api.tokens import token_problems
from tests.integration.api_client import program, staff, token_entry

pytestmark = pytest.mark.django_db

STATUS = "/api/admin/jobs/status"
RUN = "/api/admin/jobs/booking_reminders/run"
JSON = "application/json"
SOME_ID = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"

# Every operation, and what opens it.
OPERATIONS = [
    ("GET", STATUS, "jobs:read", "jobs.view_jobrun"),
    ("GET", "/api/admin/jobs/runs", "jobs:read", "jobs.view_jobrun"),
    ("POST", RUN, "jobs:run", "jobs.run_job"),
    ("POST", "/api/admin/jobs/booking_reminders/pause", "jobs:pause", "jobs.pause_job"),
    ("POST", "/api/admin/jobs/booking_reminders/resume", "jobs:pause", "jobs.pause_job"),
    ("POST", "/api/admin/notifications", "notifications:write", "notifications.add_notification"),
    ("POST", "/api/admin/notifications/process", "process", "notifications.replay_notification"),
    ("GET", f"/api/admin/notifications/{SOME_ID}", "notifications:read", "notifications.view_notification"),
    ("GET", "/api/admin/queue", "queue:read", "notifications.view_notification"),
]


def refusal(response: Any, status: int) -> dict[str, Any]:
    """The error of a refusal in the one shape."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == JSON
    body = response.json()
    assert set(body) == {"data", "error", "meta"}
    assert body["data"] is None
    assert body["meta"]["at"]
    error: dict[str, Any] = body["error"]
    assert set(error) == {"code", "message", "fields"}
    return error


def test_every_operation_is_in_the_table_above() -> None:
    documented = {
        (method.upper(), path)
        for path, methods in api.get_openapi_schema()["paths"].items()
        for method in methods
    }
    tested = {
        (method, path.replace("booking_reminders", "{name}").replace(SOME_ID, "{notification_id}"))
        for method, path, _, _ in OPERATIONS
    }
    assert documented == tested


# ── Who gets in ─────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(("method", "path", "_scope", "_permission"), OPERATIONS)
def test_nobody_gets_in_unknown(method: str, path: str, _scope: str, _permission: str) -> None:
    response = Client().generic(method, path)
    assert refusal(response, 401)["code"] == "not_signed_in"
    assert response["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(("method", "path", "scope", "_permission"), OPERATIONS)
def test_a_token_opens_what_its_scope_says_and_nothing_else(
    settings: Any, method: str, path: str, scope: str, _permission: str
) -> None:
    others = {entry[2] for entry in OPERATIONS} - {scope}
    error = refusal(program(settings, *others).generic(method, path), 403)
    assert (error["code"], scope in error["message"]) == ("missing_scope", True)

    let_in = program(settings, scope).generic(method, path, content_type=JSON)
    assert let_in.status_code not in (401, 403)


@pytest.mark.parametrize(("method", "path", "_scope", "permission"), OPERATIONS)
def test_staff_need_the_permission(method: str, path: str, _scope: str, permission: str) -> None:
    assert refusal(staff().generic(method, path), 403)["code"] == "missing_permission"


@pytest.mark.parametrize(("method", "path", "_scope", "permission"), OPERATIONS)
def test_staff_with_the_permission_get_in(method: str, path: str, _scope: str, permission: str) -> None:
    assert staff(permission).generic(method, path, content_type=JSON).status_code not in (401, 403)


def test_a_permission_without_being_staff_is_not_enough() -> None:
    assert refusal(staff("jobs.view_jobrun", is_staff=False).get(STATUS), 403)["code"] == "missing_permission"


def test_a_change_by_session_needs_the_csrf_token_and_reading_does_not() -> None:
    browser = staff("jobs.run_job", "jobs.view_jobrun", csrf=True)
    assert browser.get(STATUS).status_code == 200
    assert refusal(browser.post(RUN, content_type=JSON), 403)["code"] == "csrf_failed"
    browser.cookies["csrftoken"] = "a" * 32
    assert browser.post(RUN, content_type=JSON, headers={"X-CSRFToken": "a" * 32}).status_code == 200


def test_a_form_is_not_json(settings: Any) -> None:
    browser = staff("jobs.run_job", csrf=True)
    browser.cookies["csrftoken"] = "a" * 32
    form = {"dry_run": "1", "csrfmiddlewaretoken": "a" * 32}
    assert refusal(browser.post(RUN, form), 400)["code"] == "bad_json"
    assert refusal(program(settings).post(RUN, {"dry_run": "1"}), 400)["code"] == "bad_json"


def test_a_token_needs_no_csrf_token(settings: Any) -> None:
    client = program(settings, "jobs:run")
    client.handler.enforce_csrf_checks = True
    assert client.post(RUN, content_type=JSON).status_code == 200


@pytest.mark.parametrize(
    "header", ["Bearer wrong", "Bearer ", "Bearer", "Basic b3BzOnMzY3JldA==", "s3cret", "Bearer ünï"]
)
def test_a_wrong_token_is_refused_even_with_a_good_session(settings: Any, header: str) -> None:
    program(settings)
    client = staff("jobs.view_jobrun")
    assert refusal(client.get(STATUS, headers={"Authorization": header}), 401)["code"] == "bad_token"


def test_each_of_several_tokens_is_known_and_the_digest_itself_is_no_token(settings: Any) -> None:
    settings.SERVICE_TOKENS = [
        token_entry("one", "first", "jobs:read"),
        "broken",
        token_entry("two", "second"),
    ]
    for token, status in (("first", 200), ("second", 200), (settings.SERVICE_TOKENS[2].split(":")[1], 401)):
        response = Client().get(STATUS, headers={"Authorization": f"Bearer {token}"})
        assert response.status_code == status


def test_malformed_tokens_are_named_without_their_digest() -> None:
    good = token_entry("ops", "x", "jobs:read", "process")
    bad_scope = token_entry("ci", "x", "jobs:write")
    found = list(token_problems([good, "ops:secret", bad_scope]))
    assert len(found) == 2
    assert found[0].startswith("entry 2 is not name:sha256")
    assert found[1] == "entry 3 (ci) has unknown scopes: jobs:write"
    assert "secret" not in found[0]


# ── Errors ──────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    "path", ["/api/", "/api/nothing", "/api/admin/notifications/not-a-uuid", "/api/admin/jobs//run"]
)
def test_an_unknown_address_is_a_404_in_the_same_shape(path: str) -> None:
    assert refusal(Client().get(path), 404)["code"] == "not_found"


@pytest.mark.parametrize(("method", "path", "_scope", "_permission"), OPERATIONS)
def test_a_method_that_is_not_allowed_is_a_405_that_says_which_are(
    settings: Any, method: str, path: str, _scope: str, _permission: str
) -> None:
    response = program(settings).delete(path)
    assert refusal(response, 405)["code"] == "method_not_allowed"
    assert method in response["Allow"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("{", 400, "bad_json"),
        ('{"at": NaN}', 400, "bad_json"),
        ('{"at": "\\u0000"}', 400, "bad_json"),
        ('{"at": "\\ud800"}', 400, "bad_json"),
        ("[" * 100_000, 400, "bad_json"),
        ('{"at": ' + "9" * 5000 + "}", 400, "bad_json"),
        (b"\xff\xfe", 400, "bad_json"),
        ('{"x": "' + "y" * 300_000 + '"}', 413, "too_large"),
        ('{"surprise": 1}', 422, "invalid"),
        ('{"dry_run": "perhaps"}', 422, "invalid"),
        ('{"at": "2026-11-15T08:00"}', 422, "invalid"),
        ('{"at": "9999-12-31T23:59:59Z"}', 422, "invalid"),
        ("[]", 422, "invalid"),
        ("7", 422, "invalid"),
    ],
)
def test_a_body_that_cannot_be_used_is_refused(
    settings: Any, body: str | bytes, status: int, code: str
) -> None:
    response = program(settings).post(RUN, body, content_type=JSON)
    assert refusal(response, status)["code"] == code


def test_a_body_beyond_djangos_own_limit_is_refused_too(settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    response = program(settings).post(RUN, "x" * 2000, content_type=JSON)
    assert refusal(response, 413)["code"] == "too_large"


def test_an_invalid_field_is_named(settings: Any) -> None:
    response = program(settings).post(RUN, json.dumps({"surprise": 1, "at": "soon"}), content_type=JSON)
    error = refusal(response, 422)
    assert set(error["fields"]) == {"surprise", "at"}
    assert "soon" not in json.dumps(error)


def test_what_breaks_on_our_side_is_a_500_that_tells_nothing(
    settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(**_kwargs: Any) -> None:
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr("jobs.api.job_statuses", broken)
    response = program(settings).get(STATUS)
    assert refusal(response, 500)["code"] == "unexpected"
    assert b"hunter2" not in response.content
    assert "api.failed" in caplog.text


# ── The document ────────────────────────────────────────────────────────────────────────────────────────
def test_the_document_declares_every_answer_and_both_ways_in() -> None:
    document = Client().get("/api/openapi.json").json()
    assert set(document["components"]["securitySchemes"]) == {"ServiceToken", "StaffSession"}
    for methods in document["paths"].values():
        for operation in methods.values():
            assert {"400", "401", "403"} <= set(operation["responses"])
            assert operation["security"] == [{"ServiceToken": []}, {"StaffSession": []}]
            assert "cope `" in operation["description"]


def test_the_docs_page_is_for_staff_and_loads_nothing_from_elsewhere() -> None:
    assert Client().get("/api/docs").status_code == 302
    page = staff().get("/api/docs")
    assert page.status_code == 200
    assert b"https://" not in page.content.replace(b"https://django-ninja.dev", b"")
