"""Why Stripe gave no answer: in, an exception of its library; out, a GatewayError that says whether to try again.

Its texts are ours. The library's quote the key in part, the address and the body, and ours end in `job_runs`, logs and Sentry.
"""

import re
from typing import ClassVar

import stripe

_CODE = re.compile(r"[a-z_]{1,60}")
_REQUEST = re.compile(r"req_\w{1,60}")


class GatewayError(Exception):
    """No answer. `retry`: the same question may be answered later. `stops`: no other question would fare better."""

    retry: ClassVar[bool] = False
    stops: ClassVar[bool] = False

    def __init__(self, text: str, *, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class KeyRefusedError(GatewayError):
    """Only a person can help."""

    stops = True


class BusyError(GatewayError):
    """We ask too much."""

    retry = stops = True


class AwayError(GatewayError):
    """No connection, no answer in time, or an answer that is no answer."""

    retry = True


class QuestionRefusedError(GatewayError):
    """The question is wrong: no such payout, or a parameter that Stripe no longer knows."""


def failure_of(error: stripe.StripeError) -> GatewayError:
    """By class and status; a status that is new to us counts by its hundred."""
    status = error.http_status or 0
    said = _said(error)
    if isinstance(error, stripe.AuthenticationError) or status == 401:
        return KeyRefusedError(f"Stripe refused the key{said}: set STRIPE_API_KEY to a key of this account.")
    if isinstance(error, stripe.PermissionError) or status == 403:
        return KeyRefusedError(
            f"The key in STRIPE_API_KEY may not read this{said}: let it read payouts, balance transactions, charges and refunds."
        )
    if isinstance(error, stripe.RateLimitError) or status == 429:
        wait = _seconds(error.headers)
        until = "" if wait is None else f" and asks to wait {wait:g} s"
        return BusyError(f"Stripe has had too many questions{said}{until}.", retry_after=wait)
    if isinstance(error, stripe.APIConnectionError):
        return AwayError("Stripe cannot be reached, or did not answer in time.")
    if 400 <= status < 500:
        return QuestionRefusedError(f"Stripe refused the question{said}.")
    return AwayError(f"Stripe could not answer{said}.", retry_after=_seconds(error.headers))


def _said(error: stripe.StripeError) -> str:
    """« (404 resource_missing, req_1a2b)»: what its support asks for, and nothing else."""
    code, request = str(error.code or ""), str(error.request_id or "")
    first = " ".join(filter(None, [str(error.http_status or ""), code if _CODE.fullmatch(code) else ""]))
    words = ", ".join(filter(None, [first, request if _REQUEST.fullmatch(request) else ""]))
    return f" ({words})" if words else ""


def _seconds(headers: "object") -> float | None:
    """Retry-After in seconds; Stripe never writes a date there."""
    value = str(headers.get("retry-after", "")) if hasattr(headers, "get") else ""
    return float(value) if re.fullmatch(r"\d{1,6}(\.\d{1,3})?", value) else None
