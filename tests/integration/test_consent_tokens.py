"""Unsubscribe links: random, stored as a hash, alive for more than a year, issued by the batch."""

import datetime as dt
import hashlib
import re
import uuid
from typing import Any

import pytest

from consent.models import UnsubscribeToken
from consent.tokens import TokenRequest, find, issue_many, mark_used, preferences_url, unsubscribe_url

NOW = dt.datetime(2026, 3, 1, 12, 0, tzinfo=dt.UTC)

pytestmark = pytest.mark.django_db


def request(customer_id: str = "c1") -> TokenRequest:
    return TokenRequest(customer_id, "email", "marketing", uuid.uuid4(), "fr", address_hmac="abc")


def test_a_token_opens_what_it_was_made_for() -> None:
    asked = request()
    [token] = issue_many([asked], now=NOW)
    found = find(token, now=NOW)
    assert found is not None
    assert (found.customer_id, found.channel, found.category) == ("c1", "email", "marketing")
    assert (found.notification_id, found.locale, found.address_hmac) == (asked.notification_id, "fr", "abc")


def test_a_token_is_32_random_bytes_and_only_its_hash_is_stored() -> None:
    tokens = issue_many([request(), request()], now=NOW)
    assert len(set(tokens)) == 2
    for token in tokens:
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token)
        assert UnsubscribeToken.objects.filter(pk=hashlib.sha256(token.encode()).hexdigest()).exists()
    stored = {str(value) for row in UnsubscribeToken.objects.values() for value in row.values()}
    assert not stored & set(tokens)


def test_a_batch_is_one_insert_and_keeps_its_order(django_assert_num_queries: Any) -> None:
    asked = [request(f"c{number}") for number in range(300)]
    with django_assert_num_queries(1):
        tokens = issue_many(asked, now=NOW)
    for number in (0, 150, 299):
        found = find(tokens[number], now=NOW)
        assert found is not None
        assert found.customer_id == f"c{number}"
    assert issue_many([], now=NOW) == []


@pytest.mark.parametrize(("days", "alive"), [(None, 400), (500, 500), (30, 365)])
def test_a_token_lives_as_long_as_the_setting_says_but_never_under_a_year(
    settings: Any, days: int | None, alive: int
) -> None:
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, **({"UNSUBSCRIBE_DAYS": days} if days else {})}
    [token] = issue_many([request()], now=NOW)
    end = NOW + dt.timedelta(days=alive)
    assert find(token, now=end - dt.timedelta(seconds=1)) is not None
    assert find(token, now=end) is None


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "ü" * 43, "x" * 10_000, "../../etc/passwd"])
def test_what_we_never_issued_opens_nothing(token: str) -> None:
    issue_many([request()], now=NOW)
    assert find(token, now=NOW) is None


def test_the_hash_of_a_token_is_no_token() -> None:
    issue_many([request()], now=NOW)
    assert find(UnsubscribeToken.objects.get().pk, now=NOW) is None


def test_the_first_use_is_kept_and_the_token_goes_on_working() -> None:
    [token] = issue_many([request()], now=NOW)
    for hours in (1, 2):
        found = find(token, now=NOW)
        assert found is not None
        mark_used(found, now=NOW + dt.timedelta(hours=hours))
    assert UnsubscribeToken.objects.get().used_at == NOW + dt.timedelta(hours=1)


def test_the_addresses_are_absolute_and_hold_nothing_but_the_token(settings: Any) -> None:
    settings.PUBLIC_URL = "https://rental.example"
    [token] = issue_many([request()], now=NOW)
    assert unsubscribe_url(token) == f"https://rental.example/u/{token}"
    assert preferences_url(token) == f"https://rental.example/preferences/{token}"
