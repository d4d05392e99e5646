"""A discrepancy that a person has explained: who may say so, what it changes, and what is kept of it."""

import datetime as dt

import pytest
from django.contrib.admin.models import LogEntry

from rentals.models import Alert, PayoutReconciliation
from rentals.settle import settle_payout
from tests.business_factories import AlertFactory, PayoutReconciliationFactory
from tests.operators import operator, seen, told

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 11, 20, 15, tzinfo=dt.UTC)
VIEW, CHANGE = "rentals.view_payoutreconciliation", "rentals.change_payoutreconciliation"


def discrepancy() -> PayoutReconciliation:
    row = PayoutReconciliationFactory.create(
        status="discrepancy", expected_amount=400, details={"faults": ["others"], "stripe_status": "paid"}
    )
    AlertFactory.create(type="payout_discrepancy", entity_type="payout", entity_id=row.stripe_payout_id)
    return row


def page(row: PayoutReconciliation, name: str) -> str:
    return f"/admin/rentals/payoutreconciliation/{row.pk}/{name}/"


def test_it_is_reconciled_by_the_person_and_its_alert_resolved() -> None:
    row = discrepancy()
    other = AlertFactory.create(type="payout_discrepancy", entity_type="payout", entity_id="po_other")
    assert settle_payout(row.pk, by="staff:7", now=NOW)
    row.refresh_from_db()
    assert (row.status, row.reconciled_by, row.reconciled_at) == ("reconciled", "staff:7", NOW)
    assert row.details["faults"] == ["others"]
    assert list(Alert.objects.exclude(status="resolved")) == [other]
    assert not settle_payout(row.pk, by="staff:8", now=NOW)
    row.refresh_from_db()
    assert row.reconciled_by == "staff:7"


def test_a_payout_that_was_never_judged_can_be_settled_too() -> None:
    row = PayoutReconciliationFactory.create(status="pending")
    assert settle_payout(row.pk, by="staff:7", now=NOW)
    row.refresh_from_db()
    assert row.expected_amount == 0


def test_the_page_asks_for_a_reason_and_keeps_it_in_the_history() -> None:
    row, client = discrepancy(), operator(VIEW, CHANGE)
    assert "The difference is explained" in seen(client.get(page(row, "change")))
    assert "until Stripe says something new" in seen(client.get(page(row, "settle")))
    for reason in ("", "Ask marie@example.com"):
        client.post(page(row, "settle"), {"reason": reason})
        row.refresh_from_db()
        assert row.status == "discrepancy"
    done = client.post(page(row, "settle"), {"reason": "Stripe’s goodwill credit, ticket 4711"}, follow=True)
    assert told(done) == ["The payout is settled, and its alert is resolved."]
    assert "The difference is explained" not in seen(done)
    row.refresh_from_db()
    assert row.status == "reconciled"
    assert row.reconciled_by == f"staff:{LogEntry.objects.get().user_id}"
    assert "goodwill credit" in LogEntry.objects.get().change_message
    again = client.post(page(row, "settle"), {"reason": "Once more"}, follow=True)
    assert told(again) == ["The payout was in order already."]


def test_who_may_only_look_cannot_settle() -> None:
    row, client = discrepancy(), operator(VIEW)
    assert "The difference is explained" not in seen(client.get(page(row, "change")))
    assert client.get(page(row, "settle")).status_code == 403
    assert client.post(page(row, "settle"), {"reason": "No"}).status_code == 403
    row.refresh_from_db()
    assert row.status == "discrepancy"
