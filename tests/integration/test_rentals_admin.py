"""The admin's pages of the business records: found by what people ask for, read by those who may, changed by nobody."""

import html
import re
from typing import Any
from urllib.parse import unquote_plus

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import translation

from tests.business_factories import (
    AlertFactory,
    AuditEventFactory,
    ContractFactory,
    ContractSignerFactory,
    PayoutReconciliationFactory,
    SecurityIncidentFactory,
    SupportTicketFactory,
)
from tests.every_row import make_every_row
from tests.factories import BookingFactory, CustomerFactory, StaffFactory
from tests.operators import operator, seen

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


def typed(client: Client, name: str, query: str) -> list[Any]:
    """What the search box finds."""
    answer: Any = client.post(f"{reverse(name)}find/", {"q": query}, follow=True)
    assert query.casefold() not in unquote_plus(answer.redirect_chain[-1][0]).casefold(), (
        "it stands in no URL"
    )
    return list(answer.context["cl"].result_list)


@pytest.mark.parametrize("query", ["ZOE@example.com", "+15065550123", "hach", "Pavage"])
def test_a_customer_is_found_by_address_or_the_beginning_of_a_name(reader: Client, query: str) -> None:
    zoe = CustomerFactory.create(
        last_name="Haché", email="zoe@example.com", phone="+15065550123", company_name="Pavage Haché"
    )
    CustomerFactory.create(last_name="Landry", email="luc@example.com", phone="+15065550124")
    assert typed(reader, LISTS[0], query) == [zoe]


def test_a_booking_is_found_by_its_number_and_by_whose_it_is(reader: Client) -> None:
    booking = BookingFactory.create(booking_number="FR-0000042", customer__last_name="Haché")
    BookingFactory.create()
    assert typed(reader, LISTS[1], "fr-0000042") == [booking]
    assert typed(reader, LISTS[1], "hac") == [booking]


@pytest.mark.parametrize("name", LISTS)
def test_an_address_in_the_url_finds_nobody_and_says_where_to_type_it(reader: Client, name: str) -> None:
    BookingFactory.create(customer__email="zoe@example.com")
    page = reader.get(reverse(name), {"q": "zoe@example.com"})
    assert not page.context["cl"].result_list
    assert "Type names and addresses into the search box" in seen(page)
    assert typed(reader, name, "nobody@example.com") == []


def test_what_is_found_keeps_the_filters_and_takes_the_right_to_see(reader: Client) -> None:
    zoe = CustomerFactory.create(last_name="Haché")
    there = reverse(LISTS[0])
    answer = reader.post(f"{there}find/", {"q": "hach", "filters": "status__exact=active&q=x&p=3"})
    assert answer["Location"] == f"{there}?status__exact=active&q={zoe.pk}"
    assert list(reader.get(answer["Location"]).context["cl"].result_list) == [zoe]
    assert operator("rentals.view_booking").post(f"{there}find/", {"q": "hach"}).status_code == 403


def test_of_too_many_the_first_are_shown_and_it_says_so(reader: Client) -> None:
    CustomerFactory.create_batch(51, last_name="Landry")
    answer: Any = reader.post(f"{reverse(LISTS[0])}find/", {"q": "landr"}, follow=True)
    assert len(answer.context["cl"].result_list) == 50
    assert "These are the first 50" in seen(answer)


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


# ── The records of the twelve jobs ──────────────────────────────────────────────────────────────────────
PAGES = sorted(
    model._meta.model_name or "" for model in admin.site._registry if model._meta.app_label == "rentals"
)


def test_every_business_record_has_a_page_or_stands_on_its_parents() -> None:
    below = {
        inline.model._meta.model_name
        for page in admin.site._registry.values()
        for inline in page.inlines
        if inline.model
    }
    models = {model._meta.model_name for model in apps.get_app_config("rentals").get_models()}
    assert models - below - set(PAGES) == {"customertag", "customertagmember", "logisticstask", "payment"}


