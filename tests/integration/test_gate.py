"""The later gates on real rows, at enqueue and at delivery: quiet hours, still relevant, frequency cap."""

import datetime as dt
import re
import textwrap
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils.module_loading import import_string

from consent.directory import Contact
from consent.preferences import grant
from notifications.admin.cells import trouble
from notifications.candidate import Candidate, Held
from notifications.claim import claim
from notifications.enqueue import notify, notify_many
from notifications.frequency import IN_FLIGHT, under_cap
from notifications.message import Address, Claimed, EnqueueResult, NotifyRequest
from notifications.models import Notification
from notifications.prepare import prepare
from notifications.reach import Reach
from notifications.recipient_hours import in_hours
from notifications.record import record
from notifications.relevance import Question, callback_path, still_relevant
from notifications.verdict import Verdict
from rentals.models import Customer
from tests.factories import CustomerFactory, PaymentFactory
from tests.messages import LEASE, PICKUP, fresh, queued

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("templates")]

HOURS = {"reminder": {"sms": "08:00-21:00", "email": "08:00-21:00"}}
NIGHT = dt.datetime(2026, 11, 20, 2, 40, tzinfo=dt.UTC)  # 22:40 on the 19th in Moncton
OPENING = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)  # 08:00 there
NOON = dt.datetime(2026, 11, 20, 16, tzinfo=dt.UTC)
DAY, MINUTE = dt.timedelta(days=1), dt.timedelta(minutes=1)


@pytest.fixture(autouse=True)
def hours(settings: Any) -> None:
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "QUIET_HOURS": HOURS}


def given(settings: Any, **changes: Any) -> None:
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, **changes}


def any_candidate(**changes: Any) -> Candidate:
    values: dict[str, Any] = {
        "id": uuid.uuid4(), "channel": "email", "category": "reminder", "recipient_key": "customer:1",
        "reach": Reach(Contact(id="1"), "1", {"email": "a@example.com"}), "due_at": NOON, "expires_at": None,
        "template": "", "payload": {}, "metadata": {},
    }  # fmt: skip
    return Candidate(**{**values, **changes})


def settle(*, now: dt.datetime, channel: str = "email") -> dict[uuid.UUID, Verdict]:
    """Claim what is due, pass the second gate, and write down what it refuses or holds; answers those verdicts."""
    batch = claimed_at(now, channel)
    _, settled = prepare(batch, now=now) if batch else ([], [])
    record(settled)
    return {row.id: verdict for row, verdict in settled}


def claimed_at(now: dt.datetime, channel: str = "email", limit: int = 10) -> list[Claimed]:
    return claim(channel=channel, limit=limit, lease=LEASE, now=now)


# ── Quiet hours ─────────────────────────────────────────────────────────────────────────────────────────
def test_at_night_it_is_queued_for_the_morning_with_the_reason() -> None:
    customer = CustomerFactory.create()
    result = notify("booking.pickup_today", to=customer.pk, channel="sms", payload=PICKUP, now=NIGHT)
    (receipt,) = result.queued
    row = fresh(receipt.id)
    assert OPENING <= row.scheduled_at < OPENING + 5 * MINUTE
    assert receipt.held_until == row.scheduled_at
    assert (receipt.rule, row.status, row.attempts) == ("", "queued", 0)
    assert row.metadata["held"] == {
        "stage": "enqueue",
        "rule": "quiet_hours",
        "reason": "It is 22:40 for the recipient; it may go out from 08:00 (America/Moncton).",
        "until": row.scheduled_at.isoformat(),
        "at": NIGHT.isoformat(),
    }
    assert row.metadata["decision"]["rule"] == "consent.not_revoked"  # the proof of consent stays


def test_the_list_says_why_it_waits_until_something_else_happens() -> None:
    row = queued(channel="sms", now=NIGHT)
    assert trouble(row) == row.metadata["held"]["reason"]
    row.scheduled_at, row.error = (
        row.scheduled_at + MINUTE,
        "503: busy",
    )  # sent in the morning, and tried again
    assert trouble(row) == "503: busy"


