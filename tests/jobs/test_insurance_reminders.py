"""insurance_reminders at its edges: which document calls for what, on whose day, how often, and what stops it."""

import datetime as dt
import threading
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from consent.preferences import revoke
from jobs import telling
from jobs.catalog import CATALOG
from jobs.runner import run
from jobs.spec import JobResult, silent
from notifications.enqueue import notify_many
from notifications.models import Notification
from notifications.worker import drain
from rentals.models import Booking, InsuranceActivity, InsuranceDocument, InsuranceReminder
from sandbox.testing import SandboxServer
from tests.business_factories import DAY, InsuranceActivityFactory, InsuranceDocumentFactory
from tests.factories import BookingFactory, CustomerFactory
from tests.plan_reader import explained

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("swept", "templates")]


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


# 09:00 in Moncton (UTC-4 in winter), when the daily run is.
NOW = utc("2026-11-20T13:00")
LAST_DAY = utc("2026-11-27T21:00")  # 17:00 in Moncton, seven days later


def remind(now: dt.datetime = NOW) -> JobResult:
    return CATALOG["insurance_reminders"].run(now=now, progress=silent)


def told(kind: str, moments: list[dt.datetime]) -> list[int]:
    """How many of a kind each run of a series tells."""
    return [remind(moment).found[kind] for moment in moments]


def days(count: int, *, first: dt.datetime = NOW) -> list[dt.datetime]:
    return [first + n * DAY for n in range(count)]


def expiring(**fields: Any) -> InsuranceDocument:
    return InsuranceDocumentFactory.create(**{"expires_at": LAST_DAY, **fields})


def lacking(**fields: Any) -> InsuranceDocument:
    """A document that staff asked more about, last evening."""
    document = InsuranceDocumentFactory.create(status="info_requested", **fields)
    asked(document, NOW - DAY / 2)
    return document


def asked(document: InsuranceDocument, at: dt.datetime) -> None:
    InsuranceActivityFactory.create(document=document, action="info_requested", created_at=at)


def statuses(document: InsuranceDocument) -> list[str]:
    return list(document.reminders.order_by("scheduled_at").values_list("status", flat=True))


def replace(document: InsuranceDocument) -> None:
    InsuranceDocumentFactory.create(booking=document.booking, status="pending", created_at=NOW)


def settle(document: InsuranceDocument, how: str) -> None:
    match how:
        case "replaced":
            replace(document)
        case "cancelled" | "completed":
            Booking.objects.filter(pk=document.booking_id).update(status=how)
        case _:
            InsuranceDocument.objects.filter(pk=document.pk).update(status=how)


# ── Nothing, once, twice ────────────────────────────────────────────────────────────────────────────────
def test_nothing_due_queues_and_plans_nothing() -> None:
    InsuranceDocumentFactory.create()
    InsuranceDocumentFactory.create(expires_at=None)
    assert remind() == JobResult(found={"expiry": 0, "missing_info": 0})
    assert not Notification.objects.exists()
    assert not InsuranceReminder.objects.exists()


def test_what_ends_at_midnight_ends_with_the_day_before() -> None:
    zone = ZoneInfo("America/Moncton")
    midnight = dt.datetime(2026, 11, 28, tzinfo=zone)
    document = expiring(expires_at=midnight)
    assert told("expiry", days(11, first=NOW - DAY)) == [0, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0]
    last = Notification.objects.filter(channel="email").latest("scheduled_at")
    assert last.idempotency_key == f"insurance_reminders:expiry-0:{document.pk}:2026-11-27"


