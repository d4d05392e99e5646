"""The sample business adds up: what one table says of a booking, a payment or a customer, the others say too."""

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django.plugin import DjangoDbBlocker

from rentals.models import CustomerSegment
from rentals.sample.payouts import DELAYED
from rentals.sample.plan import Plan
from tests.sample_business import AT, fetch, kept, one

pytestmark = pytest.mark.django_db

FIELDS = {"location", "bookingCount", "lastBooking", "totalSpend", "equipmentCategory", "tag", "riskScore"}
OPERATORS = {"eq", "ne", "gt", "lt", "between", "in"}


@pytest.fixture(scope="module")
def plan(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Plan]:
    with kept(django_db_blocker, Plan(at=AT, bookings=3000)) as plan:
        yield plan


# ── Money ───────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.usefixtures("plan")
def test_the_parts_of_a_booking_are_its_balance() -> None:
    parts = (
        "SELECT count(*) FROM (SELECT booking_id, sum(amount) AS amount, count(*) AS parts FROM installment_schedules"
        " GROUP BY 1) part JOIN bookings booking ON booking.id = part.booking_id"
        " WHERE part.amount <> booking.total_amount - booking.deposit_amount OR part.parts <> 2"
    )
    assert one(parts) == 0


@pytest.mark.usefixtures("plan")
def test_every_part_that_came_has_its_payment_and_no_other_has() -> None:
    strange = (
        "SELECT count(*) FROM installment_schedules part LEFT JOIN payments payment ON payment.id = part.payment_id"
        " WHERE (part.status = 'paid') <> (payment.id IS NOT NULL)"
        " OR (payment.booking_id, payment.amount, payment.created_at) <> (part.booking_id, part.amount, part.paid_at)"
    )
    assert one(strange) == 0
    assert one("SELECT count(*) FROM installment_schedules WHERE status = 'paid'") > 0
    assert one("SELECT count(*) FROM installment_schedules WHERE paid_at > %s", AT) == 0


@pytest.mark.usefixtures("plan")
def test_who_pays_by_instalments_pays_nothing_twice() -> None:
    twice = (
        "SELECT count(*) FROM (SELECT booking_id, sum(amount) AS amount FROM payments"
        " WHERE status = 'completed' AND payment_method NOT IN ('debit', 'wallet') GROUP BY 1) paid"
        " JOIN bookings booking ON booking.id = paid.booking_id"
        " WHERE paid.amount > booking.total_amount"
        " OR (booking.billing_status = 'balance_paid' AND paid.amount <> booking.total_amount)"
    )
    assert one(twice) == 0


@pytest.mark.usefixtures("plan")
def test_a_payout_is_what_its_payments_are_worth_less_fees_and_refunds() -> None:
    rows = fetch(
        "SELECT payout.expected_amount, payout.details, sum(payment.amount),"
        " sum(payment.amount) FILTER (WHERE payment.status = 'refunded'), count(*)"
        " FROM payout_reconciliations payout JOIN payments payment ON payment.payout_id = payout.stripe_payout_id"
        " GROUP BY payout.id"
    )
    assert len(rows) > 100
    for expected, details, charged, refunded, count in rows:
        details = json.loads(details)
        assert f"{charged:.2f}" == details["matched"]["total"]
        assert count == details["matched"]["count"]
        assert f"{-(refunded or 0):.2f}" == details["refunds"]["total"]
        assert f"{charged - (refunded or 0) - expected:.2f}" == details["fees"]


@pytest.mark.usefixtures("plan")
def test_every_card_payment_of_more_than_two_weeks_ago_went_out_with_a_payout_that_is_known() -> None:
    unknown = (
        "SELECT count(*) FROM payments LEFT JOIN payout_reconciliations ON stripe_payout_id = payout_id"
        " WHERE (payout_id <> '' AND stripe_payout_id IS NULL)"
        " OR (payment_method = 'card' AND payout_id = '' AND payments.created_at < %s)"
        " OR (payment_method <> 'card' AND payout_id || stripe_charge_id || stripe_payment_intent_id <> '')"
    )
    assert one(unknown, AT - dt.timedelta(days=15)) == 0
    # These are for the job to fetch.
    assert one("SELECT count(*) FROM payments WHERE stripe_charge_id <> '' AND payout_id = ''") > 0
    assert one(
        "SELECT count(DISTINCT stripe_charge_id) = count(*) FROM payments WHERE stripe_charge_id <> ''"
    )


