"""What outcomes mean beyond their rows: the real adapters' outcomes in, and what stands in the database afterwards."""

import datetime as dt
import uuid
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from consent.models import ConsentEvent, CustomerConsent, Suppression
from notifications.aftermath import follow_up
from notifications.channel_state import open_channels, state_of
from notifications.channels.inapp import InAppChannel
from notifications.errors import Misconfigured, Outcome, Permanent, Sent, Transient
from notifications.message import Claimed, Delivery, Message
from notifications.models import InboxItem, PushSubscription
from notifications.push_subscriptions import REFUSALS, subscribe, targets_of
from sandbox import push_keys
from sandbox.testing import SandboxServer
from tests.contract.calls import deliver, message
from tests.notification_factories import NotificationFactory

pytestmark = pytest.mark.django_db
PROVIDERS = {"email": "sendgrid", "sms": "twilio", "push": "webpush"}


def finished(one: Message, outcome: Outcome, *, at: dt.datetime | None = None) -> tuple[Delivery, Message]:
    at = at or timezone.now()
    claimed = Claimed(
        id=one.id, lease_token=uuid.uuid4(), channel=one.channel, category=one.category, to={}, payload={},
        recipient_key=one.recipient_key, template_version_id=None, subject=None, metadata={}, priority=2,
        attempts=1, scheduled_at=at, expires_at=None,
    )  # fmt: skip
    return Delivery(claimed, outcome, PROVIDERS[one.channel], at, at), one


def to(number: str, sandbox: SandboxServer, key: str = "customer:7") -> Message:
    return replace(message("sms", sandbox.url), address=number, recipient_key=key)


def test_a_number_that_answered_stop_is_a_withdrawal_and_a_suppression(sandbox: SandboxServer) -> None:
    stopped = to("+15005550004", sandbox)
    batch = [finished(stopped, deliver("sms", stopped))]
    follow_up(batch)
    follow_up(batch)  # a batch seen twice

    events = ConsentEvent.objects.order_by("category")
    assert [(e.customer_id, e.channel, e.category, e.action) for e in events] == [
        ("7", "sms", "marketing", "revoked"),
        ("7", "sms", "reminder", "revoked"),
    ]
    for event in events:
        assert (event.source, event.actor) == ("provider_event", "provider:twilio")
        assert event.evidence == {"code": "21610", "notification_id": str(stopped.id)}
        assert event.occurred_at == batch[0][0].finished_at
    assert not CustomerConsent.objects.filter(customer_id="7", enabled=True).exists()
    (suppression,) = Suppression.objects.all()
    assert (suppression.channel, suppression.reason, suppression.scope) == ("sms", "opted_out", "all")


def test_a_stop_of_somebody_without_a_record_is_a_suppression_alone(sandbox: SandboxServer) -> None:
    stopped = to("+15005550004", sandbox, key="staff:3")
    follow_up([finished(stopped, deliver("sms", stopped))])
    assert not ConsentEvent.objects.exists()
    assert Suppression.objects.filter(reason="opted_out").count() == 1


@pytest.mark.parametrize(("number", "reason"), [("+15005550001", "invalid"), ("+15005550009", "landline")])
def test_a_number_that_cannot_take_texts_is_suppressed_and_says_nothing_about_consent(
    number: str, reason: str, sandbox: SandboxServer
) -> None:
    # 5005550001 is a number only in Twilio's tests, so that ours stands in for a real one.
    wrong = to(number, sandbox)
    outcome = deliver("sms", wrong)
    follow_up([finished(replace(wrong, address="+15065550123"), outcome)])
    assert [s.reason for s in Suppression.objects.all()] == [reason]
    assert not ConsentEvent.objects.exists()


def test_a_message_that_is_refused_leaves_its_address_alone(sandbox: SandboxServer) -> None:
    refused = to("+15005550002", sandbox)
    follow_up([finished(refused, deliver("sms", refused))])
    assert not Suppression.objects.exists()


def test_one_wrong_key_pauses_the_channel_and_says_who_why_and_until_when(
    sandbox: SandboxServer, settings: Any
) -> None:
    settings.ANYMAIL = {**settings.ANYMAIL, "SENDGRID_API_KEY": "SG.wrong"}
    mails = [message("email", sandbox.url) for _ in range(2)]
    outcomes = [deliver("email", one) for one in mails]
    assert {type(outcome) for outcome in outcomes} == {Misconfigured}
    follow_up([finished(one, outcome) for one, outcome in zip(mails, outcomes, strict=True)])
    assert open_channels(["email", "sms"]) == ["sms"]
    standing = state_of("email")
    (stop,) = standing.stops
    assert stop.by == "postroom"
    assert "sendgrid refuses us (401)" in stop.reason
    assert stop.until is not None
    assert dt.timedelta(0) < stop.until - timezone.now() <= dt.timedelta(minutes=15)


