"""`Idempotency-Key`: a request that is sent again is done once, whatever breaks in between."""

import datetime as dt
import threading
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client
from django.utils import timezone

from notifications.enqueue import notify as queue_it
from notifications.models import ApiRequest, Notification
from tests.integration.api_client import INLINE, program, staff, token_entry

pytestmark = pytest.mark.django_db

URL = "/api/admin/notifications"
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def ops(settings: Any) -> Client:
    return program(settings)


def post(client: Client, key: str, body: dict[str, Any] | None = None, *, url: str = URL) -> Any:
    return client.post(url, body or INLINE, content_type="application/json", headers={"Idempotency-Key": key})


def code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def went_by(time: dt.timedelta) -> None:
    """As if the rows of `api_requests` were so much older."""
    ApiRequest.objects.update(locked_until=F("locked_until") - time, expires_at=F("expires_at") - time)


# ── The stored answer ───────────────────────────────────────────────────────────────────────────────────
def test_the_same_request_again_gets_the_same_answer_and_queues_nothing(ops: Client) -> None:
    first, again = post(ops, "k-1"), post(ops, "k-1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert "Idempotency-Replayed" not in first
    assert again["Idempotency-Replayed"] == "true"
    assert again["Content-Type"] == first["Content-Type"]
    assert str(Notification.objects.get().pk) == first.json()["data"]["queued"][0]["id"]


def test_the_same_body_written_differently_is_the_same_request(ops: Client) -> None:
    post(ops, "k-1", {**INLINE, "metadata": {"a": 1, "b": 2}})
    reordered = {
        "metadata": {"b": 2, "a": 1},
        **dict(reversed(INLINE.items())),
        "payload": {},
        "priority": None,
    }
    assert post(ops, "k-1", reordered)["Idempotency-Replayed"] == "true"


def test_another_body_under_the_same_key_is_refused(ops: Client) -> None:
    post(ops, "k-1")
    assert code(post(ops, "k-1", {**INLINE, "body": "It is late."})) == (422, "idempotency_key_reused")
    assert Notification.objects.count() == 1
    assert post(ops, "k-1")["Idempotency-Replayed"] == "true", "the refusal changed nothing"


def test_a_refusal_is_an_answer_too_and_the_key_stays_bound_to_it(ops: Client) -> None:
    wrong = {**INLINE, "template": "no.such"}
    first, again = post(ops, "k-1", wrong), post(ops, "k-1", wrong)
    assert code(first) == code(again) == (422, "unknown_template")
    assert (again.content, again["Idempotency-Replayed"]) == (first.content, "true")
    assert code(post(ops, "k-1")) == (422, "idempotency_key_reused")


def test_a_body_that_cannot_be_read_binds_no_key(ops: Client) -> None:
    assert code(post(ops, "k-1", {"surprise": True})) == (422, "invalid")
    assert post(ops, "k-1").status_code == 201


def test_the_header_does_not_name_the_message(ops: Client) -> None:
    post(ops, "k-1", {**INLINE, "idempotency_key": "quote:1"})
    existing = post(ops, "k-2", {**INLINE, "idempotency_key": "quote:1"}).json()["data"]["existing"]
    assert len(existing) == 1, "the body's key does"
    post(ops, "k-3")
    assert set(Notification.objects.values_list("idempotency_key", flat=True)) == {"quote:1", None}


def test_a_dry_run_keeps_its_answer_and_nothing_else(ops: Client) -> None:
    dry = f"{URL}?dry_run=1"
    first, again = post(ops, "k-1", url=dry), post(ops, "k-1", url=dry)
    assert (first.status_code, again.content) == (200, first.content)
    assert not Notification.objects.exists()
    assert post(ops, "k-1").status_code == 201, "without the query it is another request"


def test_a_key_belongs_to_its_caller(ops: Client, settings: Any) -> None:
    settings.SERVICE_TOKENS = [*settings.SERVICE_TOKENS, token_entry("other", "0ther")]
    other = Client(headers={"Authorization": "Bearer 0ther"})
    person = staff("notifications.add_notification")
    for client in (ops, other, person):
        assert "Idempotency-Replayed" not in post(client, "k-1")
    assert "Idempotency-Replayed" in post(person, "k-1")
    assert Notification.objects.count() == 3


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "clé", "tab\there"])
def test_a_key_is_1_to_255_visible_characters(ops: Client, key: str) -> None:
    response = ops.generic("POST", URL, b"{}", "application/json", HTTP_IDEMPOTENCY_KEY=key)
    assert response.status_code == 422, "the body is read first"
    response = post(ops, key)
    assert code(response) == (400, "bad_idempotency_key")
    assert not Notification.objects.exists()