@pytest.mark.usefixtures("plan")
def test_payouts_of_the_past_are_settled_but_for_those_that_are_late() -> None:
    states = dict(fetch("SELECT status, count(*) FROM payout_reconciliations GROUP BY 1"))
    assert states["pending"] == len(DELAYED)
    assert states["discrepancy"] == 1
    explained = "SELECT count(*) FROM payout_reconciliations WHERE status = 'reconciled' AND amount <> expected_amount"
    assert one(explained) > 0
    assert one("SELECT count(*) FROM payout_reconciliations WHERE updated_at > %s", AT) == 0


# ── Machines ────────────────────────────────────────────────────────────────────────────────────────────
def test_machines_were_out_on_the_days_that_their_bookings_say(plan: Plan) -> None:
    differ = (
        "WITH said AS (SELECT equipment_id, date, revenue FROM equipment_utilization), meant AS ("
        "  SELECT booking.equipment_id, day::date AS date, machine.daily_rate AS revenue FROM bookings booking"
        "  JOIN equipment machine ON machine.id = booking.equipment_id,"
        "  LATERAL generate_series(booking.start_date, booking.end_date, interval '1 day') AS day"
        "  WHERE booking.status IN ('active', 'completed') AND day::date BETWEEN %s AND %s)"
        " SELECT (SELECT count(*) FROM (TABLE said EXCEPT TABLE meant) more)"
        "   + (SELECT count(*) FROM (TABLE meant EXCEPT TABLE said) fewer)"
    )
    today = plan.today()
    assert one(differ, today - dt.timedelta(days=30), today - dt.timedelta(days=1)) == 0
    assert one("SELECT count(*) FROM equipment_utilization") > 100


@pytest.mark.usefixtures("plan")
def test_engines_only_run_forward_and_the_newest_reading_is_the_machines() -> None:
    newest = (
        "SELECT count(*) FROM equipment machine JOIN LATERAL (SELECT engine_hours, captured_at FROM telematics_snapshots"
        " WHERE equipment_id = machine.id ORDER BY captured_at DESC LIMIT 1) newest ON true"
        " WHERE newest.engine_hours <> machine.total_engine_hours OR newest.captured_at > %s"
    )
    assert one(newest, AT) == 0
    back = (
        "SELECT count(*) FROM (SELECT engine_hours - lag(engine_hours) OVER (PARTITION BY equipment_id ORDER BY captured_at)"
        " AS more FROM telematics_snapshots) reading WHERE more <= 0"
    )
    assert one(back) == 0
    assert one("SELECT count(*) FROM maintenance_logs WHERE engine_hours < 0 OR performed_at > %s", AT) == 0


@pytest.mark.usefixtures("plan")
def test_retired_machines_are_not_booked() -> None:
    assert one("SELECT count(*) FROM equipment WHERE status = 'retired'") > 0
    booked = "SELECT count(*) FROM bookings JOIN equipment machine ON machine.id = equipment_id WHERE machine.status = 'retired'"
    assert one(booked) == 0


# ── People and papers ───────────────────────────────────────────────────────────────────────────────────
@pytest.mark.usefixtures("plan")
def test_customers_sign_with_the_name_and_address_they_have() -> None:
    strangers = (
        "SELECT count(*) FROM contract_signers signer JOIN contracts contract ON contract.id = signer.contract_id"
        " JOIN bookings booking ON booking.id = contract.booking_id"
        " JOIN customers customer ON customer.id = booking.customer_id WHERE signer.signer_role = 'customer'"
        " AND (signer.signer_name <> customer.first_name || ' ' || customer.last_name"
        "   OR (customer.email <> '' AND signer.signer_email <> customer.email))"
    )
    assert one(strangers) == 0
    roles = dict(fetch("SELECT signer_role, count(*) FROM contract_signers GROUP BY 1"))
    assert roles["customer"] > roles["third_party"] > 0


