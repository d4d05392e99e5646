"""The rental directory: who is behind an id, a group or an address, in one query, whatever the id looks like."""

import importlib
import uuid
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from consent.directory import Contact, directory
from rentals.directory import RentalDirectory
from tests.factories import CustomerFactory, StaffFactory

pytestmark = pytest.mark.django_db

NOT_IDS = [
    "",
    "42",
    "nobody",
    "1' OR '1'='1",
    "\x00",
    "é",
    "9" * 40,
    "-1",
    "1.0",
    str(uuid.UUID(int=0)),
    "٤٢",
    "007",
]


def test_it_is_the_default_directory() -> None:
    assert isinstance(directory(), RentalDirectory)


# ── Customers ───────────────────────────────────────────────────────────────────────────────────────────
def test_a_customer_is_answered_in_full() -> None:
    customer = CustomerFactory.create(
        first_name="Zoé",
        last_name="Haché",
        company_name="Pavage Haché",
        email="zoe@example.com",
        phone="+15065550199",
        locale="fr",
        timezone="America/Halifax",
        preferred_contact_method="push",
    )
    key = str(customer.pk)
    assert RentalDirectory().customers([key]) == {
        key: Contact(
            id=key,
            first_name="Zoé",
            last_name="Haché",
            company_name="Pavage Haché",
            email="zoe@example.com",
            phone="+15065550199",
            locale="fr",
            timezone="America/Halifax",
            preferred_channel="push",
        )
    }


def test_many_customers_are_one_query(django_assert_num_queries: Any) -> None:
    keys = {str(CustomerFactory.create().pk) for _ in range(5)}
    with django_assert_num_queries(1):
        assert RentalDirectory().customers([*keys, str(uuid.uuid4()), "nobody"]).keys() == keys


@pytest.mark.parametrize("status", ["active", "inactive", "suspended"])
def test_a_customer_is_known_whatever_their_standing(status: str) -> None:
    key = str(CustomerFactory.create(status=status).pk)
    assert key in RentalDirectory().customers([key])


def test_what_is_no_customer_id_is_unknown_and_no_error() -> None:
    assert RentalDirectory().customers(NOT_IDS) == {}


def test_another_spelling_of_an_id_is_unknown_so_that_nobody_has_two_keys() -> None:
    key = CustomerFactory.create(pk=uuid.UUID("abcdefab-cdef-8abc-8def-abcdefabcdef")).pk
    assert RentalDirectory().customers([str(key).upper(), key.hex, f"{{{key}}}", key.urn]) == {}


# ── Staff and groups ────────────────────────────────────────────────────────────────────────────────────
def test_staff_are_answered_with_their_address(settings: Any) -> None:
    user = StaffFactory.create(first_name="Lise", last_name="Cormier", email="lise@rental.example")
    key = str(user.pk)
    assert RentalDirectory().staff([key]) == {
        key: Contact(
            id=key,
            first_name="Lise",
            last_name="Cormier",
            email="lise@rental.example",
            timezone=settings.TIME_ZONE,
        )
    }


def test_staff_who_left_are_unknown() -> None:
    user = StaffFactory.create(is_active=False)
    assert RentalDirectory().staff([str(user.pk)]) == {}


def test_what_is_no_staff_id_is_unknown_and_no_error() -> None:
    User.objects.filter(pk=42).delete()
    assert RentalDirectory().staff([*NOT_IDS, str(2**31), str(2**63 - 1), str(2**63)]) == {}


def test_a_group_is_its_active_members_in_one_query(django_assert_num_queries: Any) -> None:
    members = [StaffFactory.create(groups=("finance",)) for _ in range(3)]
    StaffFactory.create(groups=("finance",), is_active=False)
    StaffFactory.create(groups=("workshop",))
    with django_assert_num_queries(1):
        assert RentalDirectory().group("finance") == sorted(str(user.pk) for user in members)


def test_an_empty_group_is_not_an_unknown_group() -> None:
    Group.objects.get_or_create(name="finance")
    assert RentalDirectory().group("finance") == []
    assert RentalDirectory().group("choir") is None
    StaffFactory.create(groups=("finance",), is_active=False)
    assert RentalDirectory().group("finance") == []


def test_the_groups_that_jobs_write_to_are_made_by_a_migration_and_once() -> None:
    migration = importlib.import_module("rentals.migrations.0002_recipient_groups")
    Group.objects.all().delete()
    for _ in range(2):
        migration.create(apps, None)
    for name in ("security_centre", "finance", "workshop", "support_leads"):
        assert RentalDirectory().group(name) == []
    assert Group.objects.count() == 4


# ── Addresses ───────────────────────────────────────────────────────────────────────────────────────────
def test_customers_are_found_by_address_in_any_case() -> None:
    both = [CustomerFactory.create(email=email) for email in ("Luc@example.com", "luc@Example.com")]
    CustomerFactory.create(email="lucie@example.com")
    assert RentalDirectory().customers_at("email", "LUC@example.com") == sorted(str(c.pk) for c in both)


def test_customers_are_found_by_phone() -> None:
    customer = CustomerFactory.create(phone="+15065550123")
    CustomerFactory.create(phone="+15065550124")
    assert RentalDirectory().customers_at("sms", "+15065550123") == [str(customer.pk)]


def test_no_address_finds_nobody() -> None:
    CustomerFactory.create(email="", phone="")
    for channel in ("email", "sms", "push", "inapp"):
        assert RentalDirectory().customers_at(channel, "") == []
    assert RentalDirectory().customers_at("email", "%@example.com") == []


@pytest.mark.parametrize(
    ("channel", "address", "index"),
    [("email", "marie7@example.com", "customers_email"), ("sms", "+15065550007", "customers_phone")],
)
def test_an_address_is_looked_up_by_index(channel: str, address: str, index: str) -> None:
    with CaptureQueriesContext(connection) as queries:
        RentalDirectory().customers_at(channel, address)
    with connection.cursor() as cursor:
        # The question is whether the index can answer, not whether it pays for an empty table.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {queries[0]['sql']}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert index in plan
    assert "Index Cond" in plan