@pytest.mark.usefixtures("templates")
def test_records_are_read_and_never_changed_by_hand() -> None:
    # Segments are written by staff: tests/integration/test_segment_admin.py.
    rows = {model._meta.model_name: row for model, row in make_every_row().items()}
    client = operator("*")
    for name in PAGES:
        base = f"/admin/rentals/{name}/"
        seen(client.get(base))
        seen(client.get(base, {"q": "x"}))
        seen(client.get(f"{base}{rows[name].pk}/change/"))
        forbidden = (f"{rows[name].pk}/change/", f"{rows[name].pk}/delete/", "add/")
        for path in forbidden[1:2] if name == "customersegment" else forbidden:
            assert client.post(base + path, {"post": "yes"}).status_code == 403, (name, path)


def test_a_contract_shows_its_signers_to_those_who_may_see_signers() -> None:
    signer = ContractSignerFactory.create(signer_name="Marie LeBlanc")
    page = f"/admin/rentals/contract/{signer.contract_id}/change/"
    may_see = ("rentals.view_contract", "rentals.view_contractsigner")
    assert "Marie LeBlanc" in seen(operator(*may_see).get(page))
    assert "Marie LeBlanc" not in seen(operator(may_see[0]).get(page))


@pytest.mark.parametrize(
    ("name", "query", "factory", "field"),
    [
        ("supportticket", "T-77", SupportTicketFactory, "ticket_number"),
        ("contract", "C-77", ContractFactory, "contract_number"),
        ("payoutreconciliation", "po_77", PayoutReconciliationFactory, "stripe_payout_id"),
        ("auditevent", "staff:77", AuditEventFactory, "actor_id"),
        ("securityincident", "burst:77", SecurityIncidentFactory, "evidence_key"),
    ],
)
def test_a_record_is_found_by_what_people_ask_for(name: str, query: str, factory: Any, field: str) -> None:
    row = factory.create(**{field: query})
    factory.create()
    assert found(operator("*"), f"admin:rentals_{name}_changelist", query) == [row]


def test_a_list_of_millions_is_counted_no_further_than_a_person_reads(monkeypatch: Any) -> None:
    monkeypatch.setattr("consent.admin_lists.COUNT_LIMIT", 3)
    AuditEventFactory.create_batch(5)
    page = operator("*").get("/admin/rentals/auditevent/")
    assert page.context["cl"].paginator.count == 3


# Words that both languages share.
SHARED = {
    "Action",
    "Date",
    "Description",
    "Machine",
    "Moment",
    "Notes",
    "Province",
    "Segment",
    "Source",
    "Type",
}


@pytest.mark.usefixtures("templates")
def test_the_lists_of_the_business_are_french_for_who_reads_french() -> None:
    make_every_row()
    client = operator("*")

    def read(name: str, language: str) -> str:
        # A request leaves its language behind in the thread.
        with translation.override("en"):
            return client.get(
                f"/admin/rentals/{name}/", headers={"accept-language": language}
            ).content.decode()

    def columns(name: str, language: str) -> list[str]:
        page = read(name, language)
        heads = re.findall(r"<th[^>]*column-[^>]*>(.*?)</th>", page, re.DOTALL)
        return [" ".join(re.sub(r"<[^>]+>", " ", head).split()) for head in heads]

    for name in PAGES:
        english, french = columns(name, "en"), columns(name, "fr")
        assert len(english) == len(french) > 1
        assert {text for text in set(english) & set(french) if text not in SHARED} == set(), name
    hint = "Un type, comme sla_breach, ou l’identifiant de ce dont il s’agit."
    assert hint in html.unescape(read("alert", "fr"))


def test_an_alert_leads_to_what_it_is_about() -> None:
    ticket = SupportTicketFactory.create()
    AlertFactory.create(entity_type="support_ticket", entity_id=str(ticket.pk))
    AlertFactory.create(entity_type="payout", entity_id="po_1")
    page = operator("rentals.view_alert").get("/admin/rentals/alert/").content.decode()
    assert f'href="/admin/rentals/supportticket/{ticket.pk}/change/">support ticket</a>' in page
    assert "payout" in page