@pytest.mark.usefixtures("plan")
def test_a_contract_is_signed_once_all_have_signed_and_its_story_says_so() -> None:
    wrong = (
        "SELECT count(*) FROM contracts contract WHERE (contract.status = 'signed') <> NOT EXISTS ("
        " SELECT FROM contract_signers signer WHERE signer.contract_id = contract.id AND signer.status <> 'signed')"
        " OR (contract.status = 'signed') <> EXISTS ("
        " SELECT FROM contract_events event WHERE event.contract_id = contract.id AND event.event_type = 'completed')"
    )
    assert one(wrong) == 0
    assert one("SELECT count(*) FROM contracts WHERE status = 'signed'") > 0


@pytest.mark.usefixtures("plan")
def test_every_document_was_handed_in_and_those_that_were_looked_at_say_so() -> None:
    wrong = (
        "SELECT count(*) FROM insurance_documents document WHERE (document.status <> 'pending') <> EXISTS ("
        " SELECT FROM insurance_activity act WHERE act.document_id = document.id"
        " AND act.action IN ('approved', 'rejected', 'info_requested'))"
        " OR NOT EXISTS (SELECT FROM insurance_activity act WHERE act.document_id = document.id"
        " AND act.action = 'submitted' AND act.created_at = document.created_at)"
        " OR (document.last_reminder_at IS NULL) <> NOT EXISTS (SELECT FROM insurance_reminders reminder"
        " WHERE reminder.document_id = document.id AND reminder.sent_at = document.last_reminder_at)"
    )
    assert one(wrong) == 0
    assert one("SELECT count(*) FROM insurance_reminders WHERE status = 'sent'") > 0


@pytest.mark.usefixtures("plan")
def test_what_belongs_to_a_booking_is_no_older_than_the_booking() -> None:
    for table in ("contracts", "insurance_documents", "installment_schedules", "support_tickets"):
        older = f"SELECT count(*) FROM {table} part JOIN bookings booking ON booking.id = part.booking_id"
        assert one(f"{older} WHERE part.created_at < booking.created_at") == 0


# ── Segments ────────────────────────────────────────────────────────────────────────────────────────────
def conditions(rule: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "logic" not in rule:
        yield rule
        return
    assert set(rule) == {"logic", "conditions"}
    assert rule["logic"] in ("and", "or")
    assert rule["conditions"]
    for part in rule["conditions"]:
        yield from conditions(part)


@pytest.mark.usefixtures("plan")
def test_rules_are_of_the_filter_language_and_use_all_of_it() -> None:
    rules = list(CustomerSegment.objects.filter(auto_refresh=True).values_list("filter", flat=True))
    assert len(rules) == 20
    assert all(rule["logic"] for rule in rules)
    found = [condition for rule in rules for condition in conditions(rule)]
    assert all(set(condition) == {"field", "operator", "value"} for condition in found)
    assert {condition["field"] for condition in found} == FIELDS
    assert {condition["operator"] for condition in found} == OPERATORS
    assert '"or"' in json.dumps(rules)


@pytest.mark.usefixtures("plan")
def test_segments_count_their_members_and_some_are_chosen_by_hand() -> None:
    wrong = (
        "SELECT count(*) FROM customer_segments segment WHERE member_count <>"
        " (SELECT count(*) FROM customer_segment_members member WHERE member.segment_id = segment.id)"
    )
    assert one(wrong) == 0
    assert CustomerSegment.objects.filter(auto_refresh=False, member_count__gt=0).count() == 3
    assert CustomerSegment.objects.filter(auto_refresh=True, refreshed_at=None).count() == 1
