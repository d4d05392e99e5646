"""The ledger is chained: whatever is altered, taken out, put in or cut off is found, though the triggers were off."""

import datetime as dt
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.utils import translation

from consent.chain import altered_wordings, customers, faults, head
from consent.models import ConsentChain, ConsentEvent, ConsentWording, CustomerConsent
from consent.preferences import Change, grant, record_many, revoke

NOW = dt.datetime(2026, 3, 1, 12, 0, tzinfo=dt.UTC)
KEY: dict[str, Any] = {"channel": "email", "category": "marketing"}
BY: dict[str, Any] = {"source": "web_form", "actor": "customer"}

pytestmark = pytest.mark.django_db


def day(number: int) -> dt.datetime:
    return NOW + dt.timedelta(days=number)


def history(customer_id: str, steps: int = 4) -> list[ConsentEvent]:
    for number in range(steps):
        act = grant if number % 2 == 0 else revoke
        act(customer_id=customer_id, **KEY, **BY, at=day(number), wording="Send me offers.", locale="en")
    return list(ConsentEvent.objects.filter(customer_id=customer_id).order_by("place"))


@contextmanager
def triggers_off() -> Iterator[Any]:
    """What somebody with the owner's rights can do."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE consent_events DISABLE TRIGGER USER")
        yield cursor
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE consent_events ENABLE TRIGGER USER")


def netstrings(*parts: str) -> bytes:
    return b"".join(b"%d:%s," % (len(part.encode()), part.encode()) for part in parts)


def recomputed(event: ConsentEvent) -> str:
    """The hash as docs/data-model.md describes it, without our SQL."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT evidence::text FROM consent_events WHERE id = %s", [event.pk])
        evidence = cursor.fetchone()[0]
    moments = [
        at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        for at in (event.occurred_at, event.recorded_at)
    ]
    return hashlib.sha256(
        netstrings(
            event.prev_hash, str(event.place), str(event.pk), event.customer_id, event.channel, event.category,
            event.action, event.source, event.actor, event.wording_id or "", evidence, *moments,
        )
    ).hexdigest()  # fmt: skip


def test_each_event_carries_the_hash_of_the_one_before_it() -> None:
    events = history("c1")
    assert [event.place for event in events] == [1, 2, 3, 4]
    assert [event.prev_hash for event in events] == ["", *(event.hash for event in events[:-1])]
    end = head("c1")
    assert end is not None
    assert (end.length, end.head) == (4, events[-1].hash)
    assert faults(["c1"]) == []


def test_anybody_can_recompute_the_hashes_without_our_code() -> None:
    grant(
        customer_id="hélène",
        **KEY,
        **BY,
        at=NOW,
        wording="Oui, des offres.",
        locale="fr",
        evidence={"ü": [1, 2.5, None]},
    )
    revoke(customer_id="hélène", **KEY, **BY, at=day(1))
    for event in ConsentEvent.objects.order_by("place"):
        assert recomputed(event) == event.hash
    assert hashlib.sha256(b"fr\nOui, des offres.").hexdigest() == ConsentWording.objects.get().sha256


def test_the_event_that_is_handed_back_knows_its_place() -> None:
    event = grant(customer_id="c1", **KEY, **BY, at=NOW)
    assert event is not None
    stored = ConsentEvent.objects.get()
    assert (event.place, event.prev_hash, event.hash) == (stored.place, stored.prev_hash, stored.hash)


def test_a_batch_chains_each_customer_by_itself() -> None:
    record_many(
        Change(f"c{number % 7}", channel, "marketing", True, "import", "job:test", day(number))
        for number in range(70)
        for channel in ("email", "sms", "push")
    )
    pages = list(customers(page=3))
    assert pages == [["c0", "c1", "c2"], ["c3", "c4", "c5"], ["c6"]]
    assert faults([one for page in pages for one in page]) == []
    assert set(ConsentChain.objects.values_list("length", flat=True)) == {3}


def test_what_is_inserted_past_our_code_is_chained_too() -> None:
    history("c1", 1)
    ConsentEvent.objects.create(
        customer_id="c1", **KEY, **BY, action="revoked", occurred_at=day(9), hash="f" * 64, place=77
    )
    assert ConsentEvent.objects.get(action="revoked").place == 2
    assert faults(["c1"]) == []


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("action", "'granted'"), ("actor", "'staff:1'"), ("source", "'import'"), ("channel", "'sms'"),
        ("category", "'reminder'"), ("evidence", """'{"a": 1}'"""), ("wording_sha256", "NULL"),
        ("occurred_at", "occurred_at - interval '1 microsecond'"),
        ("recorded_at", "recorded_at - interval '1 microsecond'"), ("id", "gen_random_uuid()"),
    ],
)  # fmt: skip
def test_an_altered_event_is_found_whatever_field_it_is(column: str, value: str) -> None:
    first, second, *_ = history("c1")
    ConsentEvent.objects.get(pk=second.pk)
    with triggers_off() as cursor:
        cursor.execute("UPDATE customer_consent SET event_id = NULL")
        cursor.execute(f"UPDATE consent_events SET {column} = {value} WHERE place = 2")
    [fault] = faults(["c1"])
    assert (fault.customer_id, fault.place, fault.kind) == ("c1", 2, "altered")
    assert fault.event_id == ConsentEvent.objects.get(place=2).pk
    assert first.hash == second.prev_hash


