"""Where a request belongs. Requests come in; providers, the control API or the page answer.
Everything but the providers is guarded against web pages of strangers in the same browser."""

import ipaddress
from collections.abc import Awaitable
from urllib.parse import urlsplit

from sandbox import page
from sandbox.control import api as control
from sandbox.providers import Sandbox
from sandbox.server import Application, Request, Response


def application(sandbox: Sandbox) -> Application:
    """The application of one sandbox."""

    def answer(request: Request) -> Response | Awaitable[Response]:
        provider = sandbox.provider_at(request.path)
        if provider is not None:
            return sandbox.ask(provider, request)
        refusal = guard(request)
        if refusal:
            return control.respond({"error": refusal}, 403)
        served = page.serve(request, sandbox.store)
        return served if served is not None else control.answer(sandbox, request)

    return answer


def guard(request: Request) -> str:
    """Why a browser must not be answered; empty if it may.

    A foreign host name that resolves to 127.0.0.1 (DNS rebinding) could read the messages, and a form on a
    foreign page could reset the sandbox: a JSON content type cannot be sent across origins without the
    server's consent.
    """
    host = request.headers.get("host", "")
    if not _is_this_machine(host):
        return f"the sandbox answers to 127.0.0.1, ::1 and localhost, not to {host!r}"
    origin = request.headers.get("origin")
    if origin is not None and origin != f"http://{host}":
        return f"requests from pages of {origin} are refused"
    if request.method not in {"GET", "HEAD"} and not request.headers.get("content-type", "").startswith(
        "application/json"
    ):
        return "send Content-Type: application/json"
    return ""


def _is_this_machine(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
