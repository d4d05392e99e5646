"""payout_reconciliation over HTTP: what agrees, what does not, who hears of it, and what an interruption leaves."""

import datetime as dt
import threading
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobs.catalog import CATALOG, payout_reconciliation
from jobs.catalog.payout_reconciliation import UnreadPayoutsError
from jobs.gateways import stripe as gateway
from jobs.gateways.failures import KeyRefusedError
from jobs.models import JobRun
from jobs.payouts import statement
from jobs.payouts.write import link_payments
from jobs.runner import run
from jobs.spec import JobResult, silent
from notifications.models import Notification
from notifications.worker import drain
from rentals.models import Alert, Payment, PayoutReconciliation
from rentals.settle import settle_payout
from sandbox.testing import SandboxServer
from tests.business_factories import PayoutReconciliationFactory
from tests.factories import StaffFactory
from tests.jobs.stripe_books import ARRIVAL, NOW, at, charge, movement, paid, payout, refund
from tests.plan_reader import explained

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("swept", "templates", "finance")]
DAY = dt.timedelta(days=1)


@pytest.fixture
def finance() -> Any:
    return StaffFactory.create(groups=("finance",))


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "PAUSES", (0.0, 0.0))


def reconcile(now: dt.datetime = NOW) -> JobResult:
    return CATALOG["payout_reconciliation"].run(now=now, progress=silent)


def only() -> PayoutReconciliation:
    return PayoutReconciliation.objects.get()


def kinds(row: PayoutReconciliation) -> dict[str, list[str]]:
    """The ids in each list that is not empty."""
    lists = {name: value for name, value in row.details.items() if isinstance(value, dict)}
    return {name: [item["id"] for item in value["items"]] for name, value in lists.items() if value["count"]}


# ── Nothing, once, twice ────────────────────────────────────────────────────────────────────────────────
def test_no_payout_changes_nothing(sandbox: SandboxServer) -> None:
    assert reconcile() == JobResult(found={"reconciled": 0, "discrepancy": 0, "pending": 0})
    assert not PayoutReconciliation.objects.exists()


def test_a_payout_that_agrees_is_reconciled_with_fees_and_refunds(sandbox: SandboxServer) -> None:
    one, two = paid("500.00"), paid("200.00", status="completed")
    sandbox.stripe_data(charges=[charge(one), charge(two)], refunds=[refund(two, 5_000)])
    result = reconcile()
    assert result.found == {"reconciled": 1, "discrepancy": 0, "pending": 0}
    assert result.changed == {"payments linked": 2, "payouts written": 1}
    row = only()
    # 2.9 % and 30 cents each: 14.80 and 6.10.
    assert (row.status, row.amount, row.expected_amount) == (
        "reconciled",
        Decimal("629.10"),
        Decimal("629.10"),
    )
    assert (row.arrival_date, row.currency) == (ARRIVAL, "CAD")
    assert (row.reconciled_by, row.reconciled_at) == ("job:payout_reconciliation", NOW)
    assert (row.details["fees"], row.details["difference"]) == ("20.90", "0.00")
    assert row.details["matched"]["total"] == "700.00"
    assert sorted(kinds(row)["matched"]) == [one.stripe_charge_id, two.stripe_charge_id]
    assert kinds(row)["refunds"] == [f"re_{two.stripe_charge_id}"]
    assert set(Payment.objects.values_list("payout_id", flat=True)) == {row.stripe_payout_id}
    assert not Alert.objects.exists()
    assert not Notification.objects.exists()


@pytest.mark.parametrize("is_right", [True, False])
def test_a_second_run_writes_nothing_at_all(is_right: bool, sandbox: SandboxServer) -> None:
    payment = paid()
    sandbox.stripe_data(charges=[charge(payment, units=50_000 if is_right else 40_000)])
    reconcile()

    def everything() -> list[Any]:
        tables = PayoutReconciliation, Payment, Alert, Notification
        return [list(table.objects.order_by("pk").values()) for table in tables]

    before = everything()
    again = reconcile(NOW + DAY)
    assert everything() == before
    assert (again.queued, again.changed) == (0, {})


def test_what_is_in_order_is_not_read_again(sandbox: SandboxServer) -> None:
    sandbox.stripe_data(charges=[charge(paid())])
    reconcile()
    asked = sandbox.stats()["providers"]["stripe"]["requests"]
    reconcile(NOW + DAY)
    assert sandbox.stats()["providers"]["stripe"]["requests"] == asked + 1


