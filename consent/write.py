"""The rows behind a change of consent: in, what is news and what now stands; out, two statements, however many there are.

Only `consent/preferences.py` calls this, under the customers' locks. Arrays instead of one placeholder a value:
with thousands of rows most of the time would go into building the statement.
"""

import hashlib
import json
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from django.db import connection
from django.utils.translation import get_language

from consent.evidence import without_addresses
from consent.ledger import Change, Key, State
from consent.models import ConsentEvent

_EVENT = {
    "id": "uuid",
    "customer_id": "text",
    "channel": "text",
    "category": "text",
    "action": "text",
    "source": "text",
    "actor": "text",
    "wording_sha256": "text",
    "evidence": "jsonb",
    "occurred_at": "timestamptz",
}
_STATE = {
    "id": "uuid",
    "customer_id": "text",
    "channel": "text",
    "category": "text",
    "enabled": "boolean",
    "granted_at": "timestamptz",
    "revoked_at": "timestamptz",
    "source": "text",
    "event_id": "uuid",
}
_WORDING = {"sha256": "text", "locale": "text", "text": "text"}
_ATTRIBUTE = {"wording_sha256": "wording_id"}
# A member of an enumeration is text here; psycopg would write its name.
_DUMP: Mapping[str, Callable[[Any], Any]] = {
    "text": lambda value: None if value is None else str(value),
    "jsonb": json.dumps,
}
# Customers share 1,024 advisory locks, so that a batch can hold the lock of each of its customers: one each for a
# million customers would overflow PostgreSQL's lock table. 8026 keeps ours apart from everybody else's.
_LOCK = """
SELECT pg_advisory_xact_lock(8026, bucket)
FROM (SELECT DISTINCT hashtext(id) & 1023 AS bucket FROM unnest(%s::text[]) AS id ORDER BY bucket) AS in_order
"""
_LOCK_ALL = "SELECT pg_advisory_xact_lock(8026, bucket) FROM generate_series(0, 1023) AS bucket"


def lock_customers(customer_ids: Iterable[str]) -> None:
    """One writer a customer until the transaction ends; in one order everywhere, so that two batches never cross."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [sorted(customer_ids)])


def lock_everybody() -> None:
    """For several batches in one transaction: each in its own order, they would cross with others."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_ALL)


def write_events(news: Sequence[Change]) -> list[ConsentEvent]:
    """Append to the ledger, in order; the database chains them (`chain.py`). A wording is written once, by whoever shows it
    first."""
    shown = {change.id: _wording(change) for change in news if change.wording}
    _insert("consent_wordings", _WORDING, sorted(set(shown.values())), "ON CONFLICT DO NOTHING")
    events = [_event(change, shown.get(change.id, (None,))[0]) for change in news]
    rows = [[getattr(event, _ATTRIBUTE.get(name, name)) for name in _EVENT] for event in events]
    tail = "RETURNING recorded_at, place, prev_hash, hash"
    for event, made in zip(events, _insert("consent_events", _EVENT, rows, tail), strict=True):
        event.recorded_at, event.place, event.prev_hash, event.hash = made
    return events


def write_states(states: Mapping[Key, State]) -> None:
    """Make the projection say what stands."""
    rows = [
        [uuid.uuid4(), *key, state.enabled, state.granted_at, state.revoked_at, state.source, state.event_id]
        for key, state in states.items()
    ]
    _insert(
        "customer_consent",
        _STATE,
        rows,
        "ON CONFLICT (customer_id, channel, category) DO UPDATE SET enabled = excluded.enabled, "
        "granted_at = excluded.granted_at, revoked_at = excluded.revoked_at, source = excluded.source, "
        "event_id = excluded.event_id",
    )


def _wording(change: Change) -> tuple[str, str, str]:
    """Its key, language and text. Who shows a page in a language records in it too."""
    locale = change.locale or get_language() or "und"
    return hashlib.sha256(f"{locale}\n{change.wording}".encode()).hexdigest(), locale, change.wording


def _event(change: Change, wording: str | None) -> ConsentEvent:
    return ConsentEvent(
        id=change.id,
        customer_id=change.customer_id,
        channel=change.channel,
        category=change.category,
        action=change.action or ("granted" if change.enabled else "revoked"),
        source=change.source,
        actor=change.actor,
        wording_id=wording,
        evidence=without_addresses(change.evidence),
        occurred_at=change.at,
    )


def _insert(
    table: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]], tail: str
) -> list[tuple[Any, ...]]:
    if not rows:
        return []
    kinds = list(columns.values())
    arrays = [
        [_DUMP[kind](value) for value in values] if kind in _DUMP else list(values)
        for kind, values in zip(kinds, zip(*rows, strict=True), strict=True)
    ]
    slots = ", ".join(f"%s::{kind}[]" for kind in kinds)
    sql = f"INSERT INTO {table} ({', '.join(columns)}) SELECT * FROM unnest({slots}) {tail}"  # noqa: S608 (our own names)
    with connection.cursor() as cursor:
        cursor.execute(sql, arrays)
        return cursor.fetchall() if cursor.description else []
