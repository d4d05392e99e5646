"""The gate on real tables: what it reads, in how many queries, and by which index."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection

from consent.addresses import blind_index
from consent.gate import Subject, check_many
from consent.models import Suppression
from consent.preferences import grant, revoke
from consent.suppress import lift, suppress

NOW = dt.datetime(2026, 3, 1, 12, 0, tzinfo=dt.UTC)
JANE = blind_index("email", "jane@example.com")
SAY: dict[str, Any] = {"source": "web_form", "actor": "customer", "at": NOW - dt.timedelta(days=1)}

pytestmark = pytest.mark.django_db


def rule(channel: str, category: str, *, customer: str | None = "c1", address_hmac: str | None = JANE) -> str:
    [decision] = check_many([Subject(customer, channel, category, address_hmac)], now=NOW)
    return decision.rule


def test_consent_counts_for_its_own_customer_channel_and_category_only() -> None:
    grant(customer_id="c1", channel="email", category="marketing", **SAY)
    revoke(customer_id="c1", channel="sms", category="reminder", **SAY)
    assert rule("email", "marketing") == "consent.granted"
    assert rule("sms", "marketing") == "consent.missing"
    assert rule("push", "marketing", address_hmac=None) == "consent.missing"
    assert rule("email", "marketing", customer="c2") == "consent.missing"
    assert rule("sms", "reminder") == "consent.revoked"
    assert rule("email", "reminder") == "consent.not_revoked"


def test_a_revoked_grant_is_refused_at_once() -> None:
    grant(customer_id="c1", channel="email", category="marketing", **SAY)
    assert rule("email", "marketing") == "consent.granted"
    revoke(customer_id="c1", channel="email", category="marketing", **(SAY | {"at": NOW}))
    assert rule("email", "marketing") == "consent.revoked"


def test_staff_and_addresses_of_no_record_get_reminders_and_no_marketing() -> None:
    assert rule("email", "reminder", customer=None) == "consent.not_revoked"
    assert rule("email", "marketing", customer=None) == "consent.missing"
    assert rule("email", "transactional", customer=None) == "consent.not_needed"


def test_in_app_passes_always() -> None:
    suppress(channel="email", address="jane@example.com", reason="complaint")
    assert rule("inapp", "marketing", address_hmac=None) == "consent.not_needed"


def test_a_suppressed_address_is_refused_on_its_channel_whoever_it_belongs_to() -> None:
    suppress(channel="email", address=" JANE@example.com", reason="hard_bounce")
    assert rule("email", "security") == "suppressed.hard_bounce"
    assert rule("email", "security", customer="c2") == "suppressed.hard_bounce"
    assert rule("email", "security", customer=None) == "suppressed.hard_bounce"
    assert (
        rule("email", "security", address_hmac=blind_index("email", "joe@example.com"))
        == "consent.not_needed"
    )


def test_a_suppression_ends_when_it_expires_and_not_before() -> None:
    suppress(channel="email", address="jane@example.com", reason="hard_bounce", expires_at=NOW)
    assert rule("email", "transactional") == "consent.not_needed"
    Suppression.objects.update(expires_at=NOW + dt.timedelta(microseconds=1))
    assert rule("email", "transactional") == "suppressed.hard_bounce"


def test_a_lifted_suppression_is_over() -> None:
    kept = suppress(channel="email", address="jane@example.com", reason="manual")
    lift(kept.pk, by="staff:1", reason="It was a typo")
    assert rule("email", "transactional") == "consent.not_needed"


def test_a_marketing_suppression_lets_the_rest_through() -> None:
    grant(customer_id="c1", channel="email", category="marketing", **SAY)
    suppress(channel="email", address="jane@example.com", reason="complaint", scope="marketing")
    assert rule("email", "marketing") == "suppressed.complaint"
    assert rule("email", "reminder") == "consent.not_revoked"


def test_answers_come_in_the_order_of_the_questions() -> None:
    grant(customer_id="c2", channel="email", category="marketing", **SAY)
    asked = [Subject(customer, "email", "marketing", None) for customer in ("c1", "c2", "c1", "c3", "c2")]
    assert [decision.allowed for decision in check_many(asked, now=NOW)] == [False, True, False, False, True]


def test_an_unknown_category_is_loud() -> None:
    with pytest.raises(ValueError, match="gossip"):
        rule("email", "gossip")


@pytest.mark.parametrize("count", [1, 700])
def test_one_query_answers_for_any_number(django_assert_num_queries: Any, count: int) -> None:
    asked = [
        Subject(f"c{n}", "email", "marketing", blind_index("email", f"c{n}@example.com"))
        for n in range(count)
    ]
    with django_assert_num_queries(1):
        check_many(asked, now=NOW)


def test_nothing_is_asked_where_nothing_can_matter(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        check_many([Subject("c1", "inapp", "marketing", None)], now=NOW)
        check_many([], now=NOW)


def test_the_queries_walk_an_index_not_the_table() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO customer_consent (id, customer_id, channel, category, enabled, granted_at, source) "
            "SELECT gen_random_uuid(), 'c' || n, 'email', 'marketing', true, now(), 'import' "
            "FROM generate_series(1, 30000) AS n"
        )
        cursor.execute(
            "INSERT INTO suppressions (id, address_hmac, address_hint, channel, scope, reason, note, lifted_by, lift_reason) "
            "SELECT gen_random_uuid(), md5(n::text) || md5((-n)::text), '', 'email', 'all', 'hard_bounce', '', '', '' "
            "FROM generate_series(1, 30000) AS n"
        )
        cursor.execute("ANALYZE customer_consent, suppressions")
    asked = [
        Subject(f"c{n}", "email", "marketing", blind_index("email", f"c{n}@example.com")) for n in range(50)
    ]
    plans: list[str] = []

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        with connection.connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {sql}", params)
            plans.append("\n".join(line for (line,) in cursor))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        check_many(asked, now=NOW)
    assert "customer_consent_key" in plans[0]
    # Two of them begin with the address; the planner has its choice.
    assert any(name in plans[0] for name in ("suppressions_address", "suppressions_one_in_force")), plans[0]
    assert "Seq Scan" not in "".join(plans)
