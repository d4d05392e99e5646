"""All that we hold of a customer: in, their id; out, one JSON document in pieces, and a row that says it was made.

Messages with the text made anew, payloads opened, attempts and reports; consents with their ledger; suppressions by the hashes of
their addresses; inbox; browsers without keys; links. A piece at a time: a person may have got thousands of messages.
"""

import datetime as dt
import hashlib
import json
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from django.db.models import Model, QuerySet
from uuid_utils.compat import uuid7

from consent.models import ConsentEvent, CustomerConsent, Suppression, UnsubscribeToken
from consent.sealed import SealError
from notifications.history import of_recipient
from notifications.models import (
    DataRequest,
    InboundText,
    InboxItem,
    Notification,
    NotificationHistory,
    ProviderEvent,
    PushSubscription,
)
from notifications.privacy.erase import NobodyError
from notifications.privacy.person import person
from notifications.privacy.receipts import checked_reason, write_receipt
from notifications.rendered_again import rendered_now, sensitive_names
from notifications.sealed_payload import open_payload

FORMAT = "postroom customer export 1"
PAGE = 200


class Export:
    """One export. Iterate to get the pieces of the document; at its end `receipt` is the row about it, under `id`. Who hands
    out pieces before the end writes down first that they do: a reader may leave before the last."""

    receipt: DataRequest | None

    def __init__(self, customer_id: str, *, by: str, reason: str, now: dt.datetime) -> None:
        """Raises ReasonError, and NobodyError for an id that nothing is known of, before anything is written."""
        self.reason = checked_reason(reason)
        self.who, self.by, self.now = person(customer_id), by, now
        self.id, self.receipt = uuid7(), None
        if self.who.contact is None and not any(rows.exists() for rows in self._kept()):
            raise NobodyError(f"There is no customer {customer_id}, and nothing is kept of one.")

    def __iter__(self) -> Iterator[str]:
        counts: Counter[str] = Counter()
        digest = hashlib.sha256()
        for piece in self._document(counts):
            digest.update(piece.encode())
            yield piece
        self.receipt = write_receipt(
            kind=DataRequest.Kind.EXPORT,
            customer_id=self.who.id,
            by=self.by,
            reason=self.reason,
            at=self.now,
            counts=counts,
            sha256=digest.hexdigest(),
            pk=self.id,
        )

    def _document(self, counts: Counter[str]) -> Iterator[str]:
        head = {
            "format": FORMAT,
            "customer_id": self.who.id,
            "made_at": self.now.isoformat(),
            "contact": asdict(self.who.contact) if self.who.contact else None,
        }
        yield _json(head)[:-1]
        for name, items in self._sections():
            yield f',"{name}":['
            for number, item in enumerate(items):
                counts[name] += 1
                yield f"{',' if number else ''}{_json(item)}"
            yield "]"
        yield "}\n"

    def _sections(self) -> Iterator[tuple[str, Iterable[Any]]]:
        messages, texts, consents, ledger, suppressions, inbox, browsers, links, requests = self._kept()
        yield "messages", (_message(row) for row in _each(messages))
        yield "past_messages", (_past(row) for key in self.who.recipient_keys for row in of_recipient(key))
        yield "texts", map(_text, _each(texts))
        yield "consents", map(_fields, _each(consents))
        yield "ledger", map(_event, _each(ledger))
        yield "suppressions", map(_fields, _each(suppressions))
        yield "inbox", map(_fields, _each(inbox))
        yield "push_subscriptions", (_without(row, "sealed", "endpoint_sha256") for row in _each(browsers))
        yield "unsubscribe_links", (_without(row, "token_sha256") for row in _each(links))
        yield "requests", map(_fields, _each(requests))

    def _kept(self) -> tuple[QuerySet[Any], ...]:
        who = self.who
        messages = Notification.objects.filter(recipient_key__in=who.recipient_keys)
        return (
            messages.select_related("template", "template_version").order_by("created_at", "id"),
            InboundText.objects.filter(
                event_type=ProviderEvent.Type.INBOUND, address_hmac__in=[index for _, index in who.indexes]
            ).order_by("id"),
            CustomerConsent.objects.filter(customer_id=who.id).order_by("channel", "category"),
            ConsentEvent.objects.select_related("wording").filter(customer_id=who.id).order_by("place"),
            Suppression.objects.filter(address_hmac__in=[index for _, index in who.indexes]).order_by(
                "created_at"
            ),
            InboxItem.objects.filter(user_id=who.key).order_by("created_at"),
            PushSubscription.objects.filter(recipient_key=who.key).order_by("created_at"),
            UnsubscribeToken.objects.filter(customer_id=who.id).order_by("created_at"),
            DataRequest.objects.filter(customer_id=who.id).order_by("made_at"),
        )


def _message(row: Notification) -> dict[str, Any]:
    shown = rendered_now(row, masking=False)
    try:
        payload: Any = open_payload(row.payload, sensitive_names(row))
    except SealError as error:
        payload = str(error)
    return {
        **_without(row, "to", "payload", "lease_token", "lease_until", "dispatched_at", "template_version"),
        "template": row.template.name if row.template else None,
        "payload": payload,
        "text": dict(shown.parts) or shown.problem,
        "attempts": [_without(attempt, "notification") for attempt in row.delivery_attempts.all()],
        "reports": _reports(row.pk),
    }


def _past(row: NotificationHistory) -> dict[str, Any]:
    return {**_without(row, "recipient_index"), "reports": _reports(row.pk)}


def _reports(message: uuid.UUID) -> list[dict[str, Any]]:
    events = ProviderEvent.objects.filter(notification_id=message).order_by("id")
    return [_without(event, "address_hmac") for event in events]


def _event(row: ConsentEvent) -> dict[str, Any]:
    """With the words that they read then."""
    shown = row.wording
    return {**_fields(row), "wording": {"locale": shown.locale, "text": shown.text} if shown else None}


def _text(row: InboundText) -> dict[str, Any]:
    """What they texted us."""
    try:
        words = row.opened().text if row.sealed_text else row.keyword
    except SealError as error:
        words = str(error)
    return {"received_at": row.received_at, "taken_for": row.outcome, "text": words}


def _each(rows: QuerySet[Any]) -> Iterator[Any]:
    return rows.iterator(chunk_size=PAGE)


def _fields(row: Model) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}  # noqa: SLF001 (documented API)


def _without(row: Model, *names: str) -> dict[str, Any]:
    return {
        name: value
        for name, value in _fields(row).items()
        if name.removesuffix("_id") not in names and name not in names
    }


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str, separators=(",", ":"))
