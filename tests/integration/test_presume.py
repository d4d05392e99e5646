"""One message is presumed to be welcome: its INSERT asks whether somebody objects, and then all is asked again."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from consent.addresses import blind_index
from consent.gate import Subject, check_many
from consent.policy import Category
from consent.preferences import grant, revoke
from consent.presume import presume
from consent.suppress import suppress
from notifications import kick
from notifications.enqueue import notify
from notifications.gate import check
from notifications.models import DrainWatch
from tests.factories import CustomerFactory
from tests.messages import PICKUP, queued

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("templates")]
SAY: dict[str, Any] = {"source": "web_form", "actor": "customer"}


def watched(*, alive: int, listening: int) -> None:
    """Some drain lives, and listens, for so many seconds."""
    now = timezone.now()
    DrainWatch.objects.update_or_create(
        pk=1,
        defaults={
            "alive_until": now + dt.timedelta(seconds=alive),
            "listening_until": now + dt.timedelta(seconds=listening),
        },
    )


@pytest.mark.parametrize("category", list(Category))
@pytest.mark.parametrize("channel", ["email", "sms", "push", "inapp"])
def test_what_is_presumed_is_what_the_gate_says_of_who_said_nothing_or_agreed(
    channel: str, category: Category
) -> None:
    subject = Subject("c1", channel, category.value, None)
    found = presume(subject)
    for _ in range(2):
        [decision] = check_many([subject], now=timezone.now())
        if found:
            assert (decision.allowed, decision.rule, decision.reason) == (True, found.rule, found.reason)
        else:
            assert category is Category.MARKETING
        if channel != "inapp" and category in (Category.REMINDER, Category.MARKETING):
            at = timezone.now()
            grant(customer_id="c1", channel=channel, category=category.value, at=at, **SAY)


def test_an_objection_withholds_with_the_gates_own_reason() -> None:
    customer = CustomerFactory.create()
    said: dict[str, Any] = {"customer_id": str(customer.pk), "channel": "email", "category": "reminder"}
    revoke(at=timezone.now(), **said, **SAY)
    row = queued(customer)
    assert (row.status, row.metadata["withheld"]["rule"]) == ("cancelled", "consent.revoked")


def test_what_only_looks_like_an_objection_is_decided_by_the_gate() -> None:
    customer = CustomerFactory.create()
    suppress(channel="email", address=customer.email, reason="complaint")
    suppress(channel="email", address=customer.email, reason="manual")
    row = queued(customer)
    [decision] = check_many(
        [Subject(str(customer.pk), "email", "reminder", blind_index("email", customer.email))],
        now=timezone.now(),
    )
    found = row.metadata.get("decision") or row.metadata["withheld"]
    assert found["rule"] == decision.rule


def test_several_channels_of_one_message_are_all_asked_about() -> None:
    customer = CustomerFactory.create(phone="+15065550101")
    suppress(channel="sms", address=customer.phone, reason="hard_bounce")
    result = notify("booking.pickup_today", to=customer.pk, channel=["email", "sms", "inapp"], payload=PICKUP)
    assert [receipt.channel for receipt in result.queued] == ["email", "inapp"]
    assert [receipt.rule for receipt in result.withheld] == ["suppressed.hard_bounce"]


def test_who_objects_just_before_the_insert_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    customer = CustomerFactory.create()

    def check_and_be_late(*given: Any, **named: Any) -> Any:
        decisions = check(*given, **named)
        said: dict[str, Any] = {"customer_id": str(customer.pk), "channel": "email", "category": "reminder"}
        revoke(at=timezone.now(), **said, **SAY)
        return decisions

    monkeypatch.setattr("notifications.enqueue.check", check_and_be_late)
    assert queued(customer).status == "cancelled"


def test_a_message_costs_two_statements_while_a_drain_is_awake() -> None:
    customer = CustomerFactory.create()
    queued(customer)  # the template is remembered from now on
    watched(alive=60, listening=-1)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        notify("booking.pickup_today", to=customer.pk, channel="email", payload=PICKUP)
    statements = [query["sql"].split()[0] for query in asked if "SAVEPOINT" not in query["sql"]]
    assert statements == ["SELECT", "WITH"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("alive", "listening", "knocks"), [(60, -1, 0), (60, 60, 1), (-1, -1, 1), (-1, 60, 1)]
)
def test_only_a_drain_that_is_awake_is_left_alone(
    alive: int, listening: int, knocks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []

    def knock() -> None:
        heard.append("knock")

    monkeypatch.setattr(kick, "knock", knock)
    customer = CustomerFactory.create()
    watched(alive=alive, listening=listening)
    queued(customer)
    assert len(heard) == knocks
    heard.clear()
    with transaction.atomic():
        queued(customer)
        assert not heard
    # It may have fallen asleep long before this commit.
    assert heard == ["knock"]
