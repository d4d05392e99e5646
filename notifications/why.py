"""What allowed or withheld a message, and what that rests on: in, a notification; out, the gate's answers, oldest first.

The one answer to «why?»: the story, the admin's page, the API and `explain_notification` all show this.
"""

import datetime as dt
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from consent.models import ConsentEvent, Suppression
from notifications.models import Notification

# In metadata, in the order of a message's life, and what each says.
KINDS = {"decision": "allowed", "held": "held", "withheld": "withheld", "sent_decision": "allowed"}


@dataclass(frozen=True, slots=True)
class Consented:
    """The event of the ledger that decided, and the exact wording that the person read then (empty where none is kept)."""

    event_id: uuid.UUID
    action: str
    occurred_at: dt.datetime
    source: str
    actor: str
    place: int
    hash: str
    wording: str
    wording_locale: str
    wording_sha256: str


@dataclass(frozen=True, slots=True)
class Suppressed:
    """The suppression that stopped it, and the provider's report that asked for it, if one did. The address is not in it."""

    suppression_id: uuid.UUID
    reason: str
    scope: str
    created_at: dt.datetime
    lifted_at: dt.datetime | None
    source_event: int | None = None


@dataclass(frozen=True, slots=True)
class GateAnswer:
    """One answer. `answer` is allowed, held or withheld; `stage` is enqueue, delivery or operator.

    `consent` is None where no event decided: none is needed, or the customer never said anything; also at enqueue where
    consent was presumed (docs/decisions/0010): the answer at delivery names the event.
    """

    at: dt.datetime
    stage: str
    answer: str
    rule: str
    reason: str
    consent: Consented | None = None
    suppression: Suppressed | None = None


def why(row: Notification) -> list[GateAnswer]:
    """Every answer of the gates that the row keeps: the first, the last hold, the refusal, the one it was sent by.

    A query for the events and one for the suppressions, where any are named."""
    entries = list(_entries(row))
    events = _events([entry["consent_event"] for _, entry in entries if "consent_event" in entry])
    suppressions = _suppressions([entry["suppression"] for _, entry in entries if "suppression" in entry])
    answers = [
        GateAnswer(
            at=dt.datetime.fromisoformat(entry["at"]),
            stage=entry["stage"],
            answer=KINDS[name],
            rule=entry["rule"],
            reason=entry["reason"],
            consent=events.get(entry.get("consent_event", "")),
            suppression=suppressions.get(entry.get("suppression", "")),
        )
        for name, entry in entries
    ]
    return sorted(answers, key=lambda answer: answer.at)


def _entries(row: Notification) -> Iterator[tuple[str, dict[str, Any]]]:
    return ((name, row.metadata[name]) for name in KINDS if name in row.metadata)


def _events(ids: list[str]) -> dict[str, Consented]:
    found = ConsentEvent.objects.select_related("wording").filter(pk__in=ids) if ids else ()
    return {
        str(event.pk): Consented(
            event_id=event.pk,
            action=event.action,
            occurred_at=event.occurred_at,
            source=event.source,
            actor=event.actor,
            place=event.place,
            hash=event.hash,
            wording=event.wording.text if event.wording else "",
            wording_locale=event.wording.locale if event.wording else "",
            wording_sha256=event.wording_id or "",
        )
        for event in found
    }


def _suppressions(ids: list[str]) -> dict[str, Suppressed]:
    found = Suppression.objects.filter(pk__in=ids) if ids else ()
    return {
        str(s.pk): Suppressed(s.pk, s.reason, s.scope, s.created_at, s.lifted_at, s.source_event)
        for s in found
    }
