"""contract_reminders at its edges: which contract waits for whom, who is written to where, how often, and what stops it."""

import datetime as dt
import json
import logging
import threading
from collections import Counter
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from jobs import telling
from jobs.catalog import CATALOG
from jobs.runner import run
from jobs.spec import JobResult, silent
from notifications.enqueue import notify_many
from notifications.models import Notification
from notifications.worker import drain
from rentals.models import Booking, Contract, ContractEvent, ContractReminder, ContractSigner
from sandbox.testing import SandboxServer
from tests.business_factories import (
    DAY,
    ContractFactory,
    ContractReminderFactory,
    ContractSignerFactory,
)
from tests.factories import BookingFactory, CustomerFactory
from tests.plan_reader import explained

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("swept", "templates")]


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


HOUR = dt.timedelta(hours=1)
# 09:00 in Moncton (UTC-4 in winter).
NOW = utc("2026-11-20T13:00")
EXPIRES_AT = utc("2026-11-23T21:00")  # 17:00 there, three days later
QUIET = {"signature": 0, "expiring": 0}


def remind(now: dt.datetime = NOW) -> JobResult:
    return CATALOG["contract_reminders"].run(now=now, progress=silent)


def told(moments: list[dt.datetime]) -> list[int]:
    """How many contracts each run of a series tells about."""
    return [sum(remind(moment).found.values()) for moment in moments]


def waiting(*, signers: int = 1, **fields: Any) -> Contract:
    """A contract sent a week ago; the customer, and others, have not signed it."""
    contract = ContractFactory.create(
        **{"sent_at": NOW - 7 * DAY, "expires_at": NOW + 20 * DAY, "status": "sent", **fields}
    )
    for n in range(signers):
        ContractSignerFactory.create(contract=contract, signer_role="third_party" if n else "customer")
    return contract


def planned(at: dt.datetime = NOW, **fields: Any) -> Contract:
    """The same, with a reminder that staff planned."""
    contract = waiting(**fields)
    ContractReminderFactory.create(contract=contract, scheduled_at=at)
    return contract


def expiring(**fields: Any) -> Contract:
    return waiting(**{"expires_at": EXPIRES_AT, **fields})


def statuses(contract: Contract) -> list[str]:
    return list(contract.reminders.order_by("scheduled_at").values_list("status", flat=True))


def templates() -> list[str]:
    rows = Notification.objects.filter(channel="email").order_by("scheduled_at")
    return list(rows.values_list("template__name", flat=True))


def settle(contract: Contract, how: str) -> None:
    contracts, signers = (
        Contract.objects.filter(pk=contract.pk),
        ContractSigner.objects.filter(contract=contract),
    )
    match how:
        case "signed by all":
            signers.update(status="signed", signed_at=NOW)
        case "declined":
            signers.update(status="declined")
        case "signed":
            contracts.update(status="signed", signed_at=NOW)
        case "draft":
            contracts.update(status="draft", sent_at=None, expires_at=None)
        case "run out":
            contracts.update(expires_at=NOW)
        case "booking cancelled":
            Booking.objects.filter(pk=contract.booking_id).update(status="cancelled")
        case _:
            contracts.update(status=how)


# ── Nothing, once, twice ────────────────────────────────────────────────────────────────────────────────
def test_nothing_due_queues_nothing() -> None:
    planned(NOW + HOUR)
    assert remind() == JobResult(found=QUIET)
    assert not Notification.objects.exists()


