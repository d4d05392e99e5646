"""Stripe's payouts and what is in them: in, dates or a payout's id; out, Payouts and pages of Movements. Reads only.

Never called inside a transaction of ours. What fails is tried again for a moment here; then it is a GatewayError.
"""

import datetime as dt
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self, TypeVar

import stripe
from django.conf import settings

from jobs.gateways.amounts import amount_of
from jobs.gateways.failures import KeyRefusedError, failure_of

PAGE = 100  # Stripe's largest
# Seconds to connect, and between two pieces of an answer.
TIMEOUT = (5.0, 20.0)
# Before the second try, and the third and last; Stripe's own Retry-After goes before, unless a run cannot wait that long.
PAUSES = (0.5, 2.0)
LONGEST_PAUSE = 30.0
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Payout:
    """One transfer to our bank. `is_itemized`: Stripe can say, and has said in full, what is in it."""

    id: str
    status: str  # pending, in_transit, paid, failed, canceled
    arrival_date: dt.date
    amount: Decimal
    currency: str
    is_automatic: bool
    is_itemized: bool


@dataclass(frozen=True, slots=True)
class Movement:
    """One balance transaction, in the payout's currency: `amount` less `fee` is `net`.

    `charge` is the charge itself or that of a refund; `asked` is what the customer saw, in `asked_currency`.
    """

    id: str
    category: str  # https://docs.stripe.com/reports/reporting-categories
    source: str
    charge: str
    amount: Decimal
    fee: Decimal
    net: Decimal
    asked: Decimal
    asked_currency: str


class Stripe:
    """The account that STRIPE_API_KEY belongs to. Close it, or use it in a `with`."""

    def __init__(self, *, key: str, url: str) -> None:
        if not key:
            raise KeyRefusedError("STRIPE_API_KEY is missing: set it to a key that may read payouts.")
        self._http = stripe.RequestsClient(timeout=TIMEOUT)
        # Tries are counted here: the library's own know nothing of 429.
        self._client = stripe.StripeClient(
            key, base_addresses={"api": url}, http_client=self._http, max_network_retries=0
        )

    @classmethod
    def configured(cls) -> Self:
        """As the settings say."""
        return cls(key=settings.STRIPE_API_KEY, url=settings.STRIPE_API_URL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()  # type: ignore[no-untyped-call]  # the library types the rest

    def payouts(self, *, arriving_from: dt.date, created_until: dt.datetime) -> Iterator[Payout]:
        """Newest first, of every currency."""
        since = dt.datetime.combine(arriving_from, dt.time(), dt.UTC)
        first = self._ask(
            lambda: self._client.v1.payouts.list(
                {
                    "arrival_date": {"gte": int(since.timestamp())},
                    "created": {"lte": int(created_until.timestamp())},
                    "limit": PAGE,
                }
            )
        )
        for page in self._pages(first):
            yield from map(_payout, page)

    def payout(self, payout_id: str) -> Payout:
        """One, however old."""
        return _payout(self._ask(lambda: self._client.v1.payouts.retrieve(payout_id)))

    def movements(self, payout_id: str) -> Iterator[list[Movement]]:
        """What is in an automatic payout, page by page; its own debit is among them."""
        first = self._ask(
            lambda: self._client.v1.balance_transactions.list(
                {"payout": payout_id, "limit": PAGE, "expand": ["data.source"]}
            )
        )
        for page in self._pages(first):
            yield [_movement(item) for item in page]

    def _pages(self, page: Any) -> Iterator[list[Any]]:
        while page.data:
            yield page.data
            page = self._ask(page.next_page)

    def _ask(self, call: Callable[[], Answer]) -> Answer:
        """The answer, by the third try at the latest; raises GatewayError, without the library's own text behind it."""
        for pause in (*PAUSES, None):
            try:
                return call()
            except stripe.StripeError as error:
                failure = failure_of(error)
            wait = pause if failure.retry_after is None else failure.retry_after
            if not failure.retry or pause is None or wait is None or wait > LONGEST_PAUSE:
                raise failure
            time.sleep(wait)
        raise AssertionError("the last try answers or raises")


def _payout(item: stripe.Payout) -> Payout:
    return Payout(
        id=item.id,
        status=item.status,
        # Stripe's dates are midnights in UTC.
        arrival_date=dt.datetime.fromtimestamp(item.arrival_date, dt.UTC).date(),
        amount=amount_of(item.amount, item.currency),
        currency=item.currency.upper(),
        is_automatic=item.automatic,
        is_itemized=item.automatic and item.reconciliation_status != "in_progress",
    )


def _movement(item: stripe.BalanceTransaction) -> Movement:
    source: Any = item.source
    is_expanded = source is not None and not isinstance(source, str)
    currency = source.currency if is_expanded and hasattr(source, "currency") else item.currency
    asked = source.amount if is_expanded and hasattr(source, "amount") else abs(item.amount)
    source_id = source.id if is_expanded else source or ""
    charge = source_id if item.reporting_category == "charge" else getattr(source, "charge", None) or ""
    return Movement(
        id=item.id,
        category=item.reporting_category,
        source=source_id,
        charge=charge if isinstance(charge, str) else charge.id,
        amount=amount_of(item.amount, item.currency),
        fee=amount_of(item.fee, item.currency),
        net=amount_of(item.net, item.currency),
        asked=amount_of(asked, currency),
        asked_currency=currency.upper(),
    )
