"""Reports applied: onto the message in one order, into suppressions and the ledger, once, whoever applies them and how often."""

import datetime as dt
import itertools
import threading
import uuid
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from consent.addresses import blind_index
from consent.models import ConsentEvent, Suppression
from consent.preferences import current, grant
from consent.suppress import lift
from notifications.archive import copy, remove
from notifications.complaint_policy import ComplaintPolicy
from notifications.history import find
from notifications.models import Notification, NotificationHistory, ProviderEvent, SendingDay
from notifications.retention import Retention, ended
from notifications.story import story
from notifications.webhooks.apply import TRIES, Applied, apply_some, apply_waiting
from notifications.webhooks.consequences import draw as draw_for_real
from tests.ended import finished
from tests.factories import CustomerFactory
from tests.messages import fresh
from tests.notification_factories import DeliveryAttemptFactory, NotificationFactory, ProviderEventFactory

pytestmark = pytest.mark.django_db
NOW = timezone.now()
MINUTE = dt.timedelta(minutes=1)
INDEX = blind_index("email", "ada@example.com")


def sent(**fields: Any) -> Notification:
    customer = CustomerFactory.create()
    values: dict[str, Any] = {"status": "sent", "to": {"customer_id": str(customer.pk)}, **fields}
    row: Notification = NotificationFactory.create(**values)
    return row


def reported(word: str, row: Notification | None = None, minute: int = 0, **fields: Any) -> ProviderEvent:
    code = {"complained": "spamreport", "bounced": "bounce", "unsubscribed": "unsubscribe"}.get(word, word)
    values: dict[str, Any] = {
        "event_type": word,
        "code": code,
        "notification_id": row.pk if row else None,
        "occurred_at": NOW + minute * MINUTE,
        "address_hmac": INDEX,
        "address_hint": "a•••@e•••.com",
        **fields,
    }
    made: ProviderEvent = ProviderEventFactory.create(**values)
    return made


def outcome(event: ProviderEvent) -> str:
    return ProviderEvent.objects.get(pk=event.pk).outcome


# ── Onto the message ────────────────────────────────────────────────────────────────────────────────────
LIFE = ["processed", "deferred", "delivered", "opened"]


@pytest.mark.parametrize("order", list(itertools.permutations(range(len(LIFE)))))
def test_whatever_the_order_of_arrival_the_same_fact_stands(order: tuple[int, ...]) -> None:
    row = sent()
    for place in order:
        reported(LIFE[place], row, minute=place)
        apply_waiting()
    after = fresh(row)
    assert (after.feedback, after.feedback_at) == ("opened", NOW + 3 * MINUTE)
    assert after.status == "sent"


def test_of_the_same_fact_the_first_moment_stands() -> None:
    row = sent()
    for minute in (5, 2, 9):
        reported("delivered", row, minute=minute)
        apply_waiting()
    assert fresh(row).feedback_at == NOW + 2 * MINUTE


def test_a_bounce_after_a_delivery_and_a_complaint_after_all() -> None:
    row = sent()
    for word in ("complained", "bounced", "delivered"):
        reported(word, row)
    apply_waiting()
    assert fresh(row).feedback == "complained"


def test_an_event_is_applied_once() -> None:
    row = sent()
    event = reported("delivered", row)
    assert apply_waiting().done == 1
    applied_at = ProviderEvent.objects.get(pk=event.pk).applied_at
    assert applied_at is not None
    assert apply_waiting().done == 0
    assert outcome(event) == "noted"
    assert ProviderEvent.objects.get(pk=event.pk).applied_at == applied_at


def test_without_our_id_the_providers_reference_tells_the_message() -> None:
    attempt = DeliveryAttemptFactory.create(
        outcome="sent", provider_reference="ref-9", notification=sent(channel="sms"), provider="twilio"
    )
    event = reported("delivered", provider="twilio", code="", reference="ref-9")
    apply_waiting()
    assert fresh(attempt.notification_id).feedback == "delivered"
    assert ProviderEvent.objects.get(pk=event.pk).notification_id == attempt.notification_id


def test_a_reference_that_many_share_tells_none() -> None:
    for _ in range(2):
        DeliveryAttemptFactory.create(outcome="sent", provider_reference="ref-9", notification=sent())
    event = reported("delivered", reference="ref-9")
    apply_waiting()
    assert outcome(event) == "unknown_message"
    assert not Notification.objects.exclude(feedback=None).exists()


