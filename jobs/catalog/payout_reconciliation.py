"""Stripe's payouts against our payments: in, `now`; out, a row a payout that says what agrees, and a word to finance if not.

Each payout is read from Stripe first and written then, in a transaction of its own: an interrupted run leaves whole payouts,
and the next goes on. One that cannot be read stays open, stops no other, and fails the run.
"""

import datetime as dt
import logging
import traceback
from collections.abc import Mapping

from django.db import transaction

from jobs.gateways.failures import GatewayError
from jobs.gateways.stripe import Payout, Stripe
from jobs.links import admin_page
from jobs.payouts.alert import open_alert, resolve_over
from jobs.payouts.finding import DISCREPANCY, FAULTS, PENDING, REASONS, RECONCILED, Finding, judge
from jobs.payouts.read import read_statement
from jobs.payouts.write import link_payments, register, unsettled, write_finding
from jobs.spec import JobResult, Progress
from jobs.telling import Telling, once
from notifications.errors import EnqueueError
from notifications.message import Group, NotifyRequest
from rentals.models import Alert, PayoutReconciliation

logger = logging.getLogger(__name__)

NAME = "payout_reconciliation"
FINANCE = Group("finance")
CHANNELS = ("email", "inapp")
# Banks send a payout back for up to five business days (docs.stripe.com/payouts); twice that is looked at again.
OVERLAP = dt.timedelta(days=14)
# Where nothing has been reconciled yet.
FIRST_LOOK = dt.timedelta(days=90)
# So many in a row that cannot be read: Stripe is away, and the rest would wait for nothing.
GIVE_UP = 3


class UnreadPayoutsError(Exception):
    """Some payouts are still open because they could not be read or written; the others are done."""


def run(*, now: dt.datetime, progress: Progress) -> JobResult:
    """Reconcile what Stripe has paid out since the last payout in order, and what is still open."""
    with Stripe.configured() as account:
        due = _due(account, now=now)
        telling = Telling(now=now, progress=progress, total=len(due))
        failed = _reconcile_each(account, due, telling, now=now)
    telling.changed("alerts resolved", resolve_over(now=now))
    if failed:
        first, why = next(iter(failed.items()))
        raise UnreadPayoutsError(
            f"{len(failed)} of {len(due)} payouts could not be reconciled, and the next run tries again. {first}: {why}"
        )
    return telling.result((RECONCILED, DISCREPANCY, PENDING))


def _due(account: Stripe, *, now: dt.datetime) -> Mapping[str, Payout | None]:
    """By id, oldest first: what is open of long ago (still to be asked for), then what arrived since, with an overlap."""
    last = PayoutReconciliation.objects.last_reconciled_date()
    since = min(last, now.date()) - OVERLAP if last else now.date() - FIRST_LOOK
    long_open = PayoutReconciliation.objects.open_before(since).values_list("stripe_payout_id", flat=True)
    due: dict[str, Payout | None] = dict.fromkeys(long_open)
    listed = unsettled(list(account.payouts(arriving_from=since, created_until=now)))
    register(listed)
    return due | {payout.id: payout for payout in reversed(listed)}


def _reconcile_each(
    account: Stripe, due: Mapping[str, Payout | None], telling: Telling, *, now: dt.datetime
) -> Mapping[str, str]:
    """The payouts that failed, with why."""
    failed: dict[str, str] = {}
    in_a_row = 0
    for payout_id, payout in due.items():
        try:
            _reconcile(account, payout or account.payout(payout_id), telling, now=now)
            in_a_row = 0
        except Exception as error:
            if isinstance(error, GatewayError) and error.stops:
                raise
            where = "".join(traceback.format_tb(error.__traceback__))
            logger.warning("payout.failed payout=%s error=%s\n%s", payout_id, type(error).__name__, where)
            # An unforeseen exception's text may hold a row.
            is_ours = isinstance(error, GatewayError | EnqueueError)
            failed[payout_id] = str(error) if is_ours else type(error).__name__
            in_a_row += 1
        if in_a_row == GIVE_UP:
            break
    return failed


def _reconcile(account: Stripe, payout: Payout, telling: Telling, *, now: dt.datetime) -> None:
    finding = judge(payout, read_statement(account, payout))
    with transaction.atomic():
        row, is_changed = write_finding(payout, finding, now=now)
        telling.changed("payments linked", link_payments(payout.id, finding.payments))
        if row.status == DISCREPANCY and (alert := open_alert(row, finding, now=now)):
            telling.tell([_request(row, finding, alert)])
            telling.changed("alerts opened", 1)
    telling.changed("payouts written", int(is_changed))
    telling.found(row.status, 1)


def _request(row: PayoutReconciliation, finding: Finding, alert: Alert) -> NotifyRequest:
    counts = {kind: [finding.details[kind]["count"]] if kind in finding.faults else [] for kind in FAULTS}
    reasons = {reason: reason in finding.faults for reason in REASONS}
    return NotifyRequest(
        template="finance.payout_discrepancy",
        to=FINANCE,
        channel=CHANNELS,
        payload={
            "payout_id": row.stripe_payout_id,
            "arrival_date": row.arrival_date.isoformat(),
            "amount": {"amount": str(row.amount), "currency": row.currency},
            "expected": {"amount": str(row.expected_amount), "currency": row.currency},
            "payout_url": admin_page("rentals_payoutreconciliation_change", row.pk),
            **counts,
            **reasons,
        },
        # One that was in order meanwhile and is wrong again has another alert, and is told again.
        idempotency_key=once(NAME, "discrepancy", row.stripe_payout_id, alert.pk),
        metadata={"job": NAME, "payout_id": row.stripe_payout_id},
    )