def test_seven_days_three_days_and_on_the_day_and_never_between_or_after() -> None:
    document = expiring()
    assert told("expiry", days(11, first=NOW - DAY)) == [0, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0]
    assert statuses(document) == ["sent"] * 3
    rows = Notification.objects.filter(channel="email").order_by("scheduled_at")
    assert [row.idempotency_key for row in rows] == [
        f"insurance_reminders:expiry-{n}:{document.pk}:2026-11-27" for n in (7, 3, 0)
    ]
    assert [row.payload["is_last_day"] for row in rows] == [False, False, True]
    assert {row.payload["expiry_date"] for row in rows} == {"2026-11-27"}
    # Each dies where the next takes over.
    assert [row.expires_at for row in rows] == [
        utc("2026-11-24T04:00"),
        utc("2026-11-27T04:00"),
        utc("2026-11-28T04:00"),
    ]


def test_what_is_missing_is_asked_for_at_once_and_every_three_days_three_times_in_all() -> None:
    document = lacking()
    assert told("missing_info", days(12)) == [1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0]
    assert statuses(document) == ["sent"] * 3
    rows = Notification.objects.filter(channel="email")
    assert rows.count() == 3
    assert {tuple(row.payload["missing"]) for row in rows} == {("policy number",)}
    assert {row.category for row in rows} == {"transactional"}


def test_a_reminder_is_planned_told_and_written_down() -> None:
    document = expiring()
    assert remind() == JobResult(
        found={"expiry": 1, "missing_info": 0},
        queued=2,
        changed={"reminders planned": 3, "reminders sent": 1},
    )
    assert statuses(document) == ["sent", "pending", "pending"]
    sent = document.reminders.get(status="sent")
    assert (sent.sent_at, sent.scheduled_at) == (NOW, utc("2026-11-20T04:00"))
    document.refresh_from_db()
    assert document.last_reminder_at == NOW
    activity = InsuranceActivity.objects.get()
    assert (activity.document_id, activity.action, activity.actor) == (
        document.pk,
        "reminder_sent",
        "job:insurance_reminders",
    )
    assert activity.created_at == NOW
    assert {row.channel for row in Notification.objects.all()} == {"email", "inapp"}
    assert {str(row.to) for row in Notification.objects.all()} == {
        str({"customer_id": str(document.booking.customer_id)})
    }


def test_a_second_run_and_one_for_a_past_slot_say_nothing_more() -> None:
    expiring(), lacking()
    assert remind().queued == 4
    for moment in (NOW, NOW + dt.timedelta(hours=1), NOW - DAY / 4):
        assert remind(moment) == JobResult(found={"expiry": 0, "missing_info": 0})
    assert InsuranceActivity.objects.filter(action="reminder_sent").count() == 2


@pytest.mark.parametrize(
    ("first", "says"), [(NOW + 2 * DAY, "expiry-7"), (NOW + 5 * DAY, "expiry-3"), (NOW + 7 * DAY, "expiry-0")]
)
def test_a_missed_run_is_made_up_for_by_what_is_still_true(first: dt.datetime, says: str) -> None:
    document = expiring()
    assert remind(first).found["expiry"] == 1
    assert f":{says}:" in (Notification.objects.get(channel="email").idempotency_key or "")
    assert remind(first + DAY / 24).queued == 0
    assert statuses(document)[0] == "sent"


def test_a_run_missed_in_between_takes_the_planned_row_away() -> None:
    document = expiring()
    remind()
    assert remind(NOW + 7 * DAY).changed == {"reminders cancelled": 1, "reminders sent": 1}
    assert statuses(document) == ["sent", "cancelled", "sent"]


# ── Verified, replaced, moved, over ─────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("how", ["rejected", "replaced", "cancelled", "completed"])
def test_planned_expiry_reminders_are_cancelled_with_their_cause(how: str) -> None:
    document = expiring()
    remind()
    settle(document, how)
    assert remind(NOW + 4 * DAY).changed == {"reminders cancelled": 2}
    assert statuses(document) == ["sent", "cancelled", "cancelled"]


@pytest.mark.parametrize("how", ["verified", "pending", "rejected", "replaced", "cancelled", "completed"])
def test_a_planned_question_is_cancelled_once_it_is_answered(how: str) -> None:
    document = lacking()
    assert remind().changed == {"reminders planned": 2, "reminders sent": 1}
    settle(document, how)
    assert remind(NOW + 3 * DAY).changed == {"reminders cancelled": 1}
    assert statuses(document) == ["sent", "cancelled"]


