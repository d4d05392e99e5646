"""The state is a projection of the ledger: whatever happens to it, the events bring it back, and a check notices."""

import datetime as dt
import json
import threading
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consent.ledger import Change
from consent.models import ConsentEvent, CustomerConsent
from consent.preferences import grant, record_many, revoke
from consent.rebuild import drifts, rebuild
from tests.integration.test_consent_chain import triggers_off

NOW = dt.datetime(2026, 3, 1, 12, 0, tzinfo=dt.UTC)
BY: dict[str, Any] = {"source": "web_form", "actor": "customer"}
KEY: dict[str, Any] = {"channel": "email", "category": "marketing"}


def day(number: int) -> dt.datetime:
    return NOW + dt.timedelta(days=number)


def command(**options: Any) -> str:
    told = StringIO()
    call_command("rebuild_consent", stdout=told, **options)
    return told.getvalue()


def state() -> list[dict[str, Any]]:
    fields = (
        "customer_id",
        "channel",
        "category",
        "enabled",
        "granted_at",
        "revoked_at",
        "source",
        "event_id",
    )
    return list(CustomerConsent.objects.order_by(*fields[:3]).values(*fields))


@pytest.fixture
def people(db: None) -> list[dict[str, Any]]:
    """Three customers with a history each, some of it heard of late."""
    record_many(
        Change(
            f"c{n % 3}",
            ("email", "sms")[n % 2],
            "marketing",
            n % 5 < 3,
            "import",
            "job:test",
            day((n * 7) % 11),
        )
        for n in range(40)
    )
    return state()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.integers(0, 12), st.booleans(), st.sampled_from(["import", "web_form", "one_click"])),
        max_size=10,
    )
)
def test_the_sql_agrees_with_the_fold_for_any_history(db: None, steps: list[tuple[int, bool, str]]) -> None:
    with transaction.atomic():
        for number, enabled, source in steps:
            record_many([Change("c1", "email", "marketing", enabled, source, "customer", day(number))])
        assert drifts(["c1"]) == []
        transaction.set_rollback(True)


@pytest.mark.parametrize(
    ("damage", "kind"),
    [
        ("DELETE FROM customer_consent WHERE customer_id = 'c1'", "missing"),
        (
            "UPDATE customer_consent SET enabled = NOT enabled, granted_at = now(), revoked_at = now()",
            "different",
        ),
        ("UPDATE customer_consent SET event_id = NULL", "different"),
        (
            "UPDATE customer_consent SET category = 'reminder' WHERE customer_id = 'c1' AND channel = 'email'",
            "unfounded",
        ),
    ],
)
def test_what_drifted_is_found_and_mended(people: list[dict[str, Any]], damage: str, kind: str) -> None:
    assert command(check=True).startswith("3 customers, 0 states drifted, 0 chains broken.")
    with connection.cursor() as cursor:
        cursor.execute(damage)
    with pytest.raises(CommandError, match="rebuild_consent"):
        command(check=True)
    assert kind in {drift.kind for drift in drifts(["c0", "c1", "c2"])}
    assert "mended, 0 chains broken." in command()
    assert state() == people
    command(check=True)


def test_the_check_counts_and_names_the_first_few_and_json_has_all(people: list[dict[str, Any]]) -> None:
    CustomerConsent.objects.filter(customer_id="c1").delete()
    told = StringIO()
    with pytest.raises(CommandError):
        call_command("rebuild_consent", check=True, stdout=told)
    assert "3 customers, 2 states drifted" in told.getvalue()
    assert (
        "customer c1, marketing by email: the ledger decides it, and the state does not know"
        in told.getvalue()
    )
    told = StringIO()
    with pytest.raises(CommandError):
        call_command("rebuild_consent", check=True, json=True, stdout=told)
    answer = json.loads(told.getvalue())
    assert answer["customers"] == 3
    assert {entry["customer"] for entry in answer["drifted"]} == {"c1"}
    assert not CustomerConsent.objects.filter(customer_id="c1").exists()


def test_a_broken_chain_is_named_and_its_customer_left_alone(people: list[dict[str, Any]]) -> None:
    with triggers_off() as cursor:
        cursor.execute("UPDATE consent_events SET actor = 'staff:9' WHERE customer_id = 'c1' AND place = 2")
    CustomerConsent.objects.filter(customer_id__in=["c1", "c2"]).delete()
    told = StringIO()
    with pytest.raises(CommandError, match="not what was written"):
        call_command("rebuild_consent", stdout=told)
    event = ConsentEvent.objects.get(customer_id="c1", place=2)
    assert f"customer c1: event {event.pk} at place 2 was altered" in told.getvalue()
    assert {row["customer_id"] for row in state()} == {"c0", "c2"}


@pytest.mark.django_db
def test_a_request_decides_nothing() -> None:
    ConsentEvent.objects.create(customer_id="c1", **KEY, **BY, action="requested", occurred_at=NOW)
    command()
    assert state() == []
    command(check=True)


def test_one_customer_only_and_after_one(people: list[dict[str, Any]]) -> None:
    CustomerConsent.objects.all().delete()
    assert command(customer="c1").startswith("1 customers, 2 states mended")
    assert {row["customer_id"] for row in state()} == {"c1"}
    assert command(after="c1").startswith("1 customers, 2 states mended")
    assert {row["customer_id"] for row in state()} == {"c1", "c2"}


@pytest.mark.django_db
def test_an_unknown_customer_is_told() -> None:
    with pytest.raises(CommandError, match="Nothing is on record for customer 'nobody'"):
        command(customer="nobody")


@pytest.mark.django_db(transaction=True)
def test_a_rebuild_waits_for_a_decision_that_is_being_written() -> None:
    grant(customer_id="c1", **KEY, **BY, at=NOW)
    done: list[Any] = []

    def other() -> None:
        try:
            done.append(rebuild(["c1"]))
        finally:
            connection.close()

    rival = threading.Thread(target=other, daemon=True)
    with transaction.atomic():
        revoke(customer_id="c1", **KEY, **BY, at=day(1))
        rival.start()
        rival.join(0.3)
        assert done == []
    rival.join(10)
    assert [found.drifts for found in done] == [[]]
    assert not CustomerConsent.objects.get().enabled