# ── What does not agree ─────────────────────────────────────────────────────────────────────────────────
def test_a_charge_that_we_never_booked_is_a_discrepancy_and_finance_hears_of_it(
    sandbox: SandboxServer, finance: Any
) -> None:
    known = paid()
    sandbox.stripe_data(charges=[charge(known), {**charge(known), "id": "ch_unknown", "amount": 10_000}])
    result = reconcile()
    assert (result.queued, result.changed["alerts opened"]) == (2, 1)
    row = only()
    assert (row.status, row.reconciled_at, row.reconciled_by) == ("discrepancy", None, "")
    assert row.details["faults"] == ["missing_here"]
    assert kinds(row) == {"matched": [known.stripe_charge_id], "missing_here": ["ch_unknown"]}
    # Ours, less both fees.
    assert (row.amount, row.expected_amount) == (Decimal("582.00"), Decimal("482.00"))
    assert row.details["difference"] == "100.00"
    alert = Alert.objects.get()
    assert (alert.type, alert.entity_type, alert.entity_id) == (
        "payout_discrepancy",
        "payout",
        row.stripe_payout_id,
    )
    assert (alert.severity, alert.status) == ("warning", "open")
    rows = Notification.objects.order_by("channel")
    assert [message.channel for message in rows] == ["email", "inapp"]
    for message in rows:
        assert message.to == {"staff_id": str(finance.pk)}
        assert message.payload["amount"] == {"amount": "582.00", "currency": "CAD"}
        assert message.payload["missing_here"] == [1]
        assert message.payload["payout_url"].endswith(f"/admin/rentals/payoutreconciliation/{row.pk}/change/")


def test_a_payment_that_stripe_does_not_list_is_missing_there(sandbox: SandboxServer) -> None:
    listed = paid()
    sandbox.stripe_data(charges=[charge(listed)])
    reconcile()
    lost = paid("80.00", payout_id=only().stripe_payout_id)
    paid("70.00", payout_id=only().stripe_payout_id, status="failed")
    PayoutReconciliation.objects.update(status="pending", reconciled_at=None)
    reconcile(NOW + DAY)
    assert only().details["faults"] == ["missing_at_stripe"]
    assert kinds(only())["missing_at_stripe"] == [str(lost.pk)]
    assert only().details["difference"] == "-80.00"


@pytest.mark.parametrize(
    ("ours", "difference"),
    [
        ({"amount": "490.00"}, "10.00"),
        ({"status": "failed"}, "500.00"),
        ({"status": "pending"}, "500.00"),
        ({"currency": "USD"}, "500.00"),
    ],
)
def test_a_payment_that_says_something_else_differs(
    ours: dict[str, Any], difference: str, sandbox: SandboxServer
) -> None:
    payment = paid(**ours)
    sandbox.stripe_data(charges=[charge(payment, units=50_000, currency="cad")])
    reconcile()
    assert only().details["faults"] == ["differing"]
    assert only().details["difference"] == difference
    payment.refresh_from_db()
    assert payment.payout_id == only().stripe_payout_id


def test_an_error_that_happens_to_come_out_even_is_an_error(sandbox: SandboxServer) -> None:
    more, less = paid("510.00"), paid("490.00")
    sandbox.stripe_data(charges=[charge(more, units=50_000), charge(less, units=50_000)])
    reconcile()
    assert only().amount == only().expected_amount
    assert (only().status, only().details["faults"]) == ("discrepancy", ["differing"])


def test_two_payments_by_one_charge_count_together(sandbox: SandboxServer) -> None:
    deposit = paid("100.00")
    paid("400.00", stripe_charge_id=deposit.stripe_charge_id)
    sandbox.stripe_data(charges=[charge(deposit, units=50_000)])
    assert reconcile().changed["payments linked"] == 2
    assert only().status == "reconciled"


def test_a_whole_refund_is_a_status_here_too(sandbox: SandboxServer) -> None:
    back, forgotten = paid(status="refunded"), paid("50.00")
    data = {"charges": [charge(back), charge(forgotten)]}
    sandbox.stripe_data(**data, refunds=[refund(back, 50_000), refund(forgotten, 5_000)])
    reconcile()
    assert only().details["faults"] == ["unrefunded"]
    assert kinds(only())["unrefunded"] == [f"re_{forgotten.stripe_charge_id}"]
    assert only().details["difference"] == "-50.00"
    forgotten.status = "refunded"
    forgotten.save()
    reconcile(NOW + DAY)
    assert only().status == "reconciled"


