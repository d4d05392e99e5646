"""The admin's pages of customers and bookings: found by what people ask for, read by those who may, changed by nobody."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from tests.factories import BookingFactory, CustomerFactory, StaffFactory

pytestmark = pytest.mark.django_db
LISTS = ["admin:rentals_customer_changelist", "admin:rentals_booking_changelist"]


@pytest.fixture
def reader(client: Client) -> Client:
    user: User = StaffFactory.create()
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_customer", "view_booking"]))
    client.force_login(user)
    return client


def found(client: Client, name: str, query: str) -> list[Any]:
    return list(client.get(reverse(name), {"q": query}).context["cl"].result_list)


@pytest.mark.parametrize("query", ["ZOE@example.com", "+15065550123", "hach", "Pavage"])
def test_a_customer_is_found_by_address_or_the_beginning_of_a_name(reader: Client, query: str) -> None:
    zoe = CustomerFactory.create(
        last_name="Haché", email="zoe@example.com", phone="+15065550123", company_name="Pavage Haché"
    )
    CustomerFactory.create(last_name="Landry", email="luc@example.com", phone="+15065550124")
    assert found(reader, LISTS[0], query) == [zoe]


def test_a_booking_is_found_by_its_number_and_by_whose_it_is(reader: Client) -> None:
    booking = BookingFactory.create(booking_number="FR-0000042", customer__last_name="Haché")
    BookingFactory.create()
    assert found(reader, LISTS[1], "fr-0000042") == [booking]
    assert found(reader, LISTS[1], "hac") == [booking]


def test_a_list_costs_the_same_however_many_rows(reader: Client, django_assert_max_num_queries: Any) -> None:
    BookingFactory.create_batch(20)
    with django_assert_max_num_queries(8):
        page = reader.get(reverse(LISTS[1]))
    assert page.content.decode().count("Kubota KX040") == 20


@pytest.mark.parametrize("model", ["customer", "booking"])
def test_nobody_changes_records_here_not_even_a_superuser(admin_client: Client, model: str) -> None:
    row = BookingFactory.create()
    key = row.pk if model == "booking" else row.customer.pk
    page = reverse(f"admin:rentals_{model}_change", args=[key])
    assert admin_client.get(page).status_code == 200
    assert admin_client.post(page, {"status": "cancelled"}).status_code == 403
    assert admin_client.get(reverse(f"admin:rentals_{model}_add")).status_code == 403
    assert admin_client.post(reverse(f"admin:rentals_{model}_delete", args=[key])).status_code == 403


@pytest.mark.parametrize("name", LISTS)
def test_without_the_permission_nothing_is_shown(client: Client, name: str) -> None:
    client.force_login(StaffFactory.create())
    assert client.get(reverse(name)).status_code == 403
