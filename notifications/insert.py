"""Write drafts into the queue: in, drafts with their decisions; out, receipts. One INSERT for the batch.

A key that is there already, whatever became of its row, inserts nothing: uniqueness is the constraint
`notification_queue_once`, so two callers at once cannot both pass; a row that has moved to the history is found there.
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from consent.gate import Subject
from consent.policy import Decision
from consent.prepared import prepared_cursor
from consent.presume import Presumed, objection_arguments, objections
from notifications.candidate import Held
from notifications.decision import entry
from notifications.drafts import Draft
from notifications.kick import IS_AWAKE
from notifications.measure import note_withheld
from notifications.message import EnqueueResult, Receipt
from notifications.verdict import held_entry
from templates_app.lookup import Published

# One JSON text instead of fifteen arrays: Python writes it, and the driver quotes it, in a fraction of the time.
# Nothing at all is inserted when a template is not in force any more as it was remembered, or when somebody objects to
# what was presumed. The history is asked row by row, through notification_history_once: as a join the planner might read all
# of it. With each row comes whether a drain is awake, which saves the question after the commit.
INSERT = """
WITH changed AS MATERIALIZED (
    SELECT 1 FROM {used} AS used(id, version, name, category)
    WHERE NOT EXISTS (
        SELECT 1 FROM notification_templates AS t
        WHERE t.id = used.id AND t.published_version_id = used.version AND t.name = used.name
          AND t.category = used.category AND t.archived_at IS NULL))
INSERT INTO notification_queue (
    id, channel, "to", recipient_key, template_id, template_version, subject, payload, metadata, category,
    priority, scheduled_at, expires_at, idempotency_key, status)
SELECT * FROM json_to_recordset(%s) AS new(
    id uuid, channel text, "to" jsonb, recipient_key text, template_id uuid, template_version uuid, subject text,
    payload jsonb, metadata jsonb, category text, priority smallint, scheduled_at timestamptz, expires_at timestamptz,
    idempotency_key text, status text)
WHERE NOT EXISTS (SELECT 1 FROM changed) {unless}
  AND (SELECT h.id FROM notification_history AS h
       WHERE h.channel = new.channel AND h.idempotency_key = new.idempotency_key LIMIT 1) IS NULL