@pytest.mark.parametrize("how", ["rejected", "replaced", "cancelled", "completed"])
def test_what_is_settled_calls_for_nothing(how: str) -> None:
    settle(expiring(), how)
    settle(lacking(), how)
    assert remind() == JobResult(found={"expiry": 0, "missing_info": 0})


def test_a_document_of_another_type_replaces_nothing() -> None:
    document = expiring()
    InsuranceDocumentFactory.create(booking=document.booking, document_type="property", created_at=NOW)
    assert remind().found["expiry"] == 1


def test_a_later_expiry_cancels_what_was_planned_and_is_told_in_its_own_time() -> None:
    document = expiring()
    remind()
    InsuranceDocument.objects.filter(pk=document.pk).update(expires_at=LAST_DAY + DAY)
    moved = remind(NOW + DAY)
    assert moved.changed == {"reminders planned": 3, "reminders cancelled": 2, "reminders sent": 1}
    assert told("expiry", days(7, first=NOW + 2 * DAY)) == [0, 0, 0, 1, 0, 0, 1]


def test_a_booking_that_stands_again_gets_its_reminders_back() -> None:
    document = expiring()
    remind()
    settle(document, "cancelled")
    remind(NOW + DAY)
    Booking.objects.filter(pk=document.booking_id).update(status="confirmed")
    assert remind(NOW + 2 * DAY).changed == {"reminders planned": 2}
    assert told("expiry", days(3, first=NOW + 4 * DAY)) == [1, 0, 0]


def test_who_is_asked_for_something_else_is_asked_anew() -> None:
    document = lacking()
    remind()
    asked(document, NOW + DAY + DAY / 24)
    again = remind(NOW + 2 * DAY)
    assert again.changed == {"reminders planned": 2, "reminders cancelled": 1, "reminders sent": 1}
    assert told("missing_info", days(10, first=NOW + 3 * DAY)) == [0, 0, 1, 0, 0, 1, 0, 0, 0, 0]


def test_without_a_note_of_the_question_it_is_asked_all_the_same() -> None:
    InsuranceDocumentFactory.create(status="info_requested", requested_info="proof_of_address")
    assert told("missing_info", days(9)) == [1, 0, 0, 1, 0, 0, 1, 0, 0]
    assert Notification.objects.filter(channel="email")[0].payload["missing"] == ["proof of address"]


# ── The clock of the customer ───────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("zone", "expires_at", "deliver_at"),
    [
        ("America/Moncton", "2026-11-28T03:59", "2026-11-20T13:00"),  # 23:59 of the 27th
        ("America/Los_Angeles", "2026-11-28T07:59", "2026-11-20T17:00"),  # not at 05:00
        ("Pacific/Pago_Pago", "2026-11-27T12:00", "2026-11-20T20:00"),  # 01:00 of the 27th, UTC-11
        ("Pacific/Auckland", "2026-11-27T12:00", "2026-11-20T20:00"),  # 01:00 of the 28th there: seven days
    ],
)
def test_days_are_the_customers_own_and_nobody_is_woken(zone: str, expires_at: str, deliver_at: str) -> None:
    expiring(expires_at=utc(expires_at), booking__customer__timezone=zone)
    assert remind(NOW - DAY).queued == 0
    assert remind().queued == 2
    assert {row.scheduled_at for row in Notification.objects.all()} == {utc(deliver_at)}


