"""Error reports and traces: in, a DSN (none: off); out, sentry-sdk started with no personal data, locals, rows or values in what leaves.

What leaves is what is listed here, not what is not forbidden: a new version of the sdk may add what it likes.
"""

import math
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import sentry_sdk

from config.sql_shape import sql_shape
from notifications.log_ids import current_ids
from notifications.masking import redact, without_addresses, without_values

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

# Of a span: when it was, what kind of thing it was, and how it ended. Its data hold addresses of requests and of servers.
SPAN = frozenset(
    {"trace_id", "span_id", "parent_span_id", "same_process_as_parent", "op", "origin", "status", "start_timestamp", "timestamp"}
)  # fmt: skip


def start_sentry(
    *, dsn: str, environment: str, release: str = "", traces: float = 0.0, **options: Any
) -> None:
    """Start sentry-sdk when there is a DSN. Frame variables are left out: payloads and addresses live there.

    Its own default is to send nothing about people (no user, no cookies, no headers that name anyone). `traces` is the share
    of runs, drains and requests that leave as transactions.
    """
    if not dsn:
        return
    sentry_sdk.init(
        dsn=dsn,
        environment=environment,
        release=release or None,
        include_local_variables=False,
        max_request_body_size="never",
        # What happened before the error are lines of logs and addresses of requests: our own log has them, redacted.
        max_breadcrumbs=0,
        before_send=without_people,
        before_send_transaction=without_values_in_spans,
        traces_sample_rate=traces if 0 < traces <= 1 else None,
        # Providers get no headers of Sentry's.
        trace_propagation_targets=[],
        auto_session_tracking=False,
        **options,
    )


def share(text: str) -> float:
    """A number from 0 to 1; -1 for what is none, which a system check names."""
    try:
        number = float(text or 0)
    except ValueError:
        return -1.0
    return number if math.isfinite(number) and 0 <= number <= 1 else -1.0


def without_people(event: "Event", hint: "Hint") -> "Event":  # noqa: ARG001
    """The event with the first line of each message, addresses and quoted values removed: PostgreSQL's later lines quote whole
    rows. Of a request stays its method and path; query, headers and cookies name people. What the log says of it (run, job,
    request) are its tags."""
    for exception in event.get("exception", {}).get("values", []):
        exception["value"] = _first_line(exception.get("value"))
        exception.get("mechanism", {}).pop("data", None)
    for name in ("user", "extra", "breadcrumbs"):
        event.pop(name, None)  # type: ignore[misc]
    event["tags"] = {**current_ids(), **dict(event.get("tags") or {})}
    if request := event.pop("request", None):
        path = urlsplit(str(request.get("url", ""))).path
        event["request"] = {"method": request.get("method"), "url": without_addresses(path)}
    contexts = event.get("contexts", {})
    if trace := contexts.get("trace"):
        contexts["trace"] = {key: value for key, value in trace.items() if key in SPAN}
    if "transaction" in event:
        event["transaction"] = without_addresses(event["transaction"])
    entry = event.get("logentry", {})
    if "message" in entry:
        # The text is the event's name; what was put into it is in our own log.
        event["logentry"] = {"message": _first_line(entry["message"])}
    return event


def without_values_in_spans(event: "Event", hint: "Hint") -> "Event":
    """A trace, as an error report; its spans keep their times and the shape of what they did."""
    event = without_people(event, hint)
    spans: Any = event.get("spans") or []
    event["spans"] = [_span(span) for span in spans]
    return event


def _span(span: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in span.items() if key in SPAN}
    op, text = str(span.get("op", "")), str(span.get("description") or "")
    if op.startswith("db"):
        kept["description"] = sql_shape(text)
    elif op.startswith("http"):
        # A push service's address opens somebody's browser; the provider's name says enough.
        method, _, url = text.partition(" ")
        kept["description"] = f"{method} {urlsplit(url).hostname or ''}".strip()
    else:
        kept["description"] = _first_line(text)
    return kept


def _first_line(text: Any) -> str:
    return redact(without_values((str(text or "").splitlines() or [""])[0]))
