"""The gateway to Stripe over HTTP: every page, a moment's patience, and errors that say «retry?» and nothing secret."""

import datetime as dt
import time
from decimal import Decimal
from typing import Any

import pytest

from jobs.gateways import stripe as gateway
from jobs.gateways.amounts import amount_of
from jobs.gateways.failures import (
    AwayError,
    BusyError,
    GatewayError,
    KeyRefusedError,
    QuestionRefusedError,
)
from jobs.gateways.stripe import Stripe
from sandbox import keys
from sandbox.testing import SandboxServer

NOW = dt.datetime(2026, 11, 20, 15, tzinfo=dt.UTC)
LONG_AGO = dt.date(2026, 1, 1)


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "PAUSES", (0.0, 0.0))


def generate(sandbox: SandboxServer, **options: Any) -> None:
    until = int(NOW.timestamp())
    sandbox.stripe_data(generate={"payouts": 3, "charges": 5, "until": until, **options})


def listed(since: dt.date = LONG_AGO) -> list[gateway.Payout]:
    with Stripe.configured() as account:
        return list(account.payouts(arriving_from=since, created_until=NOW))


def requests(sandbox: SandboxServer) -> int:
    return int(sandbox.stats()["providers"]["stripe"]["requests"])


@pytest.mark.parametrize(
    ("units", "currency", "amount"),
    [(48520, "cad", "485.20"), (48520, "JPY", "48520"), (48520, "kwd", "48.520"), (500, "ISK", "5.00"), (-1, "usd", "-0.01")],
)  # fmt: skip
def test_units_become_amounts_by_the_currencys_places(units: int, currency: str, amount: str) -> None:
    assert str(amount_of(units, currency)) == amount


def test_every_page_is_read_and_only_what_was_asked_for(
    sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "PAGE", 2)
    generate(sandbox, currencies=["cad", "jpy"])
    payouts = listed()
    assert len({payout.id for payout in payouts}) == len(payouts) == 6
    assert {payout.currency for payout in payouts} == {"CAD", "JPY"}
    newest = max(payout.arrival_date for payout in payouts)
    assert len(listed(newest)) == 2
    with Stripe.configured() as account:
        assert account.payout(payouts[3].id) == payouts[3]
        for payout in payouts:
            pages = list(account.movements(payout.id))
            assert [len(page) for page in pages[:-1]] == [2] * (len(pages) - 1)
            parts = [part for page in pages for part in page if part.category != "payout"]
            assert sum(part.net for part in parts) == payout.amount
            assert all(part.charge.startswith("ch_") for part in parts)


def test_a_refund_names_its_charge_and_what_the_customer_saw(sandbox: SandboxServer) -> None:
    created = int(NOW.timestamp()) - 5 * 86_400
    sandbox.stripe_data(
        charges=[{"id": "ch_1", "amount": 10_000, "currency": "cad", "created": created}],
        refunds=[{"id": "re_1", "charge": "ch_1", "amount": 2_500, "currency": "cad", "created": created}],
    )
    with Stripe.configured() as account:
        [page] = account.movements(listed()[0].id)
    [back] = [part for part in page if part.category == "refund"]
    assert (back.source, back.charge, back.amount, back.asked, back.asked_currency) == (
        "re_1",
        "ch_1",
        Decimal("-25.00"),
        Decimal("25.00"),
        "CAD",
    )


@pytest.mark.parametrize(
    ("rule", "kind", "said"),
    [
        ({"status": 401}, KeyRefusedError, "Stripe refused the key (401, req_"),
        ({"status": 403}, KeyRefusedError, "may not read this (403, req_"),
        ({"status": 400}, QuestionRefusedError, "Stripe refused the question (400, req_"),
        ({"status": 429}, BusyError, "too many questions (429, req_"),
        ({"status": 500}, AwayError, "could not answer (500, req_"),
        ({"hang_up": True}, AwayError, "cannot be reached"),
    ],
)
def test_each_failure_says_whether_to_retry_and_nothing_secret(
    rule: dict[str, Any], kind: type[GatewayError], said: str, sandbox: SandboxServer
) -> None:
    sandbox.behave("stripe", **rule)
    with pytest.raises(kind) as raised:
        listed()
    assert said in str(raised.value)
    # Not even by the exception behind it, which Sentry would show.
    assert raised.value.__context__ is raised.value.__cause__ is None
    assert keys.stripe_api_key() not in repr(raised.value)
    assert "sk_test" not in repr(raised.value)
    assert requests(sandbox) == (1 + len(gateway.PAUSES) if kind.retry else 1)


def test_an_unknown_payout_is_named_by_the_code(sandbox: SandboxServer) -> None:
    with Stripe.configured() as account, pytest.raises(QuestionRefusedError, match="404 resource_missing"):
        account.payout("po_none")


def test_a_failure_of_a_moment_is_outlasted_between_two_pages(
    sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "PAGE", 2)
    generate(sandbox)
    sandbox.behave("stripe", status=503, match="starting_after", times=1)
    sandbox.behave("stripe", hang_up=True, match="starting_after", times=1)
    assert len(listed()) == 3


def test_retry_after_is_obeyed_for_as_long_as_a_run_can_wait(sandbox: SandboxServer) -> None:
    generate(sandbox)
    sandbox.behave("stripe", status=429, retry_after=0.3, times=2)
    began = time.monotonic()
    assert len(listed()) == 3
    assert time.monotonic() - began >= 0.6
    sandbox.behave("stripe", status=429, retry_after=90)
    before = requests(sandbox)
    with pytest.raises(BusyError, match="asks to wait 90 s"):
        listed()
    assert requests(sandbox) == before + 1


def test_an_answer_that_does_not_come_is_given_up(
    sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "TIMEOUT", (1.0, 0.1))
    sandbox.behave("stripe", latency_ms=400)
    began = time.monotonic()
    with pytest.raises(AwayError, match="did not answer in time"):
        listed()
    assert time.monotonic() - began < 5


def test_nobody_listens(settings: Any) -> None:
    settings.STRIPE_API_URL = "http://127.0.0.1:9/stripe"
    with pytest.raises(AwayError, match="cannot be reached"):
        listed()