@pytest.mark.parametrize(
    ("expires_at", "runs", "ends_at"),
    [
        # Clocks go forward on 8 March 2026 and back on 1 November.
        (
            "2026-03-08T20:00",
            ["2026-03-01T13:00", "2026-03-05T13:00", "2026-03-08T12:00"],
            "2026-03-09T03:00",
        ),
        (
            "2026-11-01T20:00",
            ["2026-10-25T12:00", "2026-10-29T12:00", "2026-11-01T13:00"],
            "2026-11-02T04:00",
        ),
    ],
)
def test_days_are_counted_as_days_across_a_clock_change(
    expires_at: str, runs: list[str], ends_at: str
) -> None:
    expiring(expires_at=utc(expires_at))
    assert told("expiry", [utc(moment) for moment in runs]) == [1, 1, 1]
    assert Notification.objects.filter(channel="email").latest("scheduled_at").expires_at == utc(ends_at)


def test_a_question_waits_three_days_across_a_clock_change() -> None:
    document = InsuranceDocumentFactory.create(status="info_requested", created_at=utc("2026-03-01T12:00"))
    asked(document, utc("2026-03-06T18:00"))
    runs = ["2026-03-07T13:00", "2026-03-09T12:00", "2026-03-10T12:00", "2026-03-13T12:00"]
    assert told("missing_info", [utc(moment) for moment in runs]) == [1, 0, 1, 1]


# ── What was queued and no longer holds ─────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("how", ["rejected", "replaced", "cancelled", "completed", "moved"])
def test_a_queued_expiry_reminder_stops_with_its_cause(how: str, sandbox: SandboxServer) -> None:
    document = expiring()
    assert run("insurance_reminders", now=NOW, trigger="command").status == "success"
    if how == "moved":
        InsuranceDocument.objects.filter(pk=document.pk).update(expires_at=LAST_DAY + 90 * DAY)
    else:
        settle(document, how)
    assert withheld() == {"relevance.ended"}
    assert sandbox.messages() == []


@pytest.mark.parametrize("how", ["verified", "pending", "rejected", "replaced", "cancelled", "asked anew"])
def test_a_queued_question_stops_once_it_is_answered(how: str, sandbox: SandboxServer) -> None:
    document = lacking()
    assert run("insurance_reminders", now=NOW, trigger="command").status == "success"
    if how == "asked anew":
        asked(document, NOW)
    else:
        settle(document, how)
    assert withheld() == {"relevance.ended"}
    assert sandbox.messages() == []


def test_what_still_holds_goes_out(sandbox: SandboxServer) -> None:
    customer = CustomerFactory.create(locale="fr")
    document, other = expiring(booking__customer=customer), lacking(booking__customer=customer)
    assert run("insurance_reminders", now=NOW, trigger="command").status == "success"
    InsuranceDocument.objects.filter(pk=document.pk).update(status="info_requested", requested_info=["x"])
    InsuranceDocument.objects.filter(pk=other.pk).update(updated_at=NOW)
    assert withheld() == set()
    texts = [sandbox.message(mail["id"])["content"]["text"] for mail in sandbox.messages(provider="sendgrid")]
    assert len(texts) == 2
    assert any("27 novembre 2026" in text for text in texts)
    assert any("- policy number" in text for text in texts)


def withheld() -> set[str]:
    """Drain; answers the rules that withheld all there was, or nothing if all was sent."""
    drain(now=NOW + dt.timedelta(minutes=1))
    rows = Notification.objects.all()
    assert len({row.status for row in rows}) == 1, [(row.status, row.metadata) for row in rows]
    return {row.metadata["withheld"]["rule"] for row in rows if row.status == "cancelled"}


def test_a_customer_who_switched_reminders_off_finds_it_in_the_inbox_and_a_question_reaches_them() -> None:
    document = expiring()
    InsuranceDocumentFactory.create(
        booking=document.booking, document_type="property", status="info_requested"
    )
    revoke(
        customer_id=str(document.booking.customer_id),
        channel="email",
        category="reminder",
        source="preference_page",
        actor="customer",
        at=NOW,
    )
    result = remind()
    assert (result.queued, result.withheld) == (3, 1)


