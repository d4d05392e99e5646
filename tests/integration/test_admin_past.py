"""The list of past messages: what it shows, how it is searched, and how one gets there from the queue."""

import time
from typing import Any

import pytest
from django.utils import timezone

from consent.addresses import blind_index
from notifications.models import Notification
from notifications.move import move_ended
from notifications.retention import Retention
from tests.ended import finished
from tests.factories import CustomerFactory
from tests.operators import QUEUE, VIEW, operator, seen, told

pytestmark = pytest.mark.django_db
PAST = "/admin/notifications/notificationhistory/"
VIEW_PAST = "notifications.view_notificationhistory"


def moved(status: str = "sent", **fields: Any) -> Notification:
    row = finished(status, 8, **fields)
    assert move_ended(Retention(), now=timezone.now(), until=time.monotonic() + 20).messages
    return row


def count(page: Any) -> int:
    return int(page.context["cl"].result_count)


def test_it_lists_what_has_moved_by_its_state_and_names_nobody() -> None:
    moved(to={"customer_id": "C-7"}, recipient_key="customer:C-7")
    moved("failed", error="550: no such box")
    moved("cancelled", last_attempt_at=None)
    text = seen(operator(VIEW_PAST).get(PAST))
    assert "550: no such box" in text
    assert "Switched off here." in text
    assert "C-7" not in text
    only = seen(operator(VIEW_PAST).get(f"{PAST}?status__exact=failed"))
    assert "550" in only
    assert "Switched off here." not in only


def test_a_row_leads_to_the_messages_page() -> None:
    row = moved()
    client = operator(VIEW, VIEW_PAST)
    response = client.get(f"{PAST}{row.pk}/change/")
    assert (response.status_code, response["Location"]) == (302, f"{QUEUE}{row.pk}/change/")
    assert "In the history since" in seen(client.get(response["Location"]))


@pytest.mark.parametrize("text", ["job:17", "ref-17", "C-7", "customer:C-7"])
def test_it_is_searched_as_the_queue_is(text: str) -> None:
    moved(
        recipient_key="customer:C-7", idempotency_key="job:17",
        metadata={"sent_at": timezone.now().isoformat(), "provider_reference": "ref-17"},
    )  # fmt: skip
    client = operator(VIEW_PAST)
    assert count(client.get(f"{PAST}?q={text}")) == 1
    assert count(client.get(f"{PAST}?q=x{text}")) == 0


def test_it_is_searched_by_id() -> None:
    row = moved()
    assert count(operator(VIEW_PAST).get(f"{PAST}?q={row.pk}")) == 1


def test_an_address_is_posted_and_finds_its_customer_and_nobodys_messages() -> None:
    customer = CustomerFactory.create(email="ada@example.com")
    moved(recipient_key=f"customer:{customer.pk}")
    moved(recipient_key=f"address:{blind_index('email', 'ada@example.com')}")
    moved(recipient_key="customer:somebody-else")
    client = operator(VIEW_PAST)
    response = client.post(f"{PAST}find/", {"q": "ada@example.com"})
    assert "ada" not in response["Location"]
    assert response["Location"].startswith(f"{PAST}?q=customer")
    assert count(client.get(response["Location"])) == 2
    asked = client.get(f"{PAST}?q=ada@example.com")
    assert "keeps them out of the page's URL" in told(asked)[0]


def test_the_queues_search_says_that_the_history_has_something_too() -> None:
    moved(idempotency_key="job:17")
    response = operator(VIEW, VIEW_PAST).get(f"{QUEUE}?q=job:17")
    (message,) = told(response)
    assert f"{PAST}?q=job%3A17" in message
    assert told(operator(VIEW, VIEW_PAST).get(f"{QUEUE}?q=job:18")) == []
    assert told(operator(VIEW).get(f"{QUEUE}?q=job:17")) == []


def test_who_may_not_see_it_does_not() -> None:
    assert operator(VIEW).get(PAST).status_code == 403
    assert operator(VIEW).post(f"{PAST}find/", {"q": "x"}).status_code == 403
    assert operator(VIEW_PAST).post(f"{PAST}add/").status_code == 403