def test_a_refund_may_fall_into_a_later_payout_than_its_charge(sandbox: SandboxServer) -> None:
    payment = paid(status="refunded")
    sandbox.stripe_data(
        charges=[charge(payment, created=at(ARRIVAL) - 5 * 86_400)], refunds=[refund(payment, 50_000)]
    )
    assert reconcile().found["reconciled"] == 2
    assert sorted(PayoutReconciliation.objects.values_list("amount", flat=True)) == [
        Decimal("-500.00"),
        Decimal("485.20"),
    ]


def test_fees_of_their_own_are_expected_and_adjustments_are_not(sandbox: SandboxServer) -> None:
    payment = paid("100.00")
    parts = [
        movement("charge", 10_000, fee=320, source=payment.stripe_charge_id),
        movement("stripe_fee", -150),
    ]
    sandbox.stripe_data(payouts=[payout(amount=9_530)], balance_transactions=parts)
    reconcile()
    assert (only().status, only().details["fees"]) == ("reconciled", "4.70")
    dispute = movement("adjustment", -10_000, fee=1_500, reporting_category="dispute", source="dp_1")
    sandbox.stripe_data(
        payouts=[payout("po_2", amount=-11_500)],
        balance_transactions=[{**dispute, "payout": "po_2"}],
        replace=False,
    )
    reconcile(NOW + DAY)
    row = PayoutReconciliation.objects.get(stripe_payout_id="po_2")
    assert (row.status, row.details["faults"], row.details["fees"]) == ("discrepancy", ["others"], "15.00")
    assert row.details["others"]["items"] == [{"id": "dp_1", "amount": "-100.00", "category": "dispute"}]


def test_a_list_that_does_not_come_to_the_amount_is_incomplete(sandbox: SandboxServer) -> None:
    payment = paid("100.00")
    parts = [movement("charge", 10_000, source=payment.stripe_charge_id)]
    sandbox.stripe_data(payouts=[payout(amount=10_001)], balance_transactions=parts)
    reconcile()
    assert only().details["faults"] == ["incomplete"]


def test_a_payout_started_by_hand_is_for_a_person(sandbox: SandboxServer) -> None:
    sandbox.stripe_data(payouts=[payout(amount=500, automatic=False, reconciliation_status="not_applicable")])
    assert reconcile().found["discrepancy"] == 1
    assert only().details["faults"] == ["manual"]
    assert only().expected_amount == 0


# ── Currencies ──────────────────────────────────────────────────────────────────────────────────────────
def test_each_currency_is_a_payout_and_yen_have_no_cents(sandbox: SandboxServer) -> None:
    payments = [paid("500.00"), paid("300.00", currency="USD"), paid("48000", currency="JPY")]
    sandbox.stripe_data(charges=[charge(payment) for payment in payments])
    assert reconcile().found["reconciled"] == 3
    rows = dict(PayoutReconciliation.objects.values_list("currency", "amount"))
    # The fee of a yen charge: 2.9 % and 30 of its smallest unit.
    assert rows == {"CAD": Decimal("485.20"), "USD": Decimal("291.00"), "JPY": Decimal(48_000 - 1_392 - 30)}


def test_a_charge_in_another_currency_is_compared_as_the_customer_saw_it(sandbox: SandboxServer) -> None:
    right, wrong = paid("100.00", currency="USD"), paid("90.00", currency="USD")

    def converted(payment: Payment) -> dict[str, Any]:
        source = {"id": payment.stripe_charge_id, "object": "charge", "amount": 10_000, "currency": "usd"}
        return movement("charge", 13_900, fee=400, exchange_rate=1.39, source=source)

    sandbox.stripe_data(
        payouts=[payout(amount=27_000)], balance_transactions=[converted(right), converted(wrong)]
    )
    reconcile()
    assert kinds(only()) == {"matched": [right.stripe_charge_id], "differing": [wrong.stripe_charge_id]}
    assert only().details["difference"] == "13.90"  # ten dollars at 1.39