ON CONFLICT (channel, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
RETURNING id, {is_awake}
"""
USED = "(%s::uuid, %s::uuid, %s::text, %s::text)"
NONE_USED = "(SELECT NULL::uuid, NULL::uuid, NULL, NULL WHERE false)"
EXISTING = """
SELECT q.channel, q.idempotency_key, q.id, q.recipient_key
FROM unnest(%s::text[], %s::text[]) AS asked(channel, idempotency_key)
JOIN notification_queue AS q USING (channel, idempotency_key)
UNION ALL
SELECT h.channel, h.idempotency_key, h.id, NULL
FROM unnest(%s::text[], %s::text[]) AS asked(channel, idempotency_key)
JOIN notification_history AS h USING (channel, idempotency_key)
"""


class StaleTemplateError(Exception):
    """A template was published, archived or changed since this process remembered it. Nothing was inserted."""


class PresumedTooMuchError(Exception):
    """Somebody may have objected to what was presumed, or a template is stale. Nothing was inserted."""


@dataclass(frozen=True, slots=True)
class Inserted:
    """What became of the drafts, and whether a drain was awake then (False where nothing was new)."""

    result: EnqueueResult
    is_awake: bool = False


def insert(drafts: Sequence[Draft], decisions: Sequence[Decision], *, now: dt.datetime) -> Inserted:
    """Insert what is new; answer what was queued, what existed already and what is withheld. Raises StaleTemplateError,
    and PresumedTooMuchError where decisions are Presumed."""
    if not drafts:
        return Inserted(EnqueueResult())
    used = {draft.template.version_id: draft.template for draft in drafts if draft.template}
    rows = [_row(draft, decision, now) for draft, decision in zip(drafts, decisions, strict=True)]
    presumed = [subject for decision in decisions if (subject := _presumed(decision))]
    asked: list[Any] = [value for template in used.values() for value in _template(template)]
    asked += [json.dumps(rows, separators=(",", ":")), *objection_arguments(presumed, now=now)]
    with prepared_cursor() as cursor:
        cursor.execute(statement(templates=len(used), presumed=len(presumed)), asked)
        new = dict(cursor.fetchall())
    old = [draft for draft in drafts if draft.id not in new]
    existing = _existing(old)
    if not new and {(r.channel, r.idempotency_key) for r in existing} != {
        (d.channel, d.idempotency_key) for d in old
    }:
        raise PresumedTooMuchError if presumed else StaleTemplateError
    receipts = [
        _receipt(draft, decision)
        for draft, decision in zip(drafts, decisions, strict=True)
        if draft.id in new
    ]
    result = EnqueueResult(
        queued=tuple(receipt for receipt in receipts if not receipt.rule),
        existing=existing,
        withheld=tuple(receipt for receipt in receipts if receipt.rule),
    )
    note_withheld(result.withheld)
    return Inserted(result, any(new.values()))


def _presumed(decision: Decision) -> Subject | None:
    """Whom to ask about in passing; also behind a hold."""
    passed = decision.passed if isinstance(decision, Held) else decision
    return passed.subject if isinstance(passed, Presumed) else None


@lru_cache
def statement(*, templates: int, presumed: int) -> str:
    """INSERT for so many templates in use, and so many subjects whose decision was presumed."""
    return INSERT.format(
        used=f"(VALUES {', '.join([USED] * templates)})" if templates else NONE_USED,
        unless=f"AND NOT EXISTS ({objections(presumed)})" if presumed else "",
        is_awake=IS_AWAKE,
    )


def _template(template: Published) -> tuple[Any, ...]:
    return template.template_id, template.version_id, template.name, template.category


def _row(draft: Draft, decision: Decision, now: dt.datetime) -> dict[str, Any]:
    """A row as JSON; what is missing is NULL."""
    row: dict[str, Any] = {
        "id": str(draft.id),
        "channel": draft.channel,
        "to": draft.to,
        "recipient_key": draft.recipient_key,
        "payload": draft.payload,
        "metadata": _metadata(draft.metadata, decision, now),
        "category": draft.category,
        "priority": draft.priority,
        "scheduled_at": (decision.until if isinstance(decision, Held) else draft.scheduled_at).isoformat(),
        "idempotency_key": draft.idempotency_key,
        "status": "cancelled" if _refuses(decision) else "queued",
    }
    if draft.template:
        row["template_id"], row["template_version"] = (
            str(draft.template.template_id),
            str(draft.template.version_id),
        )
    if draft.subject is not None:
        row["subject"] = draft.subject
    if draft.expires_at is not None:
        row["expires_at"] = draft.expires_at.isoformat()
    return row


def _metadata(metadata: Mapping[str, Any], decision: Decision, now: dt.datetime) -> dict[str, Any]:
    if isinstance(decision, Held):
        passed = _metadata(metadata, decision.passed, now) if decision.passed else metadata
        return {**passed, "held": held_entry(decision, stage="enqueue", now=now)}
    kept = entry(decision, stage="enqueue", now=now)
    return {**metadata, "decision" if decision.allowed else "withheld": kept}


def _refuses(decision: Decision) -> bool:
    return not decision.allowed and not isinstance(decision, Held)


def _receipt(draft: Draft, decision: Decision) -> Receipt:
    refused = _refuses(decision)
    return Receipt(
        id=draft.id,
        channel=draft.channel,
        recipient_key=draft.recipient_key,
        idempotency_key=draft.idempotency_key,
        rule=decision.rule if refused else "",
        reason=decision.reason if refused else "",
        held_until=decision.until if isinstance(decision, Held) else None,
    )


def _existing(drafts: Sequence[Draft]) -> tuple[Receipt, ...]:
    if all(draft.idempotency_key is None for draft in drafts):
        return ()
    asked: list[Any] = [[draft.channel for draft in drafts], [draft.idempotency_key for draft in drafts]]
    with prepared_cursor() as cursor:
        cursor.execute(EXISTING, [*asked, *asked])
        rows = cursor.fetchall()
    # The history no longer knows whose it was. What is being moved is in both, and the queue comes first.
    whose = {(draft.channel, draft.idempotency_key): draft.recipient_key for draft in drafts}
    found = {(channel, key): (id_, who or whose[channel, key]) for channel, key, id_, who in reversed(rows)}
    return tuple(
        Receipt(id=id_, channel=channel, recipient_key=who, idempotency_key=key)
        for (channel, key), (id_, who) in found.items()
    )
