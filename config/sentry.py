"""Error reports: in, a DSN (none: off); out, sentry-sdk started with no personal data, locals or rows in its events."""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import sentry_sdk

from notifications.masking import redact, without_addresses, without_values

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint


def start_sentry(*, dsn: str, environment: str, **options: Any) -> None:
    """Start sentry-sdk when there is a DSN. Frame variables are left out: payloads and addresses live there.

    Its own default is to send nothing about people (no user, no cookies, no headers that name anyone).
    """
    if not dsn:
        return
    sentry_sdk.init(
        dsn=dsn,
        environment=environment,
        include_local_variables=False,
        max_request_body_size="never",
        # What happened before the error are lines of logs and addresses of requests: our own log has them, redacted.
        max_breadcrumbs=0,
        before_send=without_people,
        **options,
    )


def without_people(event: "Event", hint: "Hint") -> "Event":  # noqa: ARG001
    """The event with the first line of each message, addresses and quoted values removed: PostgreSQL's later lines quote whole
    rows. Of a request stays its method and path; query, headers and cookies name people."""
    for exception in event.get("exception", {}).get("values", []):
        exception["value"] = _first_line(exception.get("value"))
        exception.get("mechanism", {}).pop("data", None)
    for name in ("user", "extra", "breadcrumbs"):
        event.pop(name, None)  # type: ignore[misc]
    if request := event.pop("request", None):
        path = urlsplit(str(request.get("url", ""))).path
        event["request"] = {"method": request.get("method"), "url": without_addresses(path)}
    if "transaction" in event:
        event["transaction"] = without_addresses(event["transaction"])
    entry = event.get("logentry", {})
    if "message" in entry:
        # The text is the event's name; what was put into it is in our own log.
        event["logentry"] = {"message": _first_line(entry["message"])}
    return event


def _first_line(text: Any) -> str:
    return redact(without_values((str(text or "").splitlines() or [""])[0]))
