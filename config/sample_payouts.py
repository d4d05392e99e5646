"""Stripe's side of the sample business: in, the sandbox's address; out, what its Stripe paid out, all but one charge booked.

Without it payout_reconciliation would have nothing to read, and with a perfect Stripe nothing to find.
"""

import calendar
import datetime as dt
import json
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any

from rentals.models import Payment, PayoutReconciliation

DAYS = dt.timedelta(days=10)
# Stripe pays out after two days; what is younger has not left it.
YOUNGEST = dt.timedelta(days=2)
# Of a big business a part is enough to look at.
MOST = 5_000
# Nobody booked it: the finance group hears of the newest payout.
STRANGE = {"id": "ch_sampleunbooked", "amount": 12_500, "currency": "cad"}


def pay_out(sandbox_url: str, *, now: dt.datetime) -> int:
    """Fill the sandbox's ledger with the newest ten days of card payments; answers how many payouts there are."""
    body = json.dumps({**charges_and_refunds(now=now), "payouts": _on_their_way()}).encode()
    request = urllib.request.Request(  # noqa: S310 (our own loopback address)
        f"{sandbox_url}/_sandbox/stripe/data", body, {"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return int(json.load(answer)["payouts"])


def charges_and_refunds(*, now: dt.datetime) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """Whole days, so that the same payments make the same payouts whenever the sandbox starts anew."""
    today = now.astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    by_card = Payment.objects.exclude(stripe_charge_id="").filter(
        status__in=Payment.RECEIVED, created_at__lt=today - YOUNGEST
    )
    newest = by_card.order_by("-created_at", "-pk").first()
    if newest is None:
        return {}
    since = newest.created_at.replace(hour=0, minute=0, second=0, microsecond=0) - DAYS
    rows = list(by_card.filter(created_at__gte=since).order_by("-created_at", "-pk")[:MOST])
    return {
        "charges": [*map(_charge, rows), STRANGE | {"created": int(newest.created_at.timestamp())}],
        "refunds": [_refund(row) for row in rows if row.status == Payment.Status.REFUNDED],
    }


def _on_their_way() -> list[Mapping[str, Any]]:
    """Payouts that we know of and that have not arrived: the job asks Stripe for each by its id."""
    open_ones = PayoutReconciliation.objects.filter(status=PayoutReconciliation.Status.PENDING)
    return [
        {
            "id": row.stripe_payout_id,
            "amount": int(row.amount * 100),
            "currency": row.currency.lower(),
            "arrival_date": calendar.timegm(row.arrival_date.timetuple()),
            "status": "in_transit",
        }
        for row in open_ones
    ]


def _charge(row: Payment) -> Mapping[str, Any]:
    return {
        "id": row.stripe_charge_id,
        "amount": int(row.amount * 100),
        "currency": row.currency.lower(),
        "created": int(row.created_at.timestamp()),
    }


def _refund(row: Payment) -> Mapping[str, Any]:
    return {
        **_charge(row),
        "id": f"re_{row.stripe_charge_id.removeprefix('ch_')}",
        "charge": row.stripe_charge_id,
    }