# ── Under way, failed, late changes ─────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    "state", [{"status": "pending"}, {"status": "in_transit"}, {"reconciliation_status": "in_progress"}]
)
def test_a_payout_under_way_is_pending_and_judged_once_it_has_arrived(
    state: dict[str, Any], sandbox: SandboxServer
) -> None:
    payment = paid("100.00")
    part = movement("charge", 10_000, source=payment.stripe_charge_id)
    sandbox.stripe_data(payouts=[payout(amount=9_999, **state)], balance_transactions=[part])
    assert reconcile().found["pending"] == 1
    assert (only().status, only().details["faults"]) == ("pending", [])
    assert not Alert.objects.exists()
    sandbox.stripe_data(payouts=[payout(amount=10_000)], replace=False)
    reconcile(NOW + DAY)
    assert only().status == "reconciled"


def test_a_bank_may_send_a_reconciled_payout_back_and_that_is_critical(sandbox: SandboxServer) -> None:
    payment = paid("100.00")
    part = movement("charge", 10_000, source=payment.stripe_charge_id)
    sandbox.stripe_data(payouts=[payout(amount=10_000)], balance_transactions=[part])
    reconcile()
    sandbox.stripe_data(
        payouts=[payout(amount=10_000, status="failed", failure_code="account_closed")], replace=False
    )
    assert reconcile(NOW + 5 * DAY).queued == 2
    assert (only().status, only().details["faults"]) == ("discrepancy", ["failed"])
    assert Alert.objects.get().severity == "critical"


def test_a_discrepancy_that_then_fails_is_told_anew_as_critical(sandbox: SandboxServer) -> None:
    sandbox.stripe_data(charges=[charge(paid("490.00"), units=50_000)])
    assert reconcile().queued == 2
    sandbox.stripe_data(
        payouts=[payout(only().stripe_payout_id, amount=48_520, status="failed")], replace=False
    )
    assert reconcile(NOW + DAY).queued == 2
    assert only().details["faults"] == ["failed", "differing"]
    assert list(Alert.objects.order_by("detected_at").values_list("severity", "status")) == [
        ("warning", "resolved"),
        ("critical", "open"),
    ]
    assert reconcile(NOW + 2 * DAY).queued == 0


def test_what_came_back_goes_out_with_a_later_payout_and_is_expected_there(sandbox: SandboxServer) -> None:
    payment = paid("100.00")
    parts = [
        movement("charge", 10_000, "po_2", source=payment.stripe_charge_id),
        movement("payout_failure", 7_000, "po_2", source="po_1"),
    ]
    sandbox.stripe_data(payouts=[payout("po_2", amount=17_000)], balance_transactions=parts)
    reconcile()
    assert only().status == "reconciled"
    assert kinds(only()) == {"matched": [payment.stripe_charge_id], "returned": ["po_1"]}


def test_a_payout_of_after_the_moment_is_not_seen(sandbox: SandboxServer) -> None:
    sandbox.stripe_data(charges=[charge(paid())])
    assert reconcile(NOW - 4 * DAY).found["reconciled"] == 0


def test_it_looks_back_as_far_as_an_overlap_and_to_what_is_open_of_long_ago(sandbox: SandboxServer) -> None:
    PayoutReconciliationFactory.create(arrival_date=ARRIVAL)
    old = ARRIVAL - dt.timedelta(days=200)
    PayoutReconciliationFactory.create(
        stripe_payout_id="po_open", arrival_date=old, status="pending", amount=5
    )
    raw = [payout(f"po_{days}", arrival_date=at(ARRIVAL - days * DAY)) for days in (14, 15)] + [
        payout("po_open", arrival_date=at(old), amount=500)
    ]
    sandbox.stripe_data(payouts=raw)
    reconcile()
    seen = set(PayoutReconciliation.objects.exclude(details={}).values_list("stripe_payout_id", flat=True))
    assert seen == {"po_14", "po_open"}


# ── Alerts end, people decide ───────────────────────────────────────────────────────────────────────────
def test_a_discrepancy_that_is_mended_resolves_its_alert_and_stops_its_message(
    sandbox: SandboxServer,
) -> None:
    payment = paid("490.00")
    sandbox.stripe_data(charges=[charge(payment, units=50_000)])
    reconcile()
    Payment.objects.update(amount=500)
    result = reconcile(NOW + DAY)
    assert result.changed == {"payouts written": 1, "alerts resolved": 1}
    assert (only().status, only().reconciled_at) == ("reconciled", NOW + DAY)
    assert (Alert.objects.get().status, Alert.objects.get().resolved_at) == ("resolved", NOW + DAY)
    drain(now=NOW + DAY, budget=dt.timedelta(seconds=10))
    assert {row.status for row in Notification.objects.all()} == {"cancelled"}
    assert "in order" in Notification.objects.first().metadata["withheld"]["reason"]  # type: ignore[union-attr]