def test_what_is_not_named_goes_out_at_any_hour() -> None:
    customer = CustomerFactory.create()
    for arguments in ({"channel": "inapp"}, {"channel": "sms", "category": "security"}):
        assert queued(customer, now=NIGHT, **arguments).scheduled_at == NIGHT


def test_a_later_moment_counts_not_the_hour_of_the_call() -> None:
    row = queued(channel="sms", now=NOON, scheduled_at=NIGHT + DAY)
    assert OPENING + DAY <= row.scheduled_at < OPENING + DAY + 5 * MINUTE
    assert row.metadata["held"]["reason"].startswith("It would be 22:40")


def test_what_would_expire_before_the_opening_is_withheld() -> None:
    row = queued(channel="sms", now=NIGHT, expires_at=OPENING)
    assert (row.status, row.metadata["withheld"]["rule"]) == ("cancelled", "expired")
    assert row.metadata["withheld"]["reason"].startswith("Quiet hours came first. It is 22:40")
    barely = queued(channel="sms", now=NIGHT, expires_at=OPENING + MINUTE)
    assert barely.status == "queued"
    assert OPENING <= barely.scheduled_at < OPENING + MINUTE


def test_the_opening_is_spread_the_same_way_each_time(settings: Any) -> None:
    given(settings, OPENING_SPREAD=dt.timedelta(minutes=10))
    rows = [queued(channel="sms", now=NIGHT) for _ in range(20)]
    offsets = {row.scheduled_at - OPENING for row in rows}
    assert len(offsets) == 20
    assert all(dt.timedelta(0) <= offset < 10 * MINUTE for offset in offsets)
    for row in rows:
        lot = row.pk.int & 0xFFFFFFFF
        assert row.scheduled_at == OPENING + 10 * MINUTE * lot // 2**32


@pytest.mark.parametrize(
    ("number", "says", "opens"),
    [
        ("+15065550142", "(America/Halifax, by the phone number)", "12:00"),
        ("+17095550142", "in all 2 zones where they may be", "12:00"),  # Newfoundland and Labrador
        ("", "in all 8 zones where they may be", "16:00"),  # 08:00 in Vancouver
    ],
)
def test_an_unknown_zone_waits_for_every_plausible_one(number: str, says: str, opens: str) -> None:
    # A host's directory may answer any text; our own table would refuse it.
    contact = Contact(id="1", phone=number, timezone="Moncton, NB")
    candidate = any_candidate(
        reach=Reach(contact, "1", {"email": "a@example.com", "sms": number}), due_at=NIGHT
    )
    answer = in_hours([candidate], now=NIGHT)[candidate.id]
    assert isinstance(answer, Held)
    assert says in answer.reason
    assert f"{answer.until:%H:}" == opens[:3]


def test_zones_without_an_hour_in_common_leave_it_to_our_own_clock(settings: Any) -> None:
    given(settings, FALLBACK_ZONES=["Asia/Tokyo"], QUIET_HOURS={"reminder": {"sms": "10:00-12:00"}})
    result = notify(to=Address("+80012345678"), channel="sms", body="Hi", category="reminder", now=NIGHT)
    row = fresh(result.queued[0].id)
    assert (
        "have no hour in common; by our own clock it may go out from 10:00 (America/Moncton)"
        in (row.metadata["held"]["reason"])
    )


def test_what_comes_due_at_night_goes_back_until_the_morning_and_no_attempt_is_burnt() -> None:
    row = queued(now=NOON - DAY)
    (verdict,) = settle(now=NIGHT).values()
    after = fresh(row)
    assert (after.status, after.attempts) == ("queued", 0)
    assert OPENING <= after.scheduled_at < OPENING + 5 * MINUTE
    assert after.scheduled_at == verdict.scheduled_at
    assert (after.metadata["held"]["stage"], after.metadata["held"]["rule"]) == ("delivery", "quiet_hours")
    assert settle(now=NOON) == {}  # by day it may go
    assert fresh(row).status == "processing"