def test_a_planned_reminder_goes_to_the_customer_and_is_written_down() -> None:
    contract = planned(booking__customer__preferred_contact_method="sms")
    assert remind() == JobResult(
        found={"signature": 1, "expiring": 0}, queued=2, changed={"reminders sent": 1}
    )
    signer = contract.signers.get()
    rows = list(Notification.objects.order_by("channel").select_related("template"))
    assert [row.channel for row in rows] == ["inapp", "sms"]
    for row in rows:
        assert row.to == {"customer_id": str(contract.booking.customer_id)}
        assert row.template is not None
        assert row.template.name == "contract.signature_due"
        assert row.category == "transactional"
        assert row.idempotency_key == f"contract_reminders:unsigned:{signer.pk}:2026-11-20"
        assert row.payload["contract_url"].endswith(f"/contracts/{contract.contract_number}")
        assert row.expires_at == utc("2026-11-22T04:00")
    reminder = contract.reminders.get()
    assert (reminder.status, reminder.sent_at) == ("sent", NOW)
    event = ContractEvent.objects.get()
    assert (event.event_type, event.occurred_at) == ("reminder_sent", NOW)
    assert event.metadata == {
        "reminder_id": str(reminder.pk),
        "signer_ids": [str(signer.pk)],
        "signers": 1,
    }


def test_three_days_and_one_day_before_it_expires_and_never_between_or_after() -> None:
    contract = expiring()
    every_hour = [NOW - DAY + n * HOUR for n in range(6 * 24)]
    times = [moment for moment, count in zip(every_hour, told(every_hour), strict=True) if count]
    assert times == [NOW, NOW + 2 * DAY]
    assert templates() == ["contract.expiring"] * 2
    assert statuses(contract) == ["sent", "sent"]
    assert ContractEvent.objects.count() == 2
    assert Notification.objects.filter(channel="email").latest("scheduled_at").expires_at == EXPIRES_AT


def test_a_second_run_and_one_for_a_past_slot_say_nothing_more() -> None:
    expiring(), planned()
    assert remind().queued == 4
    for moment in (NOW, NOW + HOUR, NOW - HOUR):
        assert remind(moment) == JobResult(found=QUIET)
    assert ContractEvent.objects.count() == 2


# ── A planned row and a milestone ───────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("hour", [-5, 0, 3])
def test_a_planned_row_and_a_milestone_of_one_day_send_once(hour: int) -> None:
    contract = expiring()
    ContractReminderFactory.create(contract=contract, scheduled_at=NOW + hour * HOUR)
    day = [NOW - 8 * HOUR + n * HOUR for n in range(23)]
    assert sum(told(day)) == 1
    assert templates() == ["contract.expiring"]
    assert ContractEvent.objects.count() == 1
    assert "pending" not in statuses(contract)
    # What staff planned is what was sent, where its moment came first.
    assert statuses(contract) == (["sent"] if hour <= 0 else ["sent", "cancelled"])


def test_of_a_planned_row_and_a_milestone_due_in_one_run_the_planned_row_is_sent() -> None:
    contract = expiring()
    ContractReminderFactory.create(contract=contract, scheduled_at=NOW - HOUR / 2)
    assert remind().changed == {"reminders sent": 1}
    assert statuses(contract) == ["sent"]


def test_a_run_missed_over_several_planned_rows_sends_one() -> None:
    contract = planned(NOW - 2 * DAY)
    ContractReminderFactory.create(contract=contract, scheduled_at=NOW - DAY)
    assert remind().changed == {"reminders cancelled": 1, "reminders sent": 1}
    assert statuses(contract) == ["cancelled", "sent"]


@pytest.mark.parametrize(
    ("first", "is_told"),
    [
        (NOW - HOUR, 0),
        (NOW + DAY, 1),  # the run of the third day before was missed
        (NOW + DAY + 14 * HOUR, 1),  # 23:00
        (NOW + DAY + 16 * HOUR, 0),  # 01:00: nobody is woken for it
        (NOW + 3 * DAY - 4 * HOUR, 1),  # 05:00 of the last day: better than never
        (EXPIRES_AT - HOUR, 1),
        (EXPIRES_AT, 0),
    ],
)
def test_a_missed_milestone_is_made_up_for_as_long_as_it_is_true(first: dt.datetime, is_told: int) -> None:
    expiring()
    assert told([first, first + HOUR / 2]) == [is_told, 0]


def test_what_was_made_up_for_on_the_day_of_the_next_is_not_said_again() -> None:
    expiring()
    assert told([NOW + 2 * DAY - HOUR, NOW + 2 * DAY, NOW + 2 * DAY + HOUR]) == [0, 1, 0]