def test_a_payout_that_is_wrong_again_is_told_again(sandbox: SandboxServer) -> None:
    sandbox.stripe_data(charges=[charge(paid("490.00"), units=50_000)])
    reconcile()
    Payment.objects.update(amount=500)
    reconcile(NOW + DAY)
    sandbox.stripe_data(
        payouts=[payout(only().stripe_payout_id, amount=48_520, status="failed")], replace=False
    )
    assert reconcile(NOW + 2 * DAY).queued == 2
    assert Notification.objects.count() == 4
    assert Alert.objects.exclude(status="resolved").count() == 1


def test_what_a_person_has_explained_stays_so_until_stripe_says_something_new(sandbox: SandboxServer) -> None:
    sandbox.stripe_data(charges=[charge(paid("490.00"), units=50_000)])
    reconcile()
    PayoutReconciliation.objects.update(status="reconciled", reconciled_by="staff:7", reconciled_at=NOW)
    assert reconcile(NOW + DAY).changed == {"alerts resolved": 1}
    assert only().reconciled_by == "staff:7"
    sandbox.stripe_data(
        payouts=[payout(only().stripe_payout_id, amount=48_520, status="failed")], replace=False
    )
    reconcile(NOW + 2 * DAY)
    assert (only().status, only().reconciled_by) == ("discrepancy", "")


# ── Failures and interruptions ──────────────────────────────────────────────────────────────────────────
def three_payouts(sandbox: SandboxServer, *, charges: int = 1) -> list[str]:
    """Their ids, oldest first."""
    sandbox.stripe_data(
        charges=[
            charge(paid(), created=at(ARRIVAL - (4 - day) * DAY) + 60)
            for day in range(3)
            for _ in range(charges)
        ]
    )
    with gateway.Stripe.configured() as account:
        listed = account.payouts(arriving_from=ARRIVAL - 9 * DAY, created_until=NOW)
        return [item.id for item in listed][::-1]


def standing() -> list[str]:
    return list(PayoutReconciliation.objects.order_by("arrival_date").values_list("status", flat=True))


def test_a_payout_that_cannot_be_read_stops_no_other_and_fails_the_run(sandbox: SandboxServer) -> None:
    ids = three_payouts(sandbox)
    sandbox.behave("stripe", status=503, match=f"payout={ids[1]}")
    with pytest.raises(UnreadPayoutsError, match=rf"1 of 3 .* {ids[1]}: Stripe could not answer \(503"):
        reconcile()
    assert standing() == ["reconciled", "pending", "reconciled"]
    sandbox.behave_well()
    assert reconcile(NOW + DAY).changed == {"payments linked": 1, "payouts written": 1}
    assert standing() == ["reconciled"] * 3


def test_what_fails_half_way_through_the_pages_leaves_nothing_half_written(
    sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "PAGE", 2)
    three_payouts(sandbox, charges=3)
    sandbox.behave("stripe", status=500, match="starting_after=txn")
    with pytest.raises(UnreadPayoutsError, match="3 of 3"):
        reconcile()
    assert not Payment.objects.exclude(payout_id="").exists()
    sandbox.behave_well()
    assert reconcile().changed == {"payments linked": 9, "payouts written": 3}


def test_it_gives_up_where_stripe_is_away_and_the_next_run_goes_on(sandbox: SandboxServer) -> None:
    ids = three_payouts(sandbox)
    sandbox.stripe_data(payouts=[payout("po_late", arrival_date=at(ARRIVAL))], replace=False)
    sandbox.behave("stripe", hang_up=True, match="balance_transactions")
    with pytest.raises(UnreadPayoutsError, match="3 of 4"):
        reconcile()
    assert sandbox.stats()["providers"]["stripe"]["hung_up"] == 3 * (1 + len(gateway.PAUSES))
    sandbox.behave_well()
    assert reconcile().found["reconciled"] == len(ids) + 1


