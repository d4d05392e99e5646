"""A network failure as an outcome: in, an exception of `requests`; out, Transient (not sent) or Unknown (perhaps sent)."""

import datetime as dt
import email.utils
import time
from collections.abc import Mapping

import requests

from notifications.errors import Outcome, Transient, Unknown
from notifications.masking import redact


def from_exception(error: Exception) -> Outcome | None:
    """None when the exception is no network failure.

    Before the request went out (no connection) it can be sent again without a thought; after that the provider may
    have taken it, whatever became of the answer.
    """
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.InvalidURL):
        return Transient(code="connect_timeout", error=redact(str(error)))
    if isinstance(error, requests.Timeout):
        return Unknown(code="timeout", error=redact(str(error)))
    if isinstance(error, requests.ConnectionError):
        before = any(
            word in str(error) for word in ("NewConnectionError", "NameResolutionError", "Connection refused")
        )
        if before:
            return Transient(code="connect", error=redact(str(error)))
        return Unknown(code="connection_lost", error=redact(str(error)))
    if isinstance(error, requests.RequestException):
        return Unknown(code=type(error).__name__, error=redact(str(error)))
    return None


def retry_after(headers: Mapping[str, str]) -> dt.timedelta | None:
    """How long the provider asks us to wait: Retry-After (RFC 9110 §10.2.3: seconds or a date), or SendGrid's
    X-RateLimit-Reset (epoch seconds). At most a day, so that a wrong clock cannot park a message for ever."""
    seconds: float | None = None
    if value := headers.get("Retry-After"):
        seconds = _seconds_or_date(value)
    elif reset := headers.get("X-RateLimit-Reset"):
        seconds = float(reset) - time.time() if reset.isdigit() else None
    if seconds is None:
        return None
    return dt.timedelta(seconds=min(max(seconds, 0), 86_400))


def _seconds_or_date(value: str) -> float | None:
    if value.strip().isdigit():
        return float(value)
    try:
        return email.utils.parsedate_to_datetime(value).timestamp() - time.time()
    except ValueError:
        return None
