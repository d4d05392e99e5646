"""The queue's list: what it shows and hides, how it is filtered and searched, and that a long table costs no more."""

import datetime as dt
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from consent import admin_lists
from consent.addresses import blind_index
from notifications.admin.find import search
from notifications.models import Notification
from tests.factories import CustomerFactory
from tests.messages import queued
from tests.notification_factories import DeliveryAttemptFactory, NotificationFactory, sealed
from tests.operators import QUEUE, VIEW, operator, seen, told

pytestmark = pytest.mark.django_db
FIND = f"{QUEUE}find/"


def ids(response: Any) -> set[Any]:
    assert response.status_code == 200, (response.status_code, response.get("Location"))
    return {row.pk for row in response.context["cl"].result_list}


# ── What it shows ───────────────────────────────────────────────────────────────────────────────────────
def test_a_row_shows_its_state_in_words_and_nobodys_address(templates: None) -> None:
    customer = CustomerFactory.create()
    queued(customer)
    NotificationFactory.create(to=sealed("jo.stranger@example.org", "Jo"), status="failed", attempts=3)
    NotificationFactory.create(status="cancelled", rule="consent.revoked")
    NotificationFactory.create(status="cancelled", rule="cancelled")
    page = seen(operator(VIEW).get(QUEUE))
    for word in ("Queued", "Failed", "Withheld", "Cancelled", "booking.pickup_today", "Reminder", "Normal"):
        assert word in page
    assert "j•••@e•••.org" in page
    assert "500: The provider is down." in page
    assert "Switched off here." in page
    assert f"customer …{str(customer.pk)[-8:]}" in page
    for secret in (customer.email, customer.phone, customer.first_name, "jo.stranger", "Jo"):
        assert secret not in page.split()


def test_the_number_of_queries_does_not_grow_with_the_rows(
    templates: None, django_assert_num_queries: Any
) -> None:
    client = operator(VIEW)
    for _ in range(10):
        queued()
    with CaptureQueriesContext(connection) as captured:
        assert len(ids(client.get(QUEUE))) == 10
    for number in range(40):
        queued(channel=["email", "sms", "push", "inapp"][number % 4])
    with django_assert_num_queries(len(captured)):
        assert len(ids(client.get(QUEUE))) == 50
    assert len(captured) <= 15


def test_it_counts_no_further_than_a_person_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_lists, "COUNT_LIMIT", 60)
    NotificationFactory.create_batch(70)
    client = operator(VIEW)
    with CaptureQueriesContext(connection) as captured:
        page = seen(client.get(QUEUE))
    assert "more than 60" in page
    counts = [
        query["sql"]
        for query in captured
        if "COUNT(" in query["sql"] and "notification_queue" in query["sql"]
    ]
    assert counts
    assert all("LIMIT 61" in sql for sql in counts)
    assert len(ids(client.get(f"{QUEUE}?p=2"))) == 10
    beyond = client.get(f"{QUEUE}?p=50000")
    assert len(ids(beyond)) == 10, "no page lies beyond what was counted: the last is shown"


def test_it_never_counts_each_choice_of_each_filter() -> None:
    NotificationFactory.create(status="failed")
    with CaptureQueriesContext(connection) as captured:
        response = operator(VIEW).get(f"{QUEUE}?_facets=True")
    assert "Show counts" not in seen(response)
    assert [q["sql"] for q in captured if q["sql"].count("COUNT(") > 1] == []


def test_a_short_list_says_how_many_there_are() -> None:
    NotificationFactory.create_batch(3)
    assert "3 in all" in seen(operator(VIEW).get(QUEUE))


# ── Filters ─────────────────────────────────────────────────────────────────────────────────────────────
def test_it_filters_by_status_channel_category_and_template(templates: None) -> None:
    reminder = queued()
    failed = NotificationFactory.create(status="failed", channel="sms", category="marketing")
    client = operator(VIEW)
    assert ids(client.get(f"{QUEUE}?status__exact=failed")) == {failed.pk}
    assert ids(client.get(f"{QUEUE}?channel__exact=sms")) == {failed.pk}
    assert ids(client.get(f"{QUEUE}?category__exact=marketing")) == {failed.pk}
    assert ids(client.get(f"{QUEUE}?template__id__exact={reminder.template_id}")) == {reminder.pk}


def test_it_filters_by_the_day_it_was_asked_for() -> None:
    old, new = NotificationFactory.create_batch(2)
    Notification.objects.filter(pk=old.pk).update(created_at=timezone.now() - dt.timedelta(days=30))
    since = (timezone.now() - dt.timedelta(days=1)).isoformat()
    assert ids(operator(VIEW).get(QUEUE, {"created_at__gte": since})) == {new.pk}


def test_an_error_class_is_what_the_error_begins_with() -> None:
    wanted = NotificationFactory.create(status="failed", error="429: Too many requests")
    waiting = NotificationFactory.create(status="queued", error="429: Too many requests")
    NotificationFactory.create(status="failed", error="4290: something else")
    NotificationFactory.create(status="failed", error="500: 429: something else")
    client = operator(VIEW)
    assert ids(client.get(f"{QUEUE}?error_class=429")) == {wanted.pk, waiting.pk}
    assert {"429", "4290", "500"} <= set(seen(client.get(QUEUE)).split()), (
        "offers what the newest failures had"
    )


def test_withheld_rows_are_found_by_their_rule() -> None:
    revoked = NotificationFactory.create(status="cancelled", rule="consent.revoked")
    NotificationFactory.create(status="cancelled", rule="expired")
    client = operator(VIEW)
    assert ids(client.get(f"{QUEUE}?withheld=consent.revoked")) == {revoked.pk}
    assert "expired" in seen(client.get(QUEUE))


