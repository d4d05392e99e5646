"""Payouts and balance transactions, read through Stripe's own library."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
import stripe

from sandbox import keys
from sandbox.testing import SandboxError, SandboxServer

DAY = 86_400
MONDAY = 1_760_313_600  # 2025-10-13 00:00 UTC


def charge(number: int, amount: int, currency: str = "cad", created: int = MONDAY + 60) -> dict[str, Any]:
    return {"id": f"ch_{number}", "amount": amount, "currency": currency, "created": created}


@pytest.fixture
def client(server: SandboxServer) -> Iterator[stripe.StripeClient]:
    http_client = stripe.RequestsClient(timeout=10)
    yield stripe.StripeClient(
        keys.stripe_api_key(),
        base_addresses={"api": f"{server.url}/stripe"},
        http_client=http_client,
        max_network_retries=0,
    )
    http_client.close()


def test_a_payout_pays_charges_less_fees_and_refunds(
    client: stripe.StripeClient, server: SandboxServer
) -> None:
    refund = {"id": "re_1", "amount": 4_000, "currency": "cad", "created": MONDAY + 90, "charge": "ch_1"}
    server.stripe_data(
        charges=[charge(1, 10_000), charge(2, 20_000), charge(3, 5_000, "usd")], refunds=[refund]
    )
    cad, usd = sorted(client.v1.payouts.list().data, key=lambda payout: payout.currency)
    # 2.9 % and 30 cents: 320 of 10,000, 610 of 20,000, 175 of 5,000.
    assert (cad.currency, cad.amount, cad.arrival_date, cad.status) == (
        "cad",
        10_000 + 20_000 - 4_000 - 320 - 610,
        MONDAY + 2 * DAY,
        "paid",
    )
    assert (usd.currency, usd.amount) == ("usd", 5_000 - 175)
    items = client.v1.balance_transactions.list(params={"payout": cad.id}).data
    assert {(item.type, item.source, item.amount, item.fee, item.net) for item in items} == {
        ("charge", "ch_1", 10_000, 320, 9_680),
        ("charge", "ch_2", 20_000, 610, 19_390),
        ("refund", "re_1", -4_000, 0, -4_000),
        ("payout", cad.id, -cad.amount, 0, -cad.amount),
    }
    assert sum(item.net for item in items) == 0
    charges = client.v1.balance_transactions.list(params={"payout": cad.id, "type": "charge"}).data
    assert [item.reporting_category for item in charges] == ["charge", "charge"]


def test_the_same_data_makes_the_same_ids(client: stripe.StripeClient, server: SandboxServer) -> None:
    server.stripe_data(charges=[charge(1, 10_000)])
    first = client.v1.payouts.list().data[0].id
    server.stripe_data(charges=[charge(1, 10_000)], replace=False)
    assert [payout.id for payout in client.v1.payouts.list().data] == [first]


def test_the_library_walks_every_page_newest_first(
    client: stripe.StripeClient, server: SandboxServer
) -> None:
    counts = server.stripe_data(
        generate={"payouts": 40, "charges": 7, "currencies": ["cad", "usd"], "until": MONDAY, "seed": 4}
    )
    payouts = list(client.v1.payouts.list(params={"limit": 7}).auto_paging_iter())
    assert len(payouts) == counts["payouts"] == 80
    assert len({payout.id for payout in payouts}) == 80
    assert [payout.created for payout in payouts] == sorted(
        (payout.created for payout in payouts), reverse=True
    )
    items = list(client.v1.balance_transactions.list(params={"limit": 100}).auto_paging_iter())
    assert len({item.id for item in items}) == counts["balance_transactions"] >= 80 * 8
    for payout in payouts[:5]:
        mine = list(
            client.v1.balance_transactions.list(params={"payout": payout.id, "limit": 3}).auto_paging_iter()
        )
        assert sum(item.net for item in mine if item.type != "payout") == payout.amount


def test_generated_data_is_the_same_for_a_seed(client: stripe.StripeClient, server: SandboxServer) -> None:
    def payouts(seed: int) -> list[tuple[str, int]]:
        server.stripe_data(generate={"payouts": 5, "charges": 3, "until": MONDAY, "seed": seed})
        return [(payout.id, payout.amount) for payout in client.v1.payouts.list().data]

    assert payouts(1) == payouts(1) != payouts(2)


def test_filters_and_cursors(client: stripe.StripeClient, server: SandboxServer) -> None:
    server.stripe_data(charges=[charge(n, 10_000, created=MONDAY + n * DAY) for n in range(10)])
    everything = client.v1.payouts.list(params={"limit": 100}).data
    arrival = everything[4].arrival_date
    later = client.v1.payouts.list(params={"arrival_date": {"gt": arrival}}).data
    assert [payout.id for payout in later] == [payout.id for payout in everything[:4]]
    assert [payout.id for payout in client.v1.payouts.list(params={"arrival_date": arrival}).data] == [
        everything[4].id
    ]
    page = client.v1.payouts.list(params={"ending_before": everything[4].id, "limit": 2})
    assert ([payout.id for payout in page.data], page.has_more) == (
        [everything[2].id, everything[3].id],
        True,
    )
    page = client.v1.payouts.list(params={"starting_after": everything[8].id, "created": {"gte": 0}})
    assert ([payout.id for payout in page.data], page.has_more) == ([everything[9].id], False)
    assert client.v1.payouts.list(params={"limit": 10}).has_more is False
    assert client.v1.payouts.retrieve(everything[0].id).amount == everything[0].amount


def test_raw_objects_may_disagree_on_purpose(client: stripe.StripeClient, server: SandboxServer) -> None:
    """So that a reconciliation has something to find."""
    server.stripe_data(
        payouts=[
            {"id": "po_1", "amount": 900, "currency": "cad", "arrival_date": MONDAY, "status": "in_transit"},
            {"id": "po_2", "amount": 5, "currency": "cad", "arrival_date": MONDAY, "automatic": False},
        ],
        balance_transactions=[
            {
                "type": "charge",
                "amount": 1000,
                "fee": 50,
                "currency": "cad",
                "created": MONDAY,
                "source": "ch_1",
                "payout": "po_1",
            }
        ],
    )
    (item,) = client.v1.balance_transactions.list(params={"payout": "po_1"}).data
    assert (item.net, item.fee_details[0].amount, item.source) == (950, 50, "ch_1")
    assert client.v1.payouts.list(params={"status": "in_transit"}).data[0].id == "po_1"
    with pytest.raises(stripe.InvalidRequestError, match="automatic"):
        client.v1.balance_transactions.list(params={"payout": "po_2"})


def test_a_source_is_an_id_or_on_demand_the_whole_object(
    client: stripe.StripeClient, server: SandboxServer
) -> None:
    refund = {"id": "re_1", "amount": 4_000, "currency": "cad", "created": MONDAY + 90, "charge": "ch_1"}
    server.stripe_data(charges=[charge(1, 10_000)], refunds=[refund])
    items = client.v1.balance_transactions.list(params={"expand": ["data.source"]}).data
    sources = {item.type: item.source for item in items}
    assert isinstance(sources["payout"], str)  # this sandbox knows no whole payout there
    whole: Any = sources["refund"]
    assert (whole.id, whole.charge, whole.amount, whole.currency) == ("re_1", "ch_1", 4_000, "cad")
    plain = client.v1.balance_transactions.list().data
    assert {item.source for item in plain} == {"ch_1", "re_1", sources["payout"]}
    with pytest.raises(stripe.InvalidRequestError, match=r"cannot be expanded \(data.fee\)"):
        client.v1.balance_transactions.list(params={"expand": ["data.fee"]})


@pytest.mark.parametrize(
    ("query", "status", "param", "code"),
    [
        ("limit=101", 400, "limit", None),
        ("limit=0", 400, "limit", None),
        ("limit=ten", 400, "limit", "parameter_invalid_integer"),
        ("payout=po_none", 404, "payout", "resource_missing"),
        ("starting_after=txn_none", 400, "starting_after", "resource_missing"),
        ("starting_after=a&ending_before=b", 400, "starting_after", None),
        ("page=2", 400, "page", "parameter_unknown"),
        ("arrival_date=1", 400, "arrival_date", "parameter_unknown"),
    ],
)
def test_it_refuses(
    query: str, status: int, param: str, code: str | None, server: SandboxServer, http: requests.Session
) -> None:
    headers = {"Authorization": f"Bearer {keys.stripe_api_key()}"}
    answer = http.get(f"{server.url}/stripe/v1/balance_transactions?{query}", headers=headers, timeout=10)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["param"], error.get("code")) == (
        status,
        "invalid_request_error",
        param,
        code,
    )


def test_a_key_is_needed(server: SandboxServer, http: requests.Session) -> None:
    url = f"{server.url}/stripe/v1/payouts"
    missing, wrong = (
        http.get(url, timeout=10),
        http.get(url, headers={"Authorization": "Bearer sk_test_1"}, timeout=10),
    )
    assert "did not provide an API key" in missing.json()["error"]["message"]
    assert "Invalid API Key" in wrong.json()["error"]["message"]
    assert (missing.status_code, wrong.status_code) == (401, 401)
    assert http.get(url, auth=(keys.stripe_api_key(), ""), timeout=10).status_code == 200


def test_an_unknown_address_or_object(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="No such payout: 'po_none'") as raised:
        client.v1.payouts.retrieve("po_none")
    assert (raised.value.http_status, raised.value.code) == (404, "resource_missing")
    with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL"):
        client.v1.charges.list()


def test_bad_data_is_refused_by_name(server: SandboxServer) -> None:
    with pytest.raises(SandboxError, match="a charge needs currency as str, and has None"):
        server.stripe_data(charges=[{"id": "ch_1", "amount": 1, "created": 1}])
    with pytest.raises(SandboxError, match="at most 1000000"):
        server.stripe_data(generate={"payouts": 10_000, "charges": 10_000})