def browser(sandbox: SandboxServer, name: str, key: str = "customer:7") -> str:
    made = push_keys.subscription(name, sandbox.url)
    subscribe(recipient_key=key, endpoint=made["endpoint"], **made["keys"])
    return str(made["endpoint"])


def to_browsers(sandbox: SandboxServer, key: str = "customer:7") -> Message:
    return replace(message("push", sandbox.url, *targets_of([key])[key]), recipient_key=key)


def test_a_browser_that_is_gone_is_forgotten_and_the_others_stay(sandbox: SandboxServer) -> None:
    gone, kept = browser(sandbox, "gone"), browser(sandbox, "kept")
    sandbox.end_subscription(gone)
    one = to_browsers(sandbox)
    outcome = deliver("push", one)
    assert isinstance(outcome, Sent)
    follow_up([finished(one, outcome)])
    follow_up([finished(one, outcome)])
    (left,) = targets_of(["customer:7"])["customer:7"]
    assert left.endpoint == kept


def refuse(sandbox: SandboxServer, at: dt.datetime) -> type[Outcome]:
    """One message to the dead browser, and what follows from it."""
    one = to_browsers(sandbox, "customer:dead")
    outcome = deliver("push", one)
    follow_up([finished(one, outcome, at=at)] * 2)  # told twice, counted once
    return type(outcome)


def accept(sandbox: SandboxServer, at: dt.datetime) -> None:
    one = to_browsers(sandbox, "customer:alive")
    outcome = deliver("push", one)
    assert isinstance(outcome, Sent)
    follow_up([finished(one, outcome, at=at)])


def is_known(key: str) -> bool:
    return PushSubscription.objects.filter(recipient_key=key).exists()


def test_a_browser_that_refuses_three_times_while_others_accept_is_forgotten(sandbox: SandboxServer) -> None:
    dead = browser(sandbox, "dead", "customer:dead")
    browser(sandbox, "alive", "customer:alive")
    sandbox.end_subscription(dead, status=403)
    now = timezone.now()
    accept(sandbox, now - dt.timedelta(hours=5))
    for n in range(REFUSALS):
        assert is_known("customer:dead")
        accept(sandbox, now - dt.timedelta(hours=3 - n, minutes=-10))
        assert refuse(sandbox, now - dt.timedelta(hours=3 - n)) is Transient
    assert not is_known("customer:dead")
    assert is_known("customer:alive")


def test_a_key_that_everybody_refuses_forgets_nobody(sandbox: SandboxServer) -> None:
    dead = browser(sandbox, "dead", "customer:dead")
    browser(sandbox, "alive", "customer:alive")
    now = timezone.now()
    accept(sandbox, now - dt.timedelta(hours=6))  # before the row of refusals: no proof about it
    sandbox.end_subscription(dead, status=403)
    for n in range(REFUSALS + 2):
        refuse(sandbox, now - dt.timedelta(hours=5 - n))
    assert is_known("customer:dead")
    sandbox.end_subscription(dead, status=0)
    one = to_browsers(sandbox, "customer:dead")
    follow_up([finished(one, deliver("push", one), at=now)])
    (row,) = PushSubscription.objects.filter(recipient_key="customer:dead")
    assert (row.refusals, row.refused_since, row.last_used_at) == (0, None, now)


def test_a_batch_that_was_sent_costs_no_statement(django_assert_num_queries: Any) -> None:
    batch = [finished(message("email", ""), Sent("x")) for _ in range(50)]
    with django_assert_num_queries(0):
        follow_up(batch)


def test_what_follows_a_batch_of_stops_grows_with_the_addresses_alone(sandbox: SandboxServer) -> None:
    def statements(count: int) -> int:
        dead = Permanent("21610", address_dead="opted_out")
        batch = [
            finished(to("+15065550123", sandbox, key=f"customer:{count}-{n}"), dead) for n in range(count)
        ]
        with CaptureQueriesContext(connection) as queries:
            follow_up(batch)
        return len(queries)

    statements(1)
    assert statements(40) == statements(2)


def items(count: int) -> list[Message]:
    rows = NotificationFactory.create_batch(count, channel="inapp")
    return [replace(message("inapp", ""), id=row.pk, recipient_key=row.recipient_key) for row in rows]


def test_a_batch_of_inbox_items_is_two_statements_with_the_right_references(
    django_assert_num_queries: Any,
) -> None:
    wanted = items(50)
    with django_assert_num_queries(2):
        outcomes = InAppChannel().deliver_all(wanted)
    for one, outcome in zip(wanted, outcomes, strict=True):
        assert isinstance(outcome, Sent)
        row = InboxItem.objects.get(notification_id=one.id)
        assert (outcome.reference, row.user_id) == (str(row.pk), one.recipient_key)


def test_a_message_that_is_in_the_inbox_answers_that_item_and_writes_no_other() -> None:
    first, second = items(2)
    (before,) = InAppChannel().deliver_all([first])
    again = InAppChannel().deliver_all([second, first, first])
    assert again[1] == again[2] == before
    assert InboxItem.objects.count() == 2