def test_a_rule_without_rows_still_shows_that_it_is_chosen() -> None:
    page = seen(operator(VIEW).get(f"{QUEUE}?withheld=suppressed.complaint"))
    assert "suppressed.complaint" in page


@pytest.mark.parametrize(
    "guess",
    [
        "payload__name__startswith=M",
        "payload__icontains=a",
        "metadata__body__startswith=H",
        "subject__startswith=Y",
        "to__address__hint=x",
        "lease_token__isnull=0",
        "template__versions__content__icontains=x",
    ],
)
def test_nobody_guesses_hidden_columns_by_filtering(guess: str) -> None:
    """Django would filter by any column of the row, and so answer «does the payload begin with M?»."""
    NotificationFactory.create(payload={"name": "Marie"})
    assert operator("*").get(f"{QUEUE}?{guess}").status_code == 400


# ── Search ──────────────────────────────────────────────────────────────────────────────────────────────
def find(text: str, filters: str = "") -> tuple[str, Any]:
    """What the search box does: the address it leads to, and the page there."""
    client = operator(VIEW, csrf=False)
    response = client.post(FIND, {"q": text, "filters": filters})
    assert response.status_code == 302
    return response["Location"], client.get(response["Location"])


@pytest.mark.parametrize(
    "typed", ["MARIE@Example.com", " marie@example.com ", "(506) 555-0123", "+1 506 555 0123"]
)
def test_an_address_finds_its_customers_messages_and_stays_out_of_the_url(
    typed: str, templates: None
) -> None:
    customer = CustomerFactory.create(email="marie@example.com", phone="+15065550123")
    mine = {queued(customer).pk, queued(customer, channel="inapp").pk}
    queued()
    url, page = find(typed)
    assert ids(page) == mine
    for trace in ("example", "555", "0123", "%40"):
        assert trace not in url.replace(str(customer.pk), "").split("address")[0]
    assert "@" not in seen(page)


@pytest.mark.parametrize(
    ("address", "typed"), [("jo@example.org", "JO@example.org"), ("+15065550199", "506-555-0199")]
)
def test_an_address_of_nobody_we_know_is_found_by_its_blind_index(address: str, typed: str) -> None:
    row = NotificationFactory.create(to=sealed(address))
    NotificationFactory.create(to=sealed("somebody.else@example.org"))
    url, page = find(typed)
    assert ids(page) == {row.pk}
    channel = "email" if "@" in address else "sms"
    assert parse_qs(urlsplit(url).query)["q"] == [f"address:{blind_index(channel, address)}"]


def test_a_search_keeps_the_filters_and_forgets_the_page() -> None:
    wanted = NotificationFactory.create(status="failed", idempotency_key="invoice:17")
    NotificationFactory.create(status="queued", channel="sms", idempotency_key="invoice:17")
    url, page = find("invoice:17", "status__exact=failed&p=7&q=old")
    assert parse_qs(urlsplit(url).query) == {"status__exact": ["failed"], "q": ["invoice:17"]}
    assert ids(page) == {wanted.pk}


def test_ids_keys_references_and_people_are_found() -> None:
    attempt = DeliveryAttemptFactory.create(
        notification=NotificationFactory.create(
            status="sent", to={"customer_id": "C-7"}, recipient_key="customer:C-7", idempotency_key="k 1"
        ),
        provider_reference="SM123",
    )
    row = attempt.notification
    staff = NotificationFactory.create(to={"staff_id": "4"}, recipient_key="staff:4")
    for text in (str(row.pk), "SM123", "k 1", "C-7", "customer:C-7"):
        assert ids(find(text)[1]) == {row.pk}, text
    assert ids(find("staff:4")[1]) == ids(find("4")[1]) == {staff.pk}
    assert ids(find("nothing like it")[1]) == set()
    assert ids(find("")[1]) == {row.pk, staff.pk}


@pytest.mark.parametrize("typed", ["marie@example.com", "506 555 0123"])
def test_an_address_put_into_the_url_by_hand_finds_nothing(typed: str) -> None:
    response = operator(VIEW).get(QUEUE, {"q": typed})
    assert ids(response) == set()
    assert "Type addresses into the search box" in told(response)[0]


def test_half_an_address_is_refused_and_stays_out_of_the_url() -> None:
    url, page = find("marie@")
    assert url == QUEUE
    assert told(page) == ["This is not an e-mail address."]


MANY = """
    INSERT INTO notification_queue (channel, "to", recipient_key, category, idempotency_key, metadata)
    SELECT 'email', '{}', 'customer:' || n, 'reminder', 'key:' || n, '{}' FROM generate_series(1, 5000) AS n
"""


def test_every_way_to_find_a_row_is_an_index() -> None:
    """With sequential scans forbidden, a condition without an index would stand in the plan as a filter.

    Among many rows: of a few, an index read from end to end is as good to the planner as the right one."""
    with connection.cursor() as cursor:
        cursor.execute(MANY)
        cursor.execute("ANALYZE notification_queue")
        cursor.execute("SET LOCAL enable_seqscan = off")
        for text in ("customer:7", "0b0f7c1e-6f2e-4c43-9d2b-0d8f6a1c2b3d", "invoice:17"):
            plan = search(Notification.objects.order_by(), text).explain()
            assert "Seq Scan" not in plan, (text, plan)
            assert "Filter:" not in plan, (text, plan)
    # The key is the second column of its index: without the first, all of the index would be read.
    assert "Index Cond: ((channel = ANY" in plan


def test_searching_needs_the_right_to_see_the_queue() -> None:
    assert operator("notifications.view_inboxitem").post(FIND, {"q": "x"}).status_code == 403


def test_searching_by_post_needs_the_token() -> None:
    assert operator(VIEW, csrf=True).post(FIND, {"q": "x"}).status_code == 403