def test_a_contract_just_sent_is_not_dunned_for_a_morning_before_it_was_sent() -> None:
    expiring(sent_at=NOW + HOUR)
    assert told([NOW + 2 * HOUR, NOW + DAY, NOW + 2 * DAY]) == [0, 0, 1]


def test_a_contract_that_expires_later_now_is_told_again_in_its_time() -> None:
    contract = expiring()
    remind()
    Contract.objects.filter(pk=contract.pk).update(expires_at=EXPIRES_AT + 5 * DAY)
    assert told([NOW + 2 * DAY, NOW + 4 * DAY, NOW + 5 * DAY, NOW + 7 * DAY]) == [0, 0, 1, 1]


# ── Signed, voided, run out ─────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("how", ["signed", "voided", "expired", "draft", "run out", "booking cancelled"])
def test_a_contract_that_waits_for_nobody_cancels_what_is_planned(how: str) -> None:
    contract = planned(NOW - HOUR)
    ContractReminderFactory.create(contract=contract, scheduled_at=NOW + DAY)
    settle(contract, how)
    assert remind() == JobResult(found=QUIET, changed={"reminders cancelled": 2})
    assert statuses(contract) == ["cancelled", "cancelled"]


@pytest.mark.parametrize("how", ["signed by all", "declined"])
def test_what_is_planned_is_cancelled_in_its_time_where_nobody_is_left_to_sign(how: str) -> None:
    contract = planned(NOW)
    settle(contract, how)
    assert remind(NOW - HOUR) == JobResult(found=QUIET)
    assert remind() == JobResult(found=QUIET, changed={"reminders cancelled": 1})
    assert statuses(contract) == ["cancelled"]


@pytest.mark.parametrize(
    "how",
    ["signed", "voided", "expired", "draft", "run out", "booking cancelled", "signed by all", "declined"],
)
def test_a_contract_that_waits_for_nobody_has_no_milestones(how: str) -> None:
    settle(expiring(), how)
    assert remind() == JobResult(found=QUIET)


# ── Who signs ───────────────────────────────────────────────────────────────────────────────────────────
def test_each_who_has_not_signed_is_written_to_where_they_are_known() -> None:
    contract = waiting(signers=0, booking__customer__locale="fr")
    ContractReminderFactory.create(contract=contract, scheduled_at=NOW)
    for role, status in (
        ("customer", "pending"),
        ("third_party", "pending"),
        ("admin", "pending"),
        ("third_party", "signed"),
        ("admin", "declined"),
    ):
        ContractSignerFactory.create(contract=contract, signer_role=role, status=status)
    assert remind().queued == 4
    rows = list(Notification.objects.all())
    assert Counter((row.channel, "customer_id" in row.to) for row in rows) == {
        ("email", True): 1,
        ("inapp", True): 1,
        ("email", False): 2,
    }
    # Our own people read English, the others the customer's language.
    assert sorted(row.to["address"]["locale"] for row in rows if "address" in row.to) == ["en", "fr"]
    assert ContractEvent.objects.get().metadata["signers"] == 3


def test_no_address_or_name_of_a_signer_is_written_in_the_clear() -> None:
    planned(signers=2)
    remind()
    for row in Notification.objects.all():
        written = json.dumps([row.to, row.payload, row.metadata, row.idempotency_key])
        assert "@example.com" not in written
        assert "Marie" not in written
    assert "@" not in json.dumps(ContractEvent.objects.get().metadata)


@pytest.mark.parametrize("theirs", [True, False])
def test_of_two_who_sign_as_customers_only_the_bookings_own_reads_it_as_the_customer(theirs: bool) -> None:
    contract = planned(signers=0)
    own = contract.booking.customer.email.upper() if theirs else "partner@example.com"
    for email in (own, "brother@example.com"):
        ContractSignerFactory.create(contract=contract, signer_email=email)
    remind()
    customers = Notification.objects.filter(channel="email", to__has_key="customer_id").count()
    assert customers == int(theirs)
    assert Notification.objects.filter(channel="email").count() == 2


