"""Too often from one network: what is refused, what never is, and for how long, over all processes."""

import datetime as dt
import re
import threading
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from config.counting import count, forget, give_back
from config.doors import Limit, limits
from config.models import RequestCount
from consent.preferences import current, grant
from consent.tokens import TokenRequest, issue_many
from tests.integration.api_client import program
from tests.webhooks import twilio_post

pytestmark = pytest.mark.django_db
MINUTE = dt.timedelta(minutes=1)
QUEUE = "/api/admin/queue"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture(autouse=True)
def three_a_minute(settings: Any) -> None:
    settings.LIMITS = dict.fromkeys(limits(), Limit(3, MINUTE))


def statuses(client: Client, path: str, times: int, **more: Any) -> list[int]:
    return [client.get(path, **more).status_code for _ in range(times)]


def link() -> str:
    now = timezone.now()
    grant(
        customer_id="c1",
        channel="email",
        category="marketing",
        source="web_form",
        actor="customer",
        at=now - dt.timedelta(days=1),
    )
    [token] = issue_many([TokenRequest("c1", "email", "marketing", None, "en")], now=now)
    return token


# ── The counter ─────────────────────────────────────────────────────────────────────────────────────────
def test_the_fourth_of_three_is_over_and_a_new_window_begins_anew() -> None:
    assert [count("pages", "a").is_over for _ in range(5)] == [False, False, False, True, True]
    assert not count("pages", "b").is_over, "another caller"
    assert not count("bad_tokens", "a").is_over, "another limit"
    assert 1 <= count("pages", "a").wait <= 60
    RequestCount.objects.update(ends_at=timezone.now() - MINUTE)
    assert not count("pages", "a").is_over


def test_trying_on_does_not_lengthen_the_wait() -> None:
    count("pages", "a")
    [ends_at] = RequestCount.objects.values_list("ends_at", flat=True)
    for _ in range(10):
        count("pages", "a")
    assert RequestCount.objects.get().ends_at == ends_at


def test_what_turned_out_well_is_given_back_or_forgotten() -> None:
    for _ in range(10):
        count("pages", "a")
        give_back("pages", "a")
    assert not count("pages", "a").is_over
    for _ in range(10):
        count("pages", "a")
    forget("pages", "a")
    assert not count("pages", "a").is_over


def test_no_address_is_kept_and_old_rows_are_swept(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.counting._SWEEP_ONE_IN", 1)
    count("pages", "203.0.113.9")
    assert re.fullmatch("[0-9a-f]{64}", RequestCount.objects.get().digest)
    RequestCount.objects.update(ends_at=timezone.now() - MINUTE)
    count("pages", "another")
    assert RequestCount.objects.count() == 1


def test_a_limit_that_is_not_named_writes_nothing(settings: Any) -> None:
    settings.LIMITS = {}
    assert statuses(Client(), "/u/nothing", 10) == [404] * 10
    assert not RequestCount.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_ten_at_once_are_counted_as_ten() -> None:
    over: list[bool] = []

    def one() -> None:
        over.append(count("pages", "a").is_over)
        connection.close()

    threads = [threading.Thread(target=one) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(over) == [False] * 3 + [True] * 7


# ── Public pages ────────────────────────────────────────────────────────────────────────────────────────
def test_looks_are_refused_with_how_long_to_wait_in_both_languages() -> None:
    path, client = f"/u/{link()}", Client()
    assert statuses(client, path, 3) == [200] * 3
    refused = client.get(path)
    assert refused.status_code == 429
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert refused["Cache-Control"] == "no-store"
    text = refused.content.decode()
    assert "Too many requests" in text
    assert "Trop de demandes" in text
    assert statuses(Client(REMOTE_ADDR="203.0.113.9"), path, 1) == [200], "another network"


def test_no_opt_out_is_refused_however_often_its_network_was_wrong() -> None:
    token, client = link(), Client()
    assert statuses(client, "/u/nothing", 4)[-1] == 429
    for _ in range(10):
        client.post("/u/nothing", ONE_CLICK)
    assert client.post("/u/nothing", ONE_CLICK).status_code == 429
    for _ in range(10):
        assert client.post(f"/u/{token}", ONE_CLICK).status_code == 200
    assert not current("c1")["email", "marketing"].enabled


def test_choosing_on_the_preference_page_is_not_refused_either() -> None:
    path, client = f"/preferences/{link()}", Client()
    assert statuses(client, path, 4)[-1] == 429
    assert client.post(path, {"action": "save"}).status_code == 200


# ── Tokens ──────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("path", [QUEUE, "/metrics"])
def test_wrong_tokens_meet_429_and_the_right_one_beside_them_works(settings: Any, path: str) -> None:
    right = program(settings)
    wrong = Client(headers={"Authorization": "Bearer prt_nothing"})
    assert statuses(wrong, path, 5) == [401, 401, 401, 429, 429]
    refused = wrong.get(path)
    assert refused.json()["error"]["code"] == "too_many"
    assert int(refused["Retry-After"]) >= 1
    assert statuses(right, path, 5) == [200] * 5


def test_who_sends_no_token_is_only_told_to(settings: Any) -> None:
    assert statuses(Client(), QUEUE, 6) == [401] * 6


# ── Webhooks ────────────────────────────────────────────────────────────────────────────────────────────
def test_posts_that_prove_nothing_meet_429() -> None:
    client = Client()
    answers = [client.post("/webhooks/twilio/status/", {"x": "y"}).status_code for _ in range(5)]
    assert answers[:3] == [403] * 3
    assert answers[3:] == [429] * 2


def test_the_client_behind_our_proxy_is_counted_and_not_the_proxy(settings: Any) -> None:
    settings.TRUSTED_PROXIES = 1
    for number in range(6):
        told = {"X-Forwarded-For": f"6.6.6.6, 203.0.113.{number}"}
        assert Client(headers=told).get("/u/nothing").status_code == 404
    forged = [
        Client(headers={"X-Forwarded-For": f"6.6.6.{n}, 203.0.113.9"}).get("/u/nothing") for n in range(5)
    ]
    assert [answer.status_code for answer in forged][-1] == 429


def test_a_signed_post_beside_forged_ones_is_taken() -> None:
    client = Client()
    for _ in range(6):
        client.post("/webhooks/twilio/status/", {"x": "y"})
    report = {"MessageSid": f"SM{'0' * 32}", "MessageStatus": "delivered"}
    assert twilio_post(client, "/webhooks/twilio/status/", report).status_code < 400
