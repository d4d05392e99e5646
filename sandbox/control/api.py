"""The routes of the control API. A guarded request comes in, the function of its route is called, JSON goes
out. A mistake is answered with 400 and a sentence that says what to write instead."""

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

from sandbox.control import orders, reading
from sandbox.providers import Sandbox
from sandbox.server import Request, Response

PREFIX = "/_sandbox/"
MESSAGE = re.compile(r"/_sandbox/messages/([^/]+)")
Handler = Callable[[Sandbox, dict[str, Any]], object]

ROUTES: dict[tuple[str, str], Handler] = {
    ("GET", "health"): lambda _sandbox, _parameters: {"ok": True},
    ("GET", "settings"): reading.settings,
    ("GET", "stats"): reading.stats,
    ("GET", "messages"): reading.messages,
    ("GET", "messages/{id}"): reading.message,
    ("GET", "behaviour"): reading.rules,
    ("POST", "behaviour"): orders.add_rule,
    ("DELETE", "behaviour"): orders.clear_rules,
    ("GET", "webhooks"): reading.webhooks,
    ("POST", "webhooks"): orders.configure_webhooks,
    ("POST", "events"): orders.report,
    ("POST", "inbound"): orders.inbound,
    ("POST", "push/gone"): orders.end_subscription,
    ("POST", "stripe/data"): orders.fill_ledger,
    ("POST", "reset"): orders.reset,
}


def answer(sandbox: Sandbox, request: Request) -> Response | Awaitable[Response]:
    """Answer one request: GET and DELETE take their parameters from the query, POST from a JSON body."""
    name, parameters = _read_path(request.path)
    route = ROUTES.get((request.method, name))
    if route is None:
        known = ", ".join(f"{method} {PREFIX}{path}" for method, path in ROUTES)
        return respond({"error": f"nothing answers {request.method} {request.path}; there are: {known}"}, 404)
    try:
        result = route(sandbox, _parameters(request) | parameters)
    except (ValueError, LookupError) as error:
        return _refuse(error)
    return _wait(result) if isinstance(result, Awaitable) else respond(result)


def respond(body: object, status: int = 200) -> Response:
    """A JSON answer."""
    headers = (
        ("Content-Type", "application/json"),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
    )
    return Response(status, json.dumps(body).encode(), headers)


async def _wait(result: Awaitable[object]) -> Response:
    try:
        return respond(await result)
    except (ValueError, LookupError) as error:
        return _refuse(error)


def _refuse(error: Exception) -> Response:
    return respond(
        {"error": str(error.args[0] if error.args else error)}, 404 if isinstance(error, LookupError) else 400
    )


def _read_path(path: str) -> tuple[str, dict[str, str]]:
    """The name of a route, and what stands in its braces."""
    one = MESSAGE.fullmatch(path)
    if one:
        return "messages/{id}", {"id": one[1]}
    return (path.removeprefix(PREFIX), {}) if path.startswith(PREFIX) else ("", {})


def _parameters(request: Request) -> dict[str, Any]:
    if request.method != "POST":
        return dict(parse_qsl(request.query, keep_blank_values=True))
    value = json.loads(request.body or b"{}")
    if not isinstance(value, dict):
        raise ValueError("the body must be a JSON object")
    return value