def test_an_address_that_is_none_keeps_nobody_else_from_being_told(caplog: pytest.LogCaptureFixture) -> None:
    contract, other = planned(), planned()
    bad = ContractSignerFactory.create(contract=contract, signer_role="admin", signer_email="+15065550100")
    ContractSigner.objects.filter(contract=other).update(signer_role="admin", signer_email="nobody")
    with caplog.at_level(logging.WARNING):
        assert remind().queued == 2
    assert f"contract.signer_unreachable signer={bad.pk}" in caplog.text
    assert "nobody" not in caplog.text
    assert ContractEvent.objects.get().contract_id == contract.pk
    assert remind(NOW + HOUR) == JobResult(found=QUIET)


# ── The clock of the customer ───────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("zone", "expires_at", "due_at"),
    [
        ("America/Moncton", "2026-11-24T03:59", "2026-11-20T13:00"),
        ("America/Los_Angeles", "2026-11-24T07:59", "2026-11-20T17:00"),
        ("Pacific/Kiritimati", "2026-11-23T09:59", "2026-11-19T19:00"),
        ("Pacific/Pago_Pago", "2026-11-24T10:59", "2026-11-20T20:00"),
        # Clocks go forward in Moncton on 8 March 2026 and back on 1 November.
        ("America/Moncton", "2026-03-08T20:00", "2026-03-05T13:00"),
        ("America/Moncton", "2026-03-11T20:00", "2026-03-08T12:00"),
        ("America/Moncton", "2026-11-01T20:00", "2026-10-29T12:00"),
        ("America/Moncton", "2026-11-04T20:00", "2026-11-01T13:00"),
    ],
)
def test_the_third_day_before_begins_at_nine_by_the_customers_clock(
    zone: str, expires_at: str, due_at: str
) -> None:
    waiting(
        expires_at=utc(expires_at),
        sent_at=utc("2026-01-05T12:00"),
        booking__customer__timezone=zone,
    )
    due = utc(due_at)
    assert told([due - HOUR, due - HOUR / 60, due, due + HOUR]) == [0, 0, 1, 0]


# ── What was queued and no longer holds ─────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    "how",
    ["signed", "voided", "expired", "draft", "run out", "booking cancelled", "signed by all", "declined"],
)
def test_a_queued_reminder_stops_with_its_cause(how: str, sandbox: SandboxServer) -> None:
    contract = planned(signers=2)
    assert run("contract_reminders", now=NOW, trigger="command").status == "success"
    settle(contract, how)
    drain(now=NOW + HOUR)
    rows = Notification.objects.all()
    assert {row.metadata["withheld"]["rule"] for row in rows} == {"relevance.ended"}
    assert sandbox.messages() == []


def test_who_signs_in_between_is_not_written_to_and_the_others_are(sandbox: SandboxServer) -> None:
    contract = planned(signers=2, booking__customer=CustomerFactory.create(locale="fr"))
    assert run("contract_reminders", now=NOW, trigger="command").status == "success"
    contract.signers.filter(signer_role="customer").update(status="signed", signed_at=NOW)
    drain(now=NOW + HOUR)
    (mail,) = sandbox.messages(provider="sendgrid")
    content = sandbox.message(mail["id"])["content"]
    other = contract.signers.get(signer_role="third_party")
    assert content["to"][0]["email"] == other.signer_email
    assert "Bonjour Marie LeBlanc," in content["text"]
    assert contract.contract_number in content["subject"]


def test_a_reminder_that_names_another_moment_than_the_contracts_is_stopped(sandbox: SandboxServer) -> None:
    contract = planned()
    assert run("contract_reminders", now=NOW, trigger="command").status == "success"
    Contract.objects.filter(pk=contract.pk).update(expires_at=NOW + 30 * DAY)
    drain(now=NOW + HOUR)
    assert {row.status for row in Notification.objects.all()} == {"cancelled"}


