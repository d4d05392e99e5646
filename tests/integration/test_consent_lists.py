"""The lists of consent with many rows, and what a URL or a box may hold that no row does."""

import datetime as dt
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from consent.models import Suppression
from consent.preferences import grant
from tests.factories import CustomerFactory
from tests.operators import operator, seen, told
from tests.plan_reader import explained

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("swept")]
LISTS = {
    "customerconsent": "consent.view_customerconsent",
    "consentevent": "consent.view_consentevent",
    "suppression": "consent.view_suppression",
}


def many_suppressions(count: int) -> None:
    Suppression.objects.bulk_create(
        Suppression(
            address_hmac=f"{n:064}", address_hint="a•••@example.com", channel="email", reason="manual"
        )
        for n in range(count)
    )


def test_the_list_of_suppressions_counts_no_further_than_a_person_reads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("consent.admin_lists.COUNT_LIMIT", 3)
    many_suppressions(5)
    with CaptureQueriesContext(connection) as asked:
        operator(LISTS["suppression"]).get("/admin/consent/suppression/")
    counts = [
        query["sql"] for query in asked if "COUNT(" in query["sql"] and '"suppressions"' in query["sql"]
    ]
    assert counts
    assert all("LIMIT 4" in sql for sql in counts)


def test_the_list_of_suppressions_reads_its_page_from_an_index() -> None:
    many_suppressions(3_000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE suppressions")
    client = operator(LISTS["suppression"])
    with explained('"suppressions"') as plans:
        client.get("/admin/consent/suppression/")
    [page] = [plan for plan in plans if "COUNT(" not in plan.sql]
    assert page.indexes == {"suppressions_newest"}
    assert not page.whole_tables


@pytest.mark.parametrize("name", LISTS)
def test_a_url_sorts_by_no_column_that_has_no_index(name: str) -> None:
    grant(
        customer_id=str(CustomerFactory.create().pk),
        channel="email",
        category="marketing",
        source="admin",
        actor="staff:1",
        at=timezone.now(),
    )
    many_suppressions(1)
    client, orders = operator(LISTS[name]), []
    table = apps.get_model("consent", name)._meta.db_table  # documented API
    for query in ("", "?o=2", "?o=-3.1"):
        with CaptureQueriesContext(connection) as asked:
            assert client.get(f"/admin/consent/{name}/{query}").status_code == 200
        orders.append(
            [
                query["sql"].rpartition("ORDER BY")[2]
                for query in asked
                if "ORDER BY" in query["sql"] and f'FROM "{table}"' in query["sql"]
            ]
        )
    assert orders[0]
    assert orders[1] == orders[2] == orders[0]


@pytest.mark.parametrize("typed", ["\0", "a\0b", "+1\0 506 555 0123", "1" * 100_000])
def test_odd_text_in_the_box_finds_nobody(typed: str) -> None:
    answer = operator(LISTS["consentevent"]).post(
        "/admin/consent/consentevent/customer/find/", {"q": typed}, follow=True
    )
    assert answer.status_code == 200
    assert len(told(answer)) == (1 if typed != "\0" else 0)


def test_a_nul_in_the_address_of_a_customer_is_nobody() -> None:
    client: Any = operator(LISTS["consentevent"])
    assert client.get("/admin/consent/consentevent/customer/?id=a%00b").status_code == 404
    assert "Nothing was decided yet" in seen(client.get("/admin/consent/consentevent/"))


def test_a_filter_that_no_index_holds_looks_so_far_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    many_suppressions(4)
    old = Suppression.objects.create(
        address_hmac="f" * 64, address_hint="z•••@example.com", channel="sms", reason="complaint"
    )
    Suppression.objects.filter(pk=old.pk).update(created_at=timezone.now() - dt.timedelta(days=9))
    page = "/admin/consent/suppression/"
    client = operator(LISTS["suppression"])
    assert old.address_hint in seen(client.get(f"{page}?channel__exact=sms")), "the table is short: all of it"
    monkeypatch.setattr("consent.admin_reach.REACH", 2)
    far = seen(client.get(f"{page}?channel__exact=sms"))
    assert old.address_hint not in far
    assert "These filters look through 2 rows, as far as" in far
    # By an index: the reason alone, the address alone, and both with what is looked for among what they lead to.
    for query in (
        "",
        "reason__exact=complaint",
        "reason__exact=complaint&channel__exact=sms",
        f"address_hmac__exact={'f' * 64}&scope__exact=all",
    ):
        near = seen(client.get(f"{page}?{query}"))
        assert old.address_hint in near, query
        assert "These filters look" not in near


def test_where_the_order_is_no_moment_the_page_says_how_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        grant(
            customer_id=f"77{number}",
            channel="email",
            category="marketing",
            source="admin",
            actor="staff:1",
            at=timezone.now(),
        )
    monkeypatch.setattr("consent.admin_reach.REACH", 2)
    client = operator(LISTS["customerconsent"])
    far = seen(client.get("/admin/consent/customerconsent/?enabled__exact=1"))
    assert "770" in far
    assert "773" not in far
    assert "look through the first 2 rows of this list" in far
    assert "773" in seen(client.get("/admin/consent/customerconsent/?enabled__exact=1&q=773"))