# ── Still relevant ──────────────────────────────────────────────────────────────────────────────────────
SECRET = "jane@example.com"
ASKED: list[list[Question]] = []


def every_second(questions: Sequence[Question], *, now: dt.datetime) -> Mapping[uuid.UUID, str]:
    ASKED.append(list(questions))
    return {question.id: "It is paid." for question in questions if question.metadata.get("odd")}


def broken(questions: Sequence[Question], *, now: dt.datetime) -> Mapping[uuid.UUID, str]:
    raise KeyError(SECRET)


@pytest.fixture
def relevance(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    ASKED.clear()
    paths = {"here.every_second": every_second, "here.broken": broken}
    monkeypatch.setattr(
        "notifications.relevance.import_string", lambda path: paths.get(path) or import_string(path)
    )
    given(settings, RELEVANCE={"booking.": "here.every_second"}, QUIET_HOURS={})


def send(count: int, now: dt.datetime = NOON, **arguments: Any) -> EnqueueResult:
    return notify_many(
        [
            NotifyRequest(
                "booking.pickup_today", to=CustomerFactory.create().pk, channel="email", payload=PICKUP,
                metadata={"odd": bool(n % 2)}, **arguments,
            )
            for n in range(count)
        ],
        now=now,
    )  # fmt: skip


@pytest.mark.usefixtures("relevance")
def test_one_question_a_batch_at_enqueue_and_another_at_delivery() -> None:
    result = send(4)
    assert (len(result.queued), [receipt.rule for receipt in result.withheld]) == (2, ["relevance.ended"] * 2)
    assert result.withheld[0].reason == "It no longer holds: It is paid."
    Notification.objects.filter(pk=result.queued[0].id).update(metadata={"odd": True})
    (verdict,) = settle(now=NOON).values()
    assert (verdict.status, verdict.metadata["withheld"]["stage"]) == ("cancelled", "delivery")
    assert [len(questions) for questions in ASKED] == [4, 2]
    assert {(q.template, q.recipient_key[:9]) for questions in ASKED for q in questions} == {
        ("booking.pickup_today", "customer:")
    }


@pytest.mark.usefixtures("relevance")
def test_the_most_exact_rule_answers_and_others_are_not_asked(settings: Any) -> None:
    given(
        settings,
        RELEVANCE={"booking.": "here.broken", "booking.pickup_today": "here.every_second", "book": "x"},
    )
    assert len(send(1).queued) == 1
    assert len(ASKED) == 1
    given(settings, RELEVANCE={"invoice.": "here.broken", "booking.pickup": "here.broken"})
    assert send(1).queued[0].held_until is None


@pytest.mark.parametrize(
    ("template", "path"),
    [("a.b.c", "long"), ("a.b", "exact"), ("a.x", "short"), ("a", None), ("ab.c", None), ("", None)],
)
def test_the_longest_beginning_decides(template: str, path: str | None) -> None:
    assert callback_path(template, {"a.": "short", "a.b.": "long", "a.b": "exact", "ab": "no dot"}) == path


@pytest.mark.usefixtures("relevance")
def test_a_callback_that_fails_sends_nothing_and_loses_nothing(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    before = queued(now=NOON)
    given(settings, RELEVANCE={"booking.": "here.broken"})
    (receipt,) = send(1).queued
    assert receipt.held_until == NOON + 5 * MINUTE
    settle(now=NOON)
    after = fresh(before)
    assert (after.status, after.attempts, after.scheduled_at) == ("queued", 0, NOON + 5 * MINUTE)
    assert after.metadata["held"]["rule"] == "relevance.error"
    assert "here.broken: KeyError" in after.metadata["held"]["reason"]
    assert "relevance.failed callback=here.broken error=KeyError" in caplog.text
    assert SECRET not in caplog.text + str(after.metadata)
    short = queued(now=NOON, expires_at=NOON + MINUTE)
    assert (short.status, short.metadata["withheld"]["rule"]) == ("cancelled", "expired")
    later = queued(now=NOON, scheduled_at=NOON + DAY)  # asked about when it is due
    assert "held" not in later.metadata


# ── Frequency cap ───────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture
def reader() -> Customer:
    customer = CustomerFactory.create()
    for channel in ("email", "sms"):
        grant(
            customer_id=str(customer.pk), channel=channel, category="marketing", source="web_form",
            actor="customer", at=NOON - 90 * DAY,
        )  # fmt: skip
    return customer


def promote(
    customer: Customer, now: dt.datetime = NOON, channel: str = "email", **arguments: Any
) -> Notification:
    return queued(customer, category="marketing", channel=channel, now=now, **arguments)


def was_sent(row: Notification, at: dt.datetime) -> None:
    Notification.objects.filter(pk=row.pk).update(
        status="sent", last_attempt_at=at, attempts=1, metadata={"sent_at": at.isoformat()},
        lease_token=None, lease_until=None,
    )  # fmt: skip


def rule(row: Notification) -> str:
    return str(row.metadata.get("withheld", {}).get("rule", ""))


def test_one_a_day_and_four_in_thirty_over_all_channels(reader: Customer) -> None:
    for days in (20, 12, 5):
        was_sent(promote(reader, NOON - days * DAY), NOON - days * DAY)
    was_sent(promote(reader, NOON - DAY), NOON - DAY)
    fifth = promote(reader, channel="sms")
    assert rule(fifth) == "frequency_cap"
    assert fifth.metadata["withheld"]["reason"] == (
        "At most 4 marketing messages in 30 days may go to one recipient, and 4 went out or are ahead of this one."
    )
    assert rule(promote(reader, NOON + 10 * DAY + MINUTE)) == ""  # the first is thirty days old
    assert rule(promote(CustomerFactory.create(), channel="inapp")) == ""


def test_the_day_is_a_sliding_one_and_other_categories_do_not_count(reader: Customer) -> None:
    was_sent(queued(reader, now=NOON), NOON - MINUTE)
    was_sent(promote(reader, NOON - MINUTE, channel="inapp"), NOON - MINUTE)  # nor does the inbox
    was_sent(promote(reader, NOON - DAY), NOON - DAY + MINUTE)
    assert "At most 1 marketing message in 1 day" in promote(reader).metadata["withheld"]["reason"]
    assert rule(promote(reader, NOON + MINUTE)) == ""


def test_what_is_due_and_what_is_ahead_in_the_set_count_at_enqueue(reader: Customer) -> None:
    promotion = NotifyRequest(
        "booking.pickup_today", to=reader.pk, channel=["email", "sms"], payload=PICKUP, category="marketing"
    )
    result = notify_many([promotion], now=NOON)
    assert [receipt.channel for receipt in result.queued] == ["email"]
    assert [receipt.rule for receipt in result.withheld] == ["frequency_cap"]
    assert rule(promote(reader)) == "frequency_cap"
    assert rule(promote(reader, scheduled_at=NOON + 2 * DAY)) == ""  # another day


def test_at_delivery_what_was_sent_since_counts_and_what_is_only_queued_does_not(
    reader: Customer, settings: Any
) -> None:
    given(settings, CAPS={})
    sent, *waiting = (promote(reader) for _ in range(4))
    was_sent(sent, NOON - MINUTE)
    given(settings, CAPS={"marketing": [(2, DAY)]})
    # One of three may follow the one that was sent: each counts what is ahead of it, none what is behind.
    refused = settle(now=NOON)
    assert {verdict.metadata["withheld"]["rule"] for verdict in refused.values()} == {"frequency_cap"}
    assert sorted(fresh(row).status for row in waiting) == ["cancelled", "cancelled", "processing"]


def test_two_workers_never_both_pass_and_none_is_lost_to_a_call_that_fails(
    reader: Customer, settings: Any
) -> None:
    given(settings, CAPS={})
    promote(reader), promote(reader)
    given(settings, CAPS={"marketing": [(1, DAY)]})
    one = claimed_at(NOON, limit=1)
    (ready, _), (other,) = prepare(one, now=NOON), claimed_at(NOON, limit=1)
    assert len(ready) == 1
    ready, ((_, verdict),) = prepare([other], now=NOON)
    assert ready == []
    assert (verdict.status, verdict.metadata["held"]["rule"], verdict.refund) == (
        "queued",
        "frequency_cap",
        True,
    )
    assert verdict.scheduled_at is not None
    assert NOON + IN_FLIGHT <= verdict.scheduled_at < NOON + 2 * IN_FLIGHT
    # The first one's call failed for good: the second may go after all.
    record([(one[0], Verdict("failed", error="400: no")), (other, verdict)])
    again = claimed_at(verdict.scheduled_at, limit=5)
    assert [row.id for row in again] == [other.id]
    assert len(prepare(again, now=verdict.scheduled_at)[0]) == 1


def test_no_query_where_nothing_is_configured_and_one_a_category_with_a_cap(
    reader: Customer, settings: Any, django_assert_num_queries: Any
) -> None:
    readers = [any_candidate(category="marketing", recipient_key=f"customer:{n}") for n in range(500)]
    with django_assert_num_queries(1):
        assert under_cap(readers, now=NOON) == {}
    given(settings, CAPS={}, RELEVANCE={}, QUIET_HOURS={})
    with django_assert_num_queries(0):
        assert (
            under_cap(readers, now=NOON)
            == still_relevant(readers, now=NOON)
            == in_hours(readers, now=NOON)
            == {}
        )


def test_the_cap_reads_each_recipients_messages_by_their_index() -> None:
    with connection.cursor() as cursor:
        # In a copy of the table: a rollback takes back rows, but not what ANALYZE writes into pg_class.
        cursor.execute("CREATE SCHEMA apart")
        cursor.execute("CREATE TABLE apart.notification_queue (LIKE notification_queue INCLUDING ALL)")
        cursor.execute("SET LOCAL search_path = apart, public")
        cursor.execute(
            """INSERT INTO notification_queue (id, channel, "to", recipient_key, category, status, attempts,
                last_attempt_at, metadata)
            SELECT gen_random_uuid(), 'email', '{}', 'customer:' || n % 1000, 'marketing', 'sent', 1,
                now() - n * interval '1 hour', '{"sent_at": "x"}' FROM generate_series(1, 6000) AS n"""
        )
        cursor.execute("ANALYZE apart.notification_queue")
    plans: list[str] = []

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        with connection.connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {sql}", params)
            plans.append("\n".join(line for (line,) in cursor))
        return execute(sql, params, many, context)

    asked = [any_candidate(category="marketing", recipient_key=f"customer:{n}") for n in range(50)]
    with connection.execute_wrapper(explain):
        under_cap(asked, now=NOON, claimed=[c.id for c in asked])
    (plan,) = plans
    assert (
        "notification_queue_recipient_key_created_at_idx" in plan
    )  # LIKE names notification_queue_recipient so
    assert (
        "Seq Scan on notification_queue" not in plan
    )  # the history is empty here; test_plans.py has a long one


# ── The recipe ──────────────────────────────────────────────────────────────────────────────────────────
def test_the_callback_of_the_documentation_answers_in_one_query(django_assert_num_queries: Any) -> None:
    text = (Path(__file__).resolve().parents[2] / "docs/howto/keep-messages-relevant.md").read_text()
    (recipe,) = re.findall(r"```python\n( +import uuid.*?)```", text, re.DOTALL)
    made: dict[str, Any] = {}
    exec(textwrap.dedent(recipe), made)
    paid, open_ = PaymentFactory.create(status="completed"), PaymentFactory.create(status="failed")
    asked = [
        Question(uuid.uuid4(), "payment.failed", {}, metadata, "customer:1")
        for metadata in ({"payment_id": str(paid.pk)}, {"payment_id": str(open_.pk)}, {})
    ]
    with django_assert_num_queries(1):
        assert made["payments"](asked, now=NOON) == {asked[0].id: "The payment went through."}
