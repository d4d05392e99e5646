"""The complaint rate: by sending domain and day, warned of and then acted on, whatever the order of the reports."""

import datetime as dt
import itertools
from typing import Any

import pytest
from django.utils import timezone

from consent.preferences import grant
from notifications.category_stop import RULE, resume, stop
from notifications.claim import claim
from notifications.complaint_policy import ComplaintPolicy
from notifications.enqueue import notify
from notifications.models import CategoryStop, Notification, SendingDay
from notifications.prepare import prepare
from notifications.record import record
from notifications.webhooks.apply import apply_waiting
from rentals.models import Customer
from tests.factories import CustomerFactory, StaffFactory
from tests.messages import LEASE, fresh
from tests.notification_factories import NotificationFactory, ProviderEventFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("templates")]
DAY = dt.timedelta(days=1)
NOW = timezone.now()
PROMOTION = {
    "name": "Winter rates", "discount": "10 %", "ends_on": "2026-12-24", "promo_url": "https://rental.example/p",
}  # fmt: skip


@pytest.fixture(autouse=True)
def thresholds(settings: Any) -> None:
    """Whole numbers of ten messages: warned at one in ten, stopped at two."""
    policy = ComplaintPolicy(warn_at=0.1, stop_at=0.2, volume=10, least=1)
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "COMPLAINTS": policy, "CAPS": {}}
    StaffFactory.create(groups=("security_centre",))


def mails(count: int, at: dt.datetime = NOW) -> list[Notification]:
    meta = {"sent_at": at.isoformat()}
    return [NotificationFactory.create(status="sent", metadata=meta) for _ in range(count)]


def report(word: str, rows: list[Notification], at: dt.datetime = NOW) -> None:
    code = "spamreport" if word == "complained" else word
    for row in rows:
        ProviderEventFactory.create(event_type=word, code=code, notification_id=row.pk, occurred_at=at)
    apply_waiting()


def alerts() -> list[str]:
    keys = Notification.objects.filter(template__name="system.complaint_rate").values_list(
        "idempotency_key", flat=True
    )
    return sorted({str(key).split(":")[3] for key in keys})


def day(at: dt.datetime = NOW) -> SendingDay:
    return SendingDay.objects.get(day=timezone.localtime(at).date())


# ── Counting ────────────────────────────────────────────────────────────────────────────────────────────
def test_a_day_counts_what_was_sent_on_it_by_domain() -> None:
    rows = mails(10)
    report("delivered", rows)
    report("complained", rows[:1])
    found = day()
    assert (found.domain, found.delivered, found.complained, found.rate) == ("rental.example", 10, 1, 0.1)


def test_a_complaint_counts_for_the_day_of_its_message_however_late_it_comes() -> None:
    rows = mails(10, NOW - 5 * DAY)
    report("delivered", rows, NOW - 5 * DAY)
    report("complained", rows[:1], NOW)
    assert day(NOW - 5 * DAY).complained == 1
    assert SendingDay.objects.count() == 1


def test_copies_under_other_ids_count_once_in_one_batch_and_in_several() -> None:
    rows = mails(3)
    report("delivered", [*rows, *rows])
    report("delivered", rows)
    report("complained", [rows[0], rows[0]])
    report("complained", [rows[0]])
    assert (day().delivered, day().complained) == (3, 1)


def test_text_messages_and_messages_of_others_do_not_count() -> None:
    ProviderEventFactory.create(provider="twilio", code="", notification_id=mails(1)[0].pk)
    ProviderEventFactory.create(event_type="complained", code="spamreport")
    apply_waiting()
    assert not SendingDay.objects.exists()


# ── Acting ──────────────────────────────────────────────────────────────────────────────────────────────
def test_below_the_first_limit_nothing_happens() -> None:
    rows = mails(11)
    report("delivered", rows)
    report("complained", rows[:1])
    assert alerts() == []
    assert not CategoryStop.objects.exists()


def test_at_the_first_limit_the_security_centre_hears_of_it_once() -> None:
    rows = mails(10)
    report("delivered", rows)
    report("complained", rows[:1])
    for _ in range(2):
        report("delivered", more := mails(9))
    report("complained", more[:1])
    report("complained", more[1:2])
    assert alerts() == ["high"]
    assert day().warned_at is not None
    assert not CategoryStop.objects.exists()


def test_at_the_second_limit_marketing_by_e_mail_stops_and_says_why() -> None:
    rows = mails(10)
    report("delivered", rows)
    report("complained", rows[:2])
    found = CategoryStop.objects.get()
    assert (found.channel, found.category, found.stopped_by, found.lifted_at) == (
        "email",
        "marketing",
        "postroom",
        None,
    )
    assert "2 of 10 e-mails that rental.example sent on" in found.reason
    assert alerts() == ["stopped"]


@pytest.mark.parametrize("order", list(itertools.permutations(["delivered", "complained", "more"])))
def test_the_order_of_reports_does_not_matter(order: tuple[str, ...]) -> None:
    rows = mails(10)
    for part in order:
        if part == "delivered":
            report("delivered", rows)
        else:
            report("complained", rows[:1] if part == "complained" else rows[1:2])
    assert CategoryStop.objects.count() == 1


