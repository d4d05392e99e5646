"""Suppressing an address: once, by its hash only, for as long as asked, and lifted with a reason."""

import datetime as dt
import threading
import uuid
from typing import Any

import pytest
from django.db import connection, transaction

from consent.addresses import AddressError, blind_index
from consent.models import Suppression
from consent.suppress import lift, suppress

NOW = dt.datetime(2026, 3, 1, 12, 0, tzinfo=dt.UTC)
JANE: dict[str, Any] = {"channel": "email", "address": "Jane.Roe@example.com", "reason": "hard_bounce"}


@pytest.mark.django_db
def test_only_the_hash_and_the_mask_of_an_address_are_stored() -> None:
    kept = suppress(**JANE, note="550 5.1.1")
    assert kept.address_hmac == blind_index("email", "jane.roe@example.com")
    assert kept.address_hint == "j•••@e•••.com"
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(suppressions)::text FROM suppressions")
        [(stored,)] = cursor.fetchall()
    assert "roe" not in stored.lower()


@pytest.mark.django_db
def test_the_same_again_is_the_same_suppression() -> None:
    first = suppress(**JANE)
    assert suppress(**(JANE | {"address": " jane.roe@EXAMPLE.com"})).pk == first.pk
    assert suppress(**(JANE | {"reason": "complaint"})).pk != first.pk
    assert Suppression.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("first", "second", "stands"),
    [
        ({"expires_at": NOW}, {}, {"expires_at": None}),
        ({}, {"expires_at": NOW}, {"expires_at": None}),
        (
            {"expires_at": NOW},
            {"expires_at": NOW + dt.timedelta(days=1)},
            {"expires_at": NOW + dt.timedelta(days=1)},
        ),
        (
            {"expires_at": NOW + dt.timedelta(days=1)},
            {"expires_at": NOW},
            {"expires_at": NOW + dt.timedelta(days=1)},
        ),
        ({"scope": "marketing"}, {"scope": "all"}, {"scope": "all"}),
        ({"scope": "all"}, {"scope": "marketing"}, {"scope": "all"}),
        ({"scope": "marketing"}, {"scope": "marketing"}, {"scope": "marketing"}),
    ],
)
def test_two_for_one_address_keep_the_wider_scope_and_the_later_end(
    first: dict[str, Any], second: dict[str, Any], stands: dict[str, Any]
) -> None:
    suppress(**JANE, **first)
    suppress(**JANE, **second)
    stored = Suppression.objects.get()
    assert {name: getattr(stored, name) for name in stands} == stands


@pytest.mark.django_db
def test_what_is_over_widens_nothing() -> None:
    suppress(**JANE, scope="all", expires_at=NOW, note="For a week")
    suppress(**JANE, scope="marketing", note="For good")
    stored = Suppression.objects.get()
    assert (stored.scope, stored.note, stored.expires_at) == ("marketing", "For good", None)


@pytest.mark.django_db
def test_lifting_keeps_who_and_why_and_makes_room_for_a_new_one() -> None:
    kept = suppress(**JANE)
    lifted = lift(kept.pk, by="staff:7", reason=" Mailbox works again ")
    assert (lifted.lifted_by, lifted.lift_reason) == ("staff:7", "Mailbox works again")
    assert lifted.lifted_at is not None
    assert lift(kept.pk, by="staff:8", reason="Again").lifted_by == "staff:7"
    assert suppress(**JANE).pk != kept.pk


@pytest.mark.django_db
def test_lifting_needs_a_reason_and_a_suppression() -> None:
    kept = suppress(**JANE)
    with pytest.raises(ValueError, match="reason"):
        lift(kept.pk, by="staff:7", reason="  ")
    with pytest.raises(Suppression.DoesNotExist):
        lift(uuid.uuid4(), by="staff:7", reason="No such thing")
    assert Suppression.objects.get().lifted_at is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"address": "nobody"}, AddressError),
        ({"channel": "inapp"}, AddressError),
        ({"reason": "dislike"}, ValueError),
        ({"scope": "some"}, ValueError),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        suppress(**(JANE | wrong))
    assert not Suppression.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_at_once_are_one_and_both_hear_of_it() -> None:
    answers: list[Suppression] = []

    def rival() -> None:
        try:
            answers.append(suppress(**JANE, scope="all"))
        finally:
            connection.close()

    with transaction.atomic():
        first = suppress(**JANE, scope="marketing")
        thread = threading.Thread(target=rival, daemon=True)
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()  # it waits for us to commit the row that it would insert
    thread.join(10)
    assert [answer.pk for answer in answers] == [first.pk]
    assert Suppression.objects.get().scope == "all"