def test_a_message_that_we_do_not_have_harms_nothing_and_its_address_is_still_dead() -> None:
    event = reported("bounced", notification_id=uuid.uuid4())
    apply_waiting()
    assert outcome(event) == "suppressed:hard_bounce"
    assert Suppression.objects.get().address_hmac == INDEX


def test_a_report_on_a_message_of_the_history_is_noted_there() -> None:
    row = finished("sent", 9)
    old = ended("sent", Retention(), now=NOW, limit=1)
    copy(old)
    assert remove(old) == {row.pk}
    event = reported("complained", notification_id=row.pk)
    reported("delivered", notification_id=row.pk)
    apply_waiting()
    past = NotificationHistory.objects.get(pk=row.pk)
    assert (past.feedback, past.feedback_at) == ("complained", NOW)
    assert outcome(event) == "suppressed:complaint noted_late"
    # It counts for the day on which the message went out.
    assert SendingDay.objects.get().day == timezone.localtime(past.finished_at).date()
    assert "reports it complained" in "".join(one.text for one in story(find(row.pk) or row))


# ── What was in doubt ───────────────────────────────────────────────────────────────────────────────────
def doubtful(**fields: Any) -> Notification:
    """Tried at NOW: a report that is older than the try settles nothing, and this file may have been read minutes ago."""
    values: dict[str, Any] = {"last_attempt_at": NOW, **fields}
    row = sent(
        status="failed", error="outcome_unknown: timeout", metadata={"outcome_unknown": True}, **values
    )
    DeliveryAttemptFactory.create(notification=row, outcome="unknown", provider_code="timeout")
    return row


def test_a_late_report_settles_an_unknown_outcome() -> None:
    row = doubtful()
    event = reported("delivered", row, minute=1, reference="SM1")
    apply_waiting()
    after = fresh(row)
    assert (after.status, after.error, after.feedback) == ("sent", None, "delivered")
    assert "outcome_unknown" not in after.metadata
    assert after.metadata["provider_reference"] == "SM1"
    assert dt.datetime.fromisoformat(after.metadata["sent_at"]) == NOW + MINUTE
    (entry,) = after.metadata["history"]
    assert (entry["what"], entry["by"]) == ("settled", "provider:sendgrid")
    assert outcome(event) == "settled"


def test_what_waits_for_a_second_try_because_the_answer_was_lost_is_not_sent_twice() -> None:
    row = sent(status="queued", attempts=1, last_attempt_at=NOW, error="timeout: no answer")
    DeliveryAttemptFactory.create(notification=row, number=1, outcome="unknown", provider_code="timeout")
    reported("processed", row, minute=1)
    apply_waiting()
    assert fresh(row).status == "sent"


def test_a_report_of_an_earlier_try_settles_nothing() -> None:
    row = doubtful(last_attempt_at=NOW + dt.timedelta(hours=1))
    reported("delivered", row)
    apply_waiting()
    assert fresh(row).status == "failed"


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "failed", "error": "550: refused"},
        {"status": "queued", "attempts": 1, "last_attempt_at": NOW, "error": "503: busy"},
        {"status": "cancelled"},
        {"status": "processing"},
    ],
    ids=lambda fields: fields["status"],
)
def test_what_is_not_in_doubt_keeps_its_state(fields: dict[str, Any]) -> None:
    row = sent(**fields)
    reported("delivered", row, minute=1)
    apply_waiting()
    after = fresh(row)
    assert (after.status, after.error, after.feedback) == (row.status, row.error, "delivered")


# ── For the person ──────────────────────────────────────────────────────────────────────────────────────
FOREVER = None


