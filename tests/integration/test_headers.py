"""What every answer carries, whoever gives it: one policy for the browser, and no body without end."""

import asyncio
import json
from typing import Any

import pytest
from django.test import Client, RequestFactory

from config.body_bounds import BIGGEST_BODY, bounded
from config.client_address import ClientAddress, network_of
from config.safe_headers import CSP
from tests.integration.api_client import INLINE, program
from tests.operators import operator

pytestmark = pytest.mark.django_db


# ── Content-Security-Policy ─────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/healthz",
        "/readyz",
        "/metrics",
        "/api/nothing",
        "/api/admin/queue",
        "/nothing",
        "/webhooks/x/",
        "/favicon.ico",
    ],
)
def test_what_is_no_page_may_do_nothing(path: str) -> None:
    response = Client().get(path)
    assert response[CSP] == "default-src 'none'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
    assert "camera=()" in response["Permissions-Policy"]
    assert response["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize(
    "path", ["/admin/", "/admin/login/", "/admin/notifications/notification/", "/admin/nothing/"]
)
def test_the_admin_runs_its_own_files_and_no_inline_script(path: str) -> None:
    policy = operator("*").get(path)[CSP]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["script-src"] == "'self' 'unsafe-eval'"
    assert directives["default-src"] == directives["base-uri"] == directives["frame-ancestors"] == "'none'"
    assert "http" not in policy, "nothing comes from elsewhere"


def test_the_public_pages_keep_their_own_policy_alone() -> None:
    response = Client().get("/u/not-a-token")
    assert response[CSP].startswith("default-src 'none'; style-src 'nonce-")
    assert "," not in response[CSP]
    assert response["Referrer-Policy"] == "no-referrer"


# ── Bodies ──────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    "path", ["/api/admin/jobs/booking_reminders/run", "/webhooks/twilio/status/", "/u/x", "/admin/login/"]
)
def test_a_body_without_a_length_is_refused_and_not_taken_for_an_empty_one(settings: Any, path: str) -> None:
    response = program(settings).post(
        path, b'{"dry_run": true}', content_type="application/json", headers={"Transfer-Encoding": "chunked"}
    )
    assert response.status_code == 411
    if path.startswith("/api/"):
        assert response.json()["error"]["code"] == "length_required"


@pytest.mark.parametrize(
    "path", ["/api/admin/notifications", "/webhooks/twilio/status/", "/u/x", "/admin/login/"]
)
def test_no_address_takes_more_than_the_wall(settings: Any, path: str) -> None:
    response = program(settings).post(path, b"x" * (BIGGEST_BODY + 1), content_type="application/json")
    assert response.status_code == 413


def test_json_that_is_too_deep_is_refused_before_anybody_walks_it(settings: Any) -> None:
    deep = json.loads("[" * 60 + "]" * 60)
    response = program(settings).post(
        "/api/admin/notifications",
        json.dumps({**INLINE, "payload": {"x": deep}}),
        content_type="application/json",
    )
    assert response.status_code == 400
    assert "deep" in response.json()["error"]["message"]


def test_asgi_refuses_before_it_reads() -> None:
    answers: list[dict[str, Any]] = []

    async def never(*_: Any) -> None:
        raise AssertionError("the application was asked, or the body read")

    async def keep(message: dict[str, Any]) -> None:
        answers.append(message)

    refused = (
        (b"transfer-encoding", b"chunked"),
        (b"content-length", b"999999999999"),
        (b"content-length", b"9" * 5000),
    )
    for name, value in refused:
        asyncio.run(bounded(never)({"type": "http", "headers": [(name, value)]}, never, keep))
    assert [answer["status"] for answer in answers if "status" in answer] == [411, 413, 413]


# ── The client's address ────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("proxies", "told", "found"),
    [
        (0, "203.0.113.9", "10.0.0.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        (2, "6.6.6.6, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        (2, "203.0.113.9", "10.0.0.1"),
        (1, "", "10.0.0.1"),
        (1, "<script>", "10.0.0.1"),
        (-1, "203.0.113.9", "10.0.0.1"),
        (1, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        (1, "::ffff:203.0.113.9", "203.0.113.9"),
        (1, "fe80::1%eth0", "fe80::/64"),
    ],
)
def test_only_what_our_own_proxies_wrote_is_believed(
    settings: Any, proxies: int, told: str, found: str
) -> None:
    settings.TRUSTED_PROXIES = proxies
    request = RequestFactory().get("/", headers={"X-Forwarded-For": told}, REMOTE_ADDR="10.0.0.1")
    ClientAddress(lambda _request: None)(request)  # type: ignore[arg-type, return-value]
    assert network_of(request) == found