# ── Failures, races, scale ──────────────────────────────────────────────────────────────────────────────
def test_a_failure_half_way_leaves_nothing_half_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "PAGE", 1)
    expiring(), lacking()
    calls: list[int] = []

    def fail_on_the_second(*args: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("no more")
        return notify_many(*args, **options)

    monkeypatch.setattr(telling, "notify_many", fail_on_the_second)
    assert CATALOG["insurance_reminders"].atomic
    with pytest.raises(RuntimeError), transaction.atomic():
        remind()
    assert not Notification.objects.exists()
    assert not InsuranceReminder.objects.exists()
    assert not InsuranceActivity.objects.filter(action="reminder_sent").exists()
    monkeypatch.undo()
    assert remind().queued == 4


def test_a_dry_run_shows_its_rows_and_changes_nothing() -> None:
    document = expiring()
    report = run("insurance_reminders", now=NOW, trigger="command", dry_run=True)
    assert report.status == "success", report.error
    assert report.row_counts == {
        "insurance_activity": {"insert": 1},
        "insurance_documents": {"update": 1},
        "insurance_reminders": {"insert": 3, "update": 1},
    }
    assert len(report.messages) == 2
    assert not Notification.objects.exists()
    assert statuses(document) == []


def test_the_number_of_statements_does_not_grow_with_the_rows() -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            remind()
        return len(queries)

    expiring(), lacking()
    few = statements()
    for _ in range(10):
        expiring(), lacking()
    assert statements() == few


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_tell_once() -> None:
    document, other = expiring(), lacking()
    start, results = threading.Barrier(2), []

    def one() -> None:
        try:
            with transaction.atomic():
                start.wait(timeout=10)
                results.append(remind())
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sum(result.queued for result in results) == 4
    assert statuses(document) == ["sent", "pending", "pending"]
    assert statuses(other) == ["sent", "pending"]
    assert InsuranceActivity.objects.filter(action="reminder_sent").count() == 2


# A document a booking, half of them run out and half not yet; each hundredth lacks something and was asked for three times.
HISTORY = """
INSERT INTO bookings (booking_number, customer_id, equipment_id, start_date, end_date, status, type, delivery_address, currency,
        total_amount, deposit_amount, balance_amount, billing_status, source)
    SELECT 'H-' || n, customer_id, equipment_id, start_date, end_date, status, type, delivery_address, currency,
        total_amount, deposit_amount, balance_amount, billing_status, source FROM bookings, generate_series(1, 6000) AS n;
INSERT INTO insurance_documents (booking_id, document_type, status, expires_at, requested_info, created_at)
    SELECT id, 'liability', CASE WHEN n %% 100 = 0 THEN 'info_requested' ELSE 'verified' END,
        %(now)s + (CASE WHEN n %% 2 = 0 THEN 20 ELSE -20 END) * interval '1 day' - n * interval '1 second',
        '["x"]', %(now)s - interval '20 days'
    FROM (SELECT id, row_number() OVER () AS n FROM bookings) AS numbered;
INSERT INTO insurance_reminders (document_id, reminder_type, scheduled_at, status, sent_at)
    SELECT id, 'missing_info', %(now)s - n * interval '3 days', 'sent', %(now)s - n * interval '3 days'
    FROM insurance_documents, generate_series(1, 3) AS n;
"""


def test_a_run_that_finds_nothing_reads_no_table_from_end_to_end() -> None:
    BookingFactory.create()
    with connection.cursor() as cursor:
        cursor.execute(HISTORY, {"now": NOW})
        cursor.execute("ANALYZE")
    with explained("insurance_reminders") as plans:
        assert remind() == JobResult(found={"expiry": 0, "missing_info": 0})
    indexes = set().union(*(plan.indexes for plan in plans))
    assert {
        "insurance_documents_expiry",
        "insurance_documents_missing",
        "insurance_documents_newest",
        "insurance_reminders_due",
        "insurance_reminders_once",
    } <= indexes
    for plan in plans:
        assert not plan.whole_tables & {"insurance_documents", "insurance_reminders"}, str(plan)
        assert plan.blocks < 1500, str(plan)