@pytest.mark.parametrize(
    ("provider", "word", "code", "reason", "scope", "days"),
    [
        ("sendgrid", "bounced", "bounce", "hard_bounce", "all", FOREVER),
        ("sendgrid", "complained", "spamreport", "complaint", "optional", FOREVER),
        ("sendgrid", "unsubscribed", "unsubscribe", "opted_out", "optional", FOREVER),
        ("sendgrid", "dropped", "dropped:bounced address", "hard_bounce", "all", FOREVER),
        ("sendgrid", "dropped", "dropped:spam reporting address", "complaint", "optional", FOREVER),
        ("sendgrid", "dropped", "dropped:invalid smtpapi", "invalid", "all", FOREVER),
        ("twilio", "dropped", "21211", "invalid", "all", 180),
        ("twilio", "dropped", "21614", "landline", "all", 365),
        ("twilio", "dropped", "21610", "opted_out", "all", FOREVER),
        ("twilio", "bounced", "30005", "invalid", "all", 180),
        ("twilio", "bounced", "30006", "landline", "all", 365),
    ],
)
def test_a_dead_address_is_suppressed_with_reason_scope_and_end(
    provider: str, word: str, code: str, reason: str, scope: str, days: int | None
) -> None:
    event = reported(word, sent(), provider=provider, code=code)
    apply_waiting()
    kept = Suppression.objects.get()
    assert (kept.reason, kept.scope, kept.source_event) == (reason, scope, event.pk)
    assert (kept.address_hmac, kept.address_hint) == (INDEX, "a•••@e•••.com")
    assert kept.channel == {"sendgrid": "email", "twilio": "sms"}[provider]
    assert kept.expires_at == (None if days is None else NOW + dt.timedelta(days=days))
    assert f"suppressed:{reason}" in outcome(event)


@pytest.mark.parametrize(
    ("provider", "word", "code"),
    [
        ("sendgrid", "delivered", "delivered"),
        ("sendgrid", "deferred", "deferred"),
        ("sendgrid", "bounced", "blocked"),
        ("sendgrid", "dropped", "dropped:expired"),
        ("twilio", "bounced", "30003"),
        ("twilio", "bounced", "30007"),
        ("twilio", "bounced", "30008"),
        ("twilio", "bounced", "99999"),
        ("twilio", "delivered", ""),
    ],
)
def test_what_says_nothing_of_the_address_suppresses_none(provider: str, word: str, code: str) -> None:
    reported(word, sent(), provider=provider, code=code)
    apply_waiting()
    assert not Suppression.objects.exists()
    assert not ConsentEvent.objects.exists()


@pytest.mark.parametrize(
    ("provider", "word", "code", "channel"),
    [
        ("sendgrid", "complained", "spamreport", "email"),
        ("sendgrid", "unsubscribed", "group_unsubscribe", "email"),
        ("twilio", "dropped", "21610", "sms"),
    ],
)
def test_a_no_to_the_provider_is_a_withdrawal_in_the_ledger(
    provider: str, word: str, code: str, channel: str
) -> None:
    row = sent(channel=channel)
    customer = row.to["customer_id"]
    event = reported(word, row, provider=provider, code=code)
    apply_waiting()
    states = current(customer)
    assert {key: state.enabled for key, state in states.items()} == {
        (channel, "marketing"): False,
        (channel, "reminder"): False,
    }
    written = ConsentEvent.objects.first()
    assert written is not None
    assert (written.source, written.actor) == ("provider_event", f"provider:{provider}")
    assert written.occurred_at == event.occurred_at
    assert written.evidence["provider_event"] == event.pk
    assert written.evidence["notification_id"] == str(row.pk)
    assert outcome(event).startswith("withdrawn suppressed:")


def test_a_complaint_twice_is_one_withdrawal_and_one_suppression() -> None:
    row = sent()
    for _ in range(3):
        reported("complained", row)
        apply_waiting()
    assert ConsentEvent.objects.count() == 2  # reminder and marketing
    assert Suppression.objects.count() == 1


def test_who_agreed_again_since_stays_agreed() -> None:
    row = sent()
    who = {"customer_id": row.to["customer_id"], "channel": "email", "category": "marketing"}
    grant(**who, source="preference_page", actor="customer", at=NOW + 5 * MINUTE)
    reported("complained", row)
    apply_waiting()
    assert current(who["customer_id"])["email", "marketing"].enabled


def test_what_an_operator_lifted_is_not_made_again_by_a_copy_of_the_report() -> None:
    row = sent()
    reported("bounced", row, minute=-10)
    apply_waiting()
    lift(Suppression.objects.get().pk, by="staff:7", reason="The mailbox works again")
    copy = reported("bounced", row, minute=-10)
    apply_waiting()
    assert Suppression.objects.filter(lifted_at=None).count() == 0
    assert "lifted_since" in outcome(copy)
    reported("bounced", row, minute=10)
    apply_waiting()
    assert Suppression.objects.filter(lifted_at=None).count() == 1


