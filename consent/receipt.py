"""What stands, and by what: in, a customer; out, a receipt that they may keep, with every event and the hash their chain ends with.

A hash that was handed out tells later whether the ledger was rewritten, whoever could have done it.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils import translation

from consent import wording
from consent.chain import faults, head
from consent.ledger import CHANNELS, State
from consent.models import ConsentEvent, ConsentWording
from consent.policy import OPTIONAL, Category, permits
from consent.preferences import current


class NothingOnRecordError(LookupError):
    """The ledger has no event of this customer."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One event: what was decided, when, from where, by whom, and the exact text that they read."""

    place: int
    id: uuid.UUID
    action: str
    action_name: str
    channel: str
    category: str
    kind: str
    source: str
    source_name: str
    actor: str
    occurred_at: dt.datetime
    recorded_at: dt.datetime
    wording: str
    wording_locale: str
    wording_sha256: str
    prev_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class Standing:
    """One kind of message on one channel. `decided_by` None: nothing was ever said, so the rule of the category holds."""

    channel: str
    category: str
    kind: str
    is_on: bool
    decided_by: Entry | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """All of one customer. `fault` says where the chain does not hold; empty where it does."""

    customer_id: str
    company: str
    at: dt.datetime
    locale: str
    standing: Sequence[Standing]
    events: Sequence[Entry]
    length: int
    head: str
    fault: str


def receipt(customer_id: str, *, at: dt.datetime, locale: str) -> Receipt:
    """In the language `locale`. A constant number of queries. Raises NothingOnRecordError."""
    end = head(customer_id)
    rows = ConsentEvent.objects.select_related("wording").filter(customer_id=customer_id).order_by("place")
    with translation.override(locale):
        events = [_entry(row) for row in rows]
        if end is None and not events:
            raise NothingOnRecordError(customer_id)
        by_id = {event.id: event for event in events}
        said = current(customer_id)
        broken = faults([customer_id])
        return Receipt(
            customer_id=customer_id,
            company=wording.company(),
            at=at,
            locale=locale,
            standing=[
                _standing(channel, category, said.get((channel, category.value)), by_id)
                for category in Category
                if category in OPTIONAL
                for channel in CHANNELS
            ],
            events=events,
            length=end.length if end else 0,
            head=end.head if end else "",
            fault=str(broken[0]) if broken else "",
        )


def as_text(found: Receipt) -> str:
    """To print, in its language."""
    with translation.override(found.locale):
        return render_to_string("consent/receipt.txt", {"receipt": found})


def _standing(
    channel: str, category: Category, state: State | None, events: dict[uuid.UUID, Entry]
) -> Standing:
    return Standing(
        channel=channel,
        category=category.value,
        kind=wording.kind(channel=channel, category=category.value),
        is_on=permits(category=category, enabled=state.enabled if state else None),
        decided_by=events.get(state.event_id) if state and state.event_id else None,
    )


def _entry(row: ConsentEvent) -> Entry:
    shown = row.wording or ConsentWording(sha256="", locale="", text="")
    return Entry(
        place=row.place,
        id=row.pk,
        action=row.action,
        action_name=row.get_action_display(),
        channel=row.channel,
        category=row.category,
        kind=wording.kind(channel=row.channel, category=row.category),
        source=row.source,
        source_name=row.get_source_display(),
        actor=row.actor,
        occurred_at=row.occurred_at,
        recorded_at=row.recorded_at,
        wording=shown.text,
        wording_locale=shown.locale,
        wording_sha256=shown.sha256,
        prev_hash=row.prev_hash,
        hash=row.hash,
    )