def test_a_refused_key_fails_the_run_at_once_and_its_text_holds_no_key(
    sandbox: SandboxServer, settings: Any
) -> None:
    three_payouts(sandbox)
    settings.STRIPE_API_KEY = "sk_test_wrong"
    with pytest.raises(KeyRefusedError, match="set STRIPE_API_KEY") as raised:
        reconcile()
    assert "sk_test" not in str(raised.value)
    assert raised.value.__context__ is None
    settings.STRIPE_API_KEY = ""
    with pytest.raises(KeyRefusedError, match="STRIPE_API_KEY is missing"):
        reconcile()
    assert not PayoutReconciliation.objects.exists()


def test_a_key_that_loses_its_rights_half_way_stops_the_run(sandbox: SandboxServer) -> None:
    ids = three_payouts(sandbox)
    sandbox.behave("stripe", status=403, match=f"payout={ids[1]}")
    with pytest.raises(KeyRefusedError):
        reconcile()
    assert standing() == ["reconciled", "pending", "pending"]


def test_nobody_in_the_finance_group_fails_the_run_and_is_told_once_somebody_is(
    sandbox: SandboxServer, finance: Any
) -> None:
    finance.groups.clear()
    sandbox.stripe_data(charges=[charge(paid("490.00"), units=50_000)])
    with pytest.raises(UnreadPayoutsError, match="finance"):
        reconcile()
    assert (standing(), Alert.objects.count()) == (["pending"], 0)
    StaffFactory.create(groups=("finance",))
    assert reconcile().queued == 2