def test_a_removed_event_is_found_at_the_first_place_that_does_not_follow() -> None:
    history("c1")
    history("c2")
    with triggers_off() as cursor:
        cursor.execute("DELETE FROM consent_events WHERE customer_id = 'c1' AND place = 2")
    [fault] = faults(["c1", "c2"])
    assert (fault.customer_id, fault.place, fault.kind) == ("c1", 3, "gap")


@pytest.mark.parametrize("removed", ["place = 4", "place >= 3", "true"])
def test_a_chain_that_was_cut_off_is_found(removed: str) -> None:
    history("c1")
    with triggers_off() as cursor:
        cursor.execute("DELETE FROM customer_consent")
        cursor.execute(f"DELETE FROM consent_events WHERE {removed}")
    [fault] = faults(["c1"])
    left = ConsentEvent.objects.count()
    assert (fault.place, fault.kind) == (left + 1, "end")


def test_an_event_that_was_put_in_with_a_right_hash_does_not_fit_the_end() -> None:
    history("c1", 1)
    with triggers_off() as cursor:
        cursor.execute(
            """INSERT INTO consent_events
               SELECT (h).* FROM (SELECT jsonb_populate_record(e, jsonb_build_object('id', gen_random_uuid(), 'place', 2,
                   'prev_hash', e.hash, 'action', 'revoked')) AS h FROM consent_events AS e) AS made"""
        )
        cursor.execute("UPDATE consent_events AS e SET hash = consent_events_hash(e) WHERE place = 2")
    [fault] = faults(["c1"])
    assert fault.kind == "end"


def test_a_lost_end_is_found() -> None:
    history("c1")
    ConsentChain.objects.all().delete()
    [fault] = faults(["c1"])
    assert fault.kind == "end"


@pytest.mark.parametrize("sql", ["UPDATE consent_wordings SET text = 'x'", "DELETE FROM consent_wordings"])
def test_a_wording_that_was_shown_stays_as_it_was(sql: str) -> None:
    history("c1", 1)
    with (
        pytest.raises(DatabaseError, match="stays as it was"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)


def test_a_wording_altered_behind_the_triggers_back_is_refused_or_found() -> None:
    history("c1", 1)
    alter = "UPDATE consent_wordings SET text = 'We never asked.'"
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE consent_wordings DISABLE TRIGGER USER")
        with pytest.raises(DatabaseError, match="consent_wordings_sha256"), transaction.atomic():
            cursor.execute(alter)
        cursor.execute("ALTER TABLE consent_wordings DROP CONSTRAINT consent_wordings_sha256")
        cursor.execute(alter)
    assert altered_wordings() == [ConsentWording.objects.get().sha256]


def test_a_wording_is_kept_once_however_often_it_is_shown(django_assert_num_queries: Any) -> None:
    history("c1")
    history("c2")
    grant(customer_id="c3", **KEY, **BY, at=NOW, wording="Send me offers.", locale="fr")
    shown = ConsentWording.objects.order_by("locale").values_list("locale", "text")
    assert list(shown) == [("en", "Send me offers."), ("fr", "Send me offers.")]


def test_the_wording_of_a_page_is_kept_in_the_language_of_the_page() -> None:
    with translation.override("fr"):
        grant(customer_id="c1", **KEY, **BY, at=NOW, wording="Des offres ?")
    assert ConsentWording.objects.get().locale == "fr"


def test_the_state_names_the_event_that_decides() -> None:
    events = history("c1")
    revoke(customer_id="c1", **KEY, **BY, at=day(-5))  # heard of late: it decides nothing
    assert CustomerConsent.objects.get().event_id == events[-1].pk


@pytest.mark.django_db(transaction=True)
def test_the_migration_chains_what_is_there_already() -> None:
    call_command("migrate", "consent", "0004", verbosity=0)
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO consent_events (id, customer_id, channel, category, action, source, actor, wording, evidence,
                    occurred_at, recorded_at)
                SELECT gen_random_uuid(), 'c' || n % 3, 'email', 'marketing',
                    CASE n % 2 WHEN 0 THEN 'granted' ELSE 'revoked' END, 'web_form', 'customer',
                    CASE n % 2 WHEN 0 THEN 'Send me offers.' ELSE '' END, '{"n": 1}', now() - n * interval '1 day',
                    now() - n * interval '1 day'
                FROM generate_series(1, 30) AS n;
                INSERT INTO customer_consent (id, customer_id, channel, category, enabled, revoked_at, source)
                VALUES (gen_random_uuid(), 'c1', 'email', 'marketing', false, now() - interval '1 day', 'web_form')
                """
            )
    finally:
        call_command("migrate", "consent", verbosity=0)
    assert faults(["c0", "c1", "c2"]) == []
    assert set(ConsentChain.objects.values_list("length", flat=True)) == {10}
    assert {event.wording_id for event in ConsentEvent.objects.filter(action="revoked")} == {None}
    shown = ConsentWording.objects.get()
    assert (shown.locale, shown.text) == ("und", "Send me offers.")
    newest = ConsentEvent.objects.filter(customer_id="c1").latest("occurred_at")
    assert CustomerConsent.objects.get().event_id == newest.pk
    assert all(recomputed(event) == event.hash for event in ConsentEvent.objects.all())