def test_one_in_nine_is_no_trend(settings: Any) -> None:
    few = mails(9)
    report("delivered", few)
    report("complained", few[:3])
    assert not CategoryStop.objects.exists()
    policy = ComplaintPolicy(warn_at=0.1, stop_at=0.2, volume=1, least=5)
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "COMPLAINTS": policy}
    report("complained", few[3:4])
    assert not CategoryStop.objects.exists()
    report("complained", few[4:5])
    assert CategoryStop.objects.exists()


def test_what_a_person_resumed_is_not_stopped_again_for_the_same_day() -> None:
    rows = mails(10)
    report("delivered", rows)
    report("complained", rows[:2])
    resume(channel="email", category="marketing", by="staff:7", reason="A broken list, removed")
    report("complained", rows[2:4])
    assert not CategoryStop.objects.filter(lifted_at=None).exists()
    other = mails(10, NOW - DAY)
    report("delivered", other)
    report("complained", other[:2])
    assert CategoryStop.objects.filter(lifted_at=None).count() == 1


def test_an_alert_that_cannot_be_told_keeps_no_report_from_being_applied(settings: Any) -> None:
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "ALERT_GROUP": "nobody_made_this"}
    rows = mails(10)
    report("delivered", rows)
    report("complained", rows[:1])
    assert fresh(rows[0]).feedback == "complained"
    assert day().warned_at is None
    report("complained", rows[1:3])
    assert CategoryStop.objects.filter(lifted_at=None).count() == 1


# ── The stop at the gate ────────────────────────────────────────────────────────────────────────────────
def agreed() -> Customer:
    customer = CustomerFactory.create()
    for category in ("marketing", "reminder"):
        grant(
            customer_id=str(customer.pk),
            channel="email",
            category=category,
            source="web_form",
            actor="customer",
            at=NOW,
        )
    return customer


def asked(customer: Customer, **arguments: Any) -> Notification:
    values: dict[str, Any] = {"channel": "email", "payload": PROMOTION, "now": NOW, **arguments}
    result = notify("promotion.announcement", to=customer.pk, **values)
    return Notification.objects.get(pk=(*result.queued, *result.withheld)[0].id)


def halt() -> None:
    stop(channel="email", category="marketing", reason="Too many complaints", by="postroom")


def test_a_stopped_category_waits_in_the_queue_and_says_why() -> None:
    halt()
    row = asked(agreed())
    assert (row.status, row.scheduled_at) == ("queued", NOW + dt.timedelta(hours=1))
    assert row.metadata["held"]["rule"] == RULE
    assert row.metadata["held"]["reason"] == "Marketing is stopped on this channel: Too many complaints"


def test_what_was_queued_before_is_held_at_delivery() -> None:
    row = asked(agreed())
    halt()
    _, settled = prepare(claim(channel="email", limit=10, lease=LEASE, now=NOW), now=NOW)
    record(settled)
    after = fresh(row)
    assert (after.status, after.attempts) == ("queued", 0)
    assert after.metadata["held"]["rule"] == RULE


def test_other_categories_and_channels_go_on() -> None:
    halt()
    customer = agreed()
    for arguments in ({"category": "transactional"}, {"category": "reminder"}):
        assert asked(customer, **arguments).scheduled_at == NOW


def test_what_is_for_later_is_asked_when_it_is_due() -> None:
    halt()
    row = asked(agreed(), scheduled_at=NOW + DAY)
    assert row.scheduled_at == NOW + DAY
    assert "held" not in row.metadata


def test_what_expires_meanwhile_is_withheld() -> None:
    halt()
    row = asked(agreed(), expires_at=NOW + dt.timedelta(minutes=30))
    assert (row.status, row.metadata["withheld"]["rule"]) == ("cancelled", "expired")
    assert row.metadata["withheld"]["reason"].startswith("Its category was stopped.")


def test_resuming_brings_forward_what_waited_for_it_and_nothing_else() -> None:
    later = asked(agreed(), scheduled_at=NOW + DAY)
    halt()
    row = asked(agreed())
    assert resume(channel="email", category="marketing", by="staff:7", reason="Mended") == 1
    assert fresh(row).scheduled_at <= timezone.now()
    assert fresh(later).scheduled_at == NOW + DAY
    assert asked(agreed()).scheduled_at == NOW
    lifted = CategoryStop.objects.get()
    assert (lifted.lifted_by, lifted.lift_reason) == ("staff:7", "Mended")
    assert resume(channel="email", category="marketing", by="staff:7", reason="Again") is None


def test_two_stops_are_one_and_the_first_reason_stands() -> None:
    halt()
    assert (
        stop(channel="email", category="marketing", reason="Another", by="staff:1").reason
        == "Too many complaints"
    )
    assert CategoryStop.objects.count() == 1


def test_what_people_wait_for_cannot_be_stopped_and_a_reason_is_needed() -> None:
    for category in ("security", "transactional", "reminder"):
        with pytest.raises(ValueError, match="Only marketing"):
            stop(channel="email", category=category, reason="x", by="staff:1")
    with pytest.raises(ValueError, match="needs a reason"):
        stop(channel="email", category="marketing", reason=" ", by="staff:1")
    halt()
    with pytest.raises(ValueError, match="needs a reason"):
        resume(channel="email", category="marketing", by="staff:1", reason=" ")
    assert CategoryStop.objects.filter(lifted_at=None).count() == 1
