"""`GET /stripe/v1/payouts` and `/stripe/v1/balance_transactions`. An authenticated request comes in, one page
of a list goes out. Errors are Stripe's `error` objects."""

import base64
import json
import re
import secrets
from urllib.parse import parse_qsl

from sandbox import keys
from sandbox.server import Headers, Request, Response
from sandbox.store import Received
from sandbox.stripe.ledger import Ledger
from sandbox.stripe.objects import Object
from sandbox.stripe.query import RefusedError, check_names, expanded, one, page

BASE = "/stripe"
PATH = re.compile(r"/v1/(?P<kind>payouts|balance_transactions)(?:/(?P<id>[^/]+))?")
FAULTS = {
    401: ("invalid_request_error", None, "Invalid API Key provided: sk_test_********"),
    403: (
        "invalid_request_error",
        None,
        "The provided key does not have the required permissions for this endpoint.",
    ),
    404: ("invalid_request_error", "resource_missing", "No such object"),
    429: (
        "invalid_request_error",
        "rate_limit",
        "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.",
    ),
}


class Stripe:
    """The payment provider, as far as payouts are concerned."""

    name = "stripe"

    def __init__(self, *, seed: str) -> None:
        self.ledger = Ledger()
        key = keys.stripe_api_key(seed)
        basic = base64.b64encode(f"{key}:".encode()).decode()
        self._authorized = frozenset({f"Bearer {key}", f"Basic {basic}"})

    def answer(self, request: Request, now: float) -> tuple[Response, list[Received]]:  # noqa: ARG002
        """What Stripe would answer; nothing is ever received here."""
        try:
            return _respond(200, self._read(request)), []
        except RefusedError as refused:
            return _error(
                refused.status, "invalid_request_error", str(refused), refused.code, refused.param
            ), []

    def fault(self, status: int, retry_after: float | None, now: float) -> Response:  # noqa: ARG002
        """Stripe's answer of this status."""
        kind, code, message = FAULTS.get(status, ("api_error", None, "An unknown error occurred"))
        headers = () if retry_after is None else (("Retry-After", f"{retry_after:g}"),)
        return _error(status, kind, message, code, None, headers)

    def _read(self, request: Request) -> Object:
        self._check_key(request.headers.get("authorization"))
        found = PATH.fullmatch(request.path.removeprefix(BASE))
        if found is None or request.method != "GET":
            message = f"Unrecognized request URL ({request.method}: {request.path.removeprefix(BASE)})."
            raise RefusedError(message, status=404)
        kind = found["kind"]
        pairs = dict(parse_qsl(request.query, keep_blank_values=True))
        if found["id"]:
            items = self.ledger.payouts if kind == "payouts" else self.ledger.transactions
            return one(items, found["id"], kind)
        check_names(pairs, kind)
        listed = page(self._select(pairs, kind), pairs, kind)
        return expanded(listed, pairs, kind, self.ledger.sources)

    def _check_key(self, authorization: str | None) -> None:
        if authorization is None:
            message = "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth."
            raise RefusedError(message, status=401)
        if authorization not in self._authorized:
            raise RefusedError("Invalid API Key provided: sk_test_********", status=401)

    def _select(self, pairs: dict[str, str], kind: str) -> list[Object]:
        if kind == "payouts":
            return self.ledger.payouts
        if "payout" not in pairs:
            return self.ledger.transactions
        payout = one(self.ledger.payouts, pairs["payout"], "payouts", param="payout")
        if not payout["automatic"]:
            message = "Balance transaction history can only be filtered on automatic payouts, not manual."
            raise RefusedError(message, param="payout")
        return self.ledger.by_payout.get(pairs["payout"], [])


def _error(
    status: int, kind: str, message: str, code: str | None, param: str | None, headers: Headers = ()
) -> Response:
    error: Object = {"message": message, "type": kind}
    if code:
        error |= {"code": code, "doc_url": f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"}
    if param:
        error["param"] = param
    return _respond(status, {"error": error}, headers)


def _respond(status: int, body: Object, headers: Headers = ()) -> Response:
    request_id = f"req_sandbox{secrets.token_hex(8)}"
    common = (
        ("Content-Type", "application/json"),
        ("Request-Id", request_id),
        ("Stripe-Version", "2025-09-30.clover"),
    )
    return Response(status, json.dumps(body).encode(), common + headers)