def test_staff_and_people_in_no_table_are_suppressed_and_withdraw_nothing() -> None:
    row = sent(to={"staff_id": "7"})
    reported("complained", row)
    apply_waiting()
    assert Suppression.objects.count() == 1
    assert not ConsentEvent.objects.exists()


# ── Many, broken, and at once ───────────────────────────────────────────────────────────────────────────
def test_a_large_batch_takes_as_many_statements_as_a_small_one(settings: Any) -> None:
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "COMPLAINTS": ComplaintPolicy(volume=10**6)}
    counts = []
    for size in (4, 400):
        rows = [sent() for _ in range(size)]
        for row, word in zip(
            rows, itertools.cycle(["delivered", "bounced", "processed", "complained"]), strict=False
        ):
            reported(word, row, address_hmac=str(row.pk))
        with CaptureQueriesContext(connection) as queries:
            assert apply_some(limit=500, now=timezone.now()) == (size, 0)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_report_on_a_message_touches_no_index_of_the_queue() -> None:
    rows = [sent() for _ in range(20)]
    before = _hot_updates()
    for row in rows:
        reported("delivered", row)
    apply_waiting()
    # Where there is room in the row's page. With a column of it in an index, none would be.
    assert _hot_updates() > before


def _hot_updates() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n_tup_hot_upd FROM pg_stat_xact_user_tables WHERE relname = 'notification_queue'"
        )
        return int(cursor.fetchone()[0])


def test_a_broken_event_stops_no_other_and_waits_for_a_person_after_some_tries(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    good, bad = reported("delivered", sent()), reported("bounced", sent(), code="bounce")
    real = draw_for_real

    def draw(heard: Any) -> Any:
        if any(one.event.pk == bad.pk for one in heard):
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 / 0 AS marie")
        return real(heard)

    monkeypatch.setattr("notifications.webhooks.apply.draw", draw)
    assert apply_waiting() == Applied(done=1, failed=1)
    assert outcome(good) == "noted"
    moment = timezone.now()
    for attempt in range(1, TRIES):
        row = ProviderEvent.objects.get(pk=bad.pk)
        assert (row.attempts, row.applied_at) == (attempt, None)
        assert row.error == "DataError in execute" or row.error.startswith("DataError")
        assert row.retry_at > moment
        assert apply_some(limit=10, now=row.retry_at - MINUTE / 2) == (0, 0)
        assert apply_some(limit=10, now=row.retry_at) == (1, 1)
        moment = row.retry_at
    assert apply_some(limit=10, now=moment + dt.timedelta(days=9)) == (0, 0)
    assert "feedback.failed" in caplog.text
    assert "marie" not in caplog.text


def test_one_that_failed_is_applied_once_it_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    event = reported("bounced", sent())
    monkeypatch.setattr("notifications.webhooks.apply.draw", lambda _heard: 1 / 0)
    apply_waiting()
    monkeypatch.undo()
    assert apply_some(limit=10, now=timezone.now() + 2 * MINUTE) == (1, 0)
    row = ProviderEvent.objects.get(pk=event.pk)
    assert (row.error, row.attempts) == ("", 1)
    assert row.outcome == "suppressed:hard_bounce noted"


@pytest.mark.django_db(transaction=True)
def test_two_at_once_share_the_work_and_neither_does_anything_twice() -> None:
    row = sent()
    for _ in range(30):
        reported("complained", row)
        reported("delivered", sent())
    taken: list[int] = []
    ready = threading.Barrier(2)

    def work() -> None:
        try:
            ready.wait(10)
            taken.append(apply_waiting(batch=5).done)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sum(taken) == 60
    assert not ProviderEvent.objects.filter(applied_at=None).exists()
    assert ConsentEvent.objects.count() == 2
    assert Suppression.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_what_another_holds_is_left_to_it() -> None:
    held, free = reported("delivered", sent()), reported("delivered", sent())
    with transaction.atomic():
        ProviderEvent.objects.select_for_update().get(pk=held.pk)
        found: list[int] = []

        def other() -> None:
            try:
                found.append(apply_waiting().done)
            finally:
                connection.close()

        thread = threading.Thread(target=other)
        thread.start()
        thread.join(30)
        assert found == [1]
    assert outcome(free) == "noted"
    assert outcome(held) == ""


def test_told_to_stop_it_begins_nothing() -> None:
    reported("delivered", sent())
    assert apply_waiting(stop=lambda: True).done == 0