@pytest.mark.django_db(transaction=True)
def test_stripe_is_never_asked_inside_a_transaction(
    sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    three_payouts(sandbox)
    asked: list[bool] = []
    ask = gateway.Stripe._ask

    def watched(self: gateway.Stripe, call: Any) -> Any:
        asked.append(connection.in_atomic_block)
        return ask(self, call)

    monkeypatch.setattr(gateway.Stripe, "_ask", watched)
    report = run("payout_reconciliation", now=NOW, trigger="command")
    assert (report.status, report.result and report.result.found["reconciled"]) == ("success", 3)
    assert len(asked) > 3
    assert not any(asked)


@pytest.mark.django_db(transaction=True)
def test_a_run_that_is_killed_leaves_whole_payouts_and_the_next_goes_on(
    sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    three_payouts(sandbox)

    def killed(payout_id: str, payments: Any) -> int:
        linked = link_payments(payout_id, payments)
        if Payment.objects.exclude(payout_id="").count() == 2:
            raise SystemExit("timeout")
        return linked

    monkeypatch.setattr(payout_reconciliation, "link_payments", killed)
    with pytest.raises(SystemExit):
        run("payout_reconciliation", now=NOW, trigger="command")
    assert standing() == ["reconciled", "pending", "pending"]
    assert JobRun.objects.get().status == "failed"
    assert Payment.objects.exclude(payout_id="").count() == 1
    monkeypatch.undo()
    report = run("payout_reconciliation", now=NOW, trigger="command")
    assert report.result is not None
    assert report.result.changed == {"payments linked": 2, "payouts written": 2}


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_open_one_alert_and_tell_once(sandbox: SandboxServer) -> None:
    """A run that was declared dead may still go on beside its successor."""
    sandbox.stripe_data(charges=[charge(paid("490.00"), units=50_000), charge(paid("90.00"), units=50_000)])
    start, results = threading.Barrier(2), []

    def one() -> None:
        try:
            start.wait(timeout=10)
            results.append(reconcile())
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(results) == 2
    assert sum(result.queued for result in results) == Notification.objects.count() == 2
    assert sum(result.changed.get("payouts written", 0) for result in results) == 1
    assert Alert.objects.count() == 1


def test_a_person_who_settles_it_while_a_run_reads_is_not_overruled(
    sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.stripe_data(charges=[charge(paid("490.00"), units=50_000)])
    reconcile()
    read = payout_reconciliation.read_statement  # type: ignore[attr-defined]

    def settled_meanwhile(*args: Any) -> Any:
        answer = read(*args)
        assert settle_payout(only().pk, by="staff:7", now=NOW)
        return answer

    monkeypatch.setattr(payout_reconciliation, "read_statement", settled_meanwhile)
    assert reconcile(NOW + DAY).changed == {}
    assert (only().status, only().reconciled_by) == ("reconciled", "staff:7")


def test_a_dry_run_shows_rows_and_messages_and_changes_nothing(sandbox: SandboxServer) -> None:
    payment = paid("490.00")
    sandbox.stripe_data(charges=[charge(payment, units=50_000)])
    report = run("payout_reconciliation", now=NOW, trigger="command", dry_run=True)
    assert report.status == "success"
    assert report.row_counts == {
        "alerts": {"insert": 1},
        "payments": {"update": 1},
        "payout_reconciliations": {"insert": 1, "update": 1},
    }
    assert [message.template for message in report.messages] == ["finance.payout_discrepancy"] * 2
    assert not PayoutReconciliation.objects.exists()
    assert not Alert.objects.exists()
    assert not Notification.objects.exists()
    payment.refresh_from_db()
    assert payment.payout_id == ""


# ── The clock ───────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("day", ["2026-03-08", "2026-11-01"])
def test_it_runs_once_on_the_days_the_clocks_change(day: str) -> None:
    hour, minute = 4, 30
    spec = CATALOG["payout_reconciliation"]
    assert spec.cron == f"{minute} {hour} * * *"
    at_slot = dt.datetime.combine(dt.date.fromisoformat(day), dt.time(hour, minute))
    slot = timezone.make_aware(at_slot)
    assert timezone.localtime(slot.astimezone(dt.UTC)).replace(tzinfo=None) == at_slot
    assert slot.utcoffset() == slot.replace(fold=1).utcoffset()


# ── Cost ────────────────────────────────────────────────────────────────────────────────────────────────
def test_statements_grow_with_pages_not_with_charges(
    sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def statements(charges: int, day: int) -> int:
        booking = paid().booking
        made = [paid(booking=booking) for _ in range(charges)]
        created = at(ARRIVAL - day * DAY)
        sandbox.stripe_data(charges=[charge(payment, created=created) for payment in made])
        with CaptureQueriesContext(connection) as queries:
            assert reconcile().found["reconciled"] == 1
        return len(queries)

    assert statements(2, 9) == statements(90, 5)
    monkeypatch.setattr(statement, "LISTED", 5)
    sandbox.stripe_data(charges=[charge(paid(), created=at(ARRIVAL - 4 * DAY)) for _ in range(7)])
    reconcile()
    newest = PayoutReconciliation.objects.first()
    assert newest is not None
    matched = newest.details["matched"]
    assert (matched["count"], matched["total"], len(matched["items"])) == (7, "3500.00", 5)


HISTORY = """
INSERT INTO payments
    (booking_id, created_at, amount, currency, status, payment_method, stripe_payment_intent_id, stripe_charge_id, payout_id)
    SELECT '{booking}'::uuid, now(), 1, 'CAD', 'completed', 'card', '', 'ch_old' || n, 'po_old' || n / 10
    FROM generate_series(1, 20000) AS n;
INSERT INTO payout_reconciliations
    (stripe_payout_id, arrival_date, amount, expected_amount, currency, status, details, reconciled_by, reconciled_at)
    SELECT 'po_old' || n, date '2026-11-10' - n, 1, 1, 'CAD', 'reconciled', '{{}}', '', now()
    FROM generate_series(1, 6000) AS n;
INSERT INTO alerts (type, severity, entity_type, entity_id, summary, details, detected_at, acknowledged_by, resolved_at, status)
    SELECT 'sla_breach', 'info', 'support_ticket', n, '', '{{}}', now(), '', now(), 'resolved'
    FROM generate_series(1, 6000) AS n;
ANALYZE;
"""


def test_no_table_is_read_from_end_to_end(sandbox: SandboxServer) -> None:
    right, wrong = paid(), paid("490.00")
    sandbox.stripe_data(charges=[charge(right), charge(wrong, units=50_000)])
    with connection.cursor() as cursor:
        cursor.execute(HISTORY.format(booking=right.booking_id))
    with explained("payments", "payout_reconciliations", "alerts") as plans:
        reconcile()
    assert {"payments_stripe_charge", "payments_payout", "payout_reconciliations_latest"} <= set().union(
        *(plan.indexes for plan in plans)
    )
    faults = [
        str(plan) for plan in plans if plan.whole_tables & {"payments", "payout_reconciliations", "alerts"}
    ]
    assert faults == [], "\n".join(faults)