# ── Failures, races, scale ──────────────────────────────────────────────────────────────────────────────
def test_a_failure_half_way_leaves_nothing_half_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "PAGE", 1)
    contract = expiring(signers=2)
    calls: list[int] = []

    def fail_on_the_second(*args: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("no more")
        return notify_many(*args, **options)

    monkeypatch.setattr(telling, "notify_many", fail_on_the_second)
    assert CATALOG["contract_reminders"].atomic
    with pytest.raises(RuntimeError), transaction.atomic():
        remind()
    assert not Notification.objects.exists()
    assert not ContractEvent.objects.exists()
    assert statuses(contract) == []
    monkeypatch.undo()
    assert remind().queued == 3


def test_a_dry_run_shows_its_rows_and_changes_nothing() -> None:
    contract = expiring()
    report = run("contract_reminders", now=NOW, trigger="command", dry_run=True)
    assert report.status == "success", report.error
    assert report.row_counts == {
        "contract_events": {"insert": 1},
        "contract_reminders": {"insert": 1, "update": 1},
    }
    assert len(report.messages) == 2
    assert not Notification.objects.exists()
    assert statuses(contract) == []


def test_the_number_of_statements_does_not_grow_with_the_rows() -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            remind()
        return len(queries)

    expiring(signers=2), planned(signers=2)
    few = statements()
    for _ in range(10):
        expiring(signers=2), planned(signers=2)
    assert statements() == few


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_tell_once() -> None:
    contracts = [expiring(), planned(), expiring(signers=2)]
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
    assert sum(result.queued for result in results) == 7
    assert [statuses(contract) for contract in contracts] == [["sent"]] * 3
    assert ContractEvent.objects.count() == 3


# A contract a booking, each thousandth still to be signed, and reminders of all of them.
HISTORY = """
INSERT INTO bookings (booking_number, customer_id, equipment_id, start_date, end_date, status, type, delivery_address, currency,
        total_amount, deposit_amount, balance_amount, billing_status, source)
    SELECT 'H-' || n, customer_id, equipment_id, start_date, end_date, status, type, delivery_address, currency,
        total_amount, deposit_amount, balance_amount, billing_status, source FROM bookings, generate_series(1, 6000) AS n;
INSERT INTO contracts (booking_id, contract_number, status, created_at, sent_at, expires_at, signed_at)
    SELECT id, n, CASE WHEN n %% 1000 = 0 THEN 'sent' ELSE 'signed' END, %(now)s, %(now)s - interval '20 days',
        %(now)s + CASE WHEN n %% 1000 = 0 THEN interval '20 days' ELSE interval '2 days' END,
        CASE WHEN n %% 1000 > 0 THEN %(now)s - interval '9 days' END
    FROM (SELECT id, row_number() OVER () AS n FROM bookings) AS numbered;
INSERT INTO contract_signers (contract_id, signer_role, signer_name, signer_email, status, signed_at)
    SELECT id, 'customer', '', 'someone', CASE WHEN signed_at IS NULL THEN 'pending' ELSE 'signed' END, signed_at
    FROM contracts;
INSERT INTO contract_reminders (contract_id, scheduled_at, status, sent_at)
    SELECT id, %(now)s + CASE WHEN signed_at IS NULL THEN interval '1 day' ELSE interval '-10 days' END,
        CASE WHEN signed_at IS NULL THEN 'pending' ELSE 'sent' END, signed_at FROM contracts;
"""


def test_a_run_that_finds_nothing_reads_no_long_table_from_end_to_end() -> None:
    BookingFactory.create()
    with connection.cursor() as cursor:
        cursor.execute(HISTORY, {"now": NOW})
        cursor.execute("ANALYZE")
    with explained("contract_reminders") as plans:
        assert remind() == JobResult(found=QUIET)
    indexes = set().union(*(plan.indexes for plan in plans))
    assert {"contracts_waiting", "contract_reminders_due"} <= indexes
    for plan in plans:
        long_tables = {"contracts", "contract_reminders", "contract_signers"}
        assert not plan.whole_tables & long_tables, str(plan)
        assert plan.blocks < 1500, str(plan)
    assert ContractReminder.objects.filter(status="pending").count() == 6