def test_the_longest_key_is_good_and_no_key_is_stored_in_clear(ops: Client) -> None:
    key = "anna.smith@example.com/" + "~" * 232
    assert post(ops, key).status_code == 201
    row = ApiRequest.objects.values().get()
    assert "anna" not in str(row)


def test_the_document_tells_of_the_key_and_of_what_comes_back() -> None:
    operation = Client().get("/api/openapi.json").json()["paths"][URL]["post"]
    [header] = [parameter for parameter in operation["parameters"] if parameter["in"] == "header"]
    assert header["name"] == "Idempotency-Key"
    assert {"minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}.items() <= header["schema"]["anyOf"][
        0
    ].items()
    responses = operation["responses"]
    assert "Retry-After" in responses["409"]["headers"]
    assert all("Idempotency-Replayed" in responses[status]["headers"] for status in ("200", "201", "422"))
    assert "content" in responses["201"], "the header is added, and replaces nothing"


# ── Time ────────────────────────────────────────────────────────────────────────────────────────────────
def test_answers_are_kept_a_day_and_expired_ones_are_swept_in_passing(ops: Client, settings: Any) -> None:
    post(ops, "k-1")
    went_by(dt.timedelta(hours=23, minutes=59))
    assert "Idempotency-Replayed" in post(ops, "k-1")
    post(ops, "k-2")
    went_by(MINUTE)
    assert "Idempotency-Replayed" not in post(ops, "k-1")
    assert Notification.objects.count() == 3

    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "API_ANSWERS_KEPT": dt.timedelta(hours=1)}
    ApiRequest.objects.update(expires_at=timezone.now() - MINUTE)
    post(ops, "k-3")
    [left] = ApiRequest.objects.all()
    assert left.expires_at - timezone.now() < dt.timedelta(hours=1, seconds=1)


# ── What breaks in between ──────────────────────────────────────────────────────────────────────────────
def breaks(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """After the rows are written, and before they are committed."""

    def notify(*args: Any, **kwargs: Any) -> Any:
        queue_it(*args, **kwargs)
        raise error

    monkeypatch.setattr("notifications.api.routes.notify", notify)


def test_a_fault_of_ours_frees_the_key(ops: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        breaks(broken, RuntimeError("disk"))
        assert code(post(ops, "k-1")) == (500, "unexpected")
    assert not ApiRequest.objects.exists()
    assert post(ops, "k-1").status_code == 201
    assert Notification.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_crash_leaves_neither_rows_nor_answer_and_its_lock_runs_out(
    ops: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        breaks(broken, SystemExit())
        with pytest.raises(SystemExit):
            post(ops, "k-1")
    assert not Notification.objects.exists()
    early = post(ops, "k-1")
    assert (code(early), early["Retry-After"]) == ((409, "idempotency_key_in_progress"), "1")
    assert code(post(ops, "k-1", {**INLINE, "body": "Else"})) == (422, "idempotency_key_reused")
    went_by(MINUTE)
    assert code(post(ops, "k-1", {**INLINE, "body": "Else"})) == (422, "idempotency_key_reused")
    assert post(ops, "k-1").status_code == 201
    assert Notification.objects.count() == 1


# ── Two at once ─────────────────────────────────────────────────────────────────────────────────────────
class Held:
    """A request that stands still after its rows are written, in a thread with a connection of its own."""

    def __init__(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wrote, self.go_on = threading.Event(), threading.Event()
        self.responses: list[Any] = []

        def notify(*args: Any, **kwargs: Any) -> Any:
            result = queue_it(*args, **kwargs)
            if threading.current_thread() is self.thread:
                self.wrote.set()
                assert self.go_on.wait(10)
            return result

        def send() -> None:
            try:
                self.responses.append(post(client, "k-1"))
            finally:
                connection.close()

        monkeypatch.setattr("notifications.api.routes.notify", notify)
        self.thread = threading.Thread(target=send)
        self.thread.start()
        assert self.wrote.wait(10)

    def finish(self) -> Any:
        self.go_on.set()
        self.thread.join(10)
        return self.responses[0]


@pytest.mark.django_db(transaction=True)
def test_while_the_first_is_in_progress_the_second_is_told_to_come_back(
    ops: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(ops, monkeypatch)
    second = post(ops, "k-1")
    assert (code(second), second["Retry-After"]) == ((409, "idempotency_key_in_progress"), "1")
    first = held.finish()
    assert first.status_code == 201
    assert post(ops, "k-1").content == first.content
    assert Notification.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_who_was_taken_for_dead_keeps_nothing(ops: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held(ops, monkeypatch)
    went_by(MINUTE)
    second = post(ops, "k-1")
    assert second.status_code == 201
    assert code(held.finish()) == (409, "idempotency_key_in_progress")
    assert str(Notification.objects.get().pk) == second.json()["data"]["queued"][0]["id"]
    assert post(ops, "k-1").content == second.content
