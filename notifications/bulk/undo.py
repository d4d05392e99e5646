"""Take an act back: in, what its messages were before; out, those that are so again.

Only those that still are as the act left them: the last entry of their history is the act's own, nobody has tried to send
them since, them or a new one in their place, and they have not expired. Whatever happened to the others since stands.
"""

import json
import uuid
from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from notifications.acted import REMEMBER, Acted, By, change
from notifications.cancel import withheld
from notifications.kick import kick_on_commit
from notifications.models import BulkAct

_TEMPLATE = """
WITH old AS MATERIALIZED (
    SELECT q.id, w.was
    FROM unnest(%(ids)s::uuid[]) AS wanted(id) JOIN notification_queue AS q ON q.id = wanted.id
    CROSS JOIN LATERAL (SELECT %(befores)s::jsonb -> q.id::text AS was) AS w
    WHERE q.metadata -> 'history' -> -1 ->> 'act' = %(undone)s AND {guard}
    ORDER BY q.id FOR NO KEY UPDATE OF q
)
UPDATE notification_queue AS q SET {change} || {remember} FROM old WHERE q.id = old.id
RETURNING q.id, q.id, '{{}}'::jsonb
"""
_ALIVE = "(q.expires_at IS NULL OR q.expires_at > GREATEST(%(now)s, {}))"
# Somebody has sent it again since: queued beside that new one, its recipient would get it twice.
_NOT_REPEATED = """NOT EXISTS (SELECT 1 FROM notification_queue AS again
    WHERE again.parent_id = q.id AND again.status <> 'cancelled')"""
_WAS_DUE = "(w.was->>'scheduled_at')::timestamptz"


def _sql(guard: str, change: str) -> str:
    return _TEMPLATE.format(guard=guard, change=change, remember=REMEMBER)


# By act: the status that it left them in, and the statement.
UNDO: Mapping[str, tuple[str, str]] = {
    # Back to what they were: failed, with the same error, and the same doubt.
    BulkAct.Kind.REPLAY: (
        "queued",
        _sql(
            "q.status = 'queued' AND q.attempts = 0",
            """status = 'failed', attempts = (old.was->>'attempts')::int, error = old.was->>'error',
            scheduled_at = (old.was->>'scheduled_at')::timestamptz, metadata = q.metadata || (old.was->'metadata')""",
        ),
    ),
    # The new ones are withheld; those that they repeat were never touched.
    BulkAct.Kind.SEND_AGAIN: (
        "queued",
        _sql(
            "q.status = 'queued' AND q.attempts = 0",
            "status = 'cancelled', metadata = q.metadata || jsonb_build_object('withheld', %(withheld)s::jsonb)",
        ),
    ),
    BulkAct.Kind.CANCEL: (
        "cancelled",
        _sql(
            f"""q.status = 'cancelled' AND q.metadata->'withheld'->>'stage' = 'operator' AND NOT q."to" ? 'erased'
            AND {_ALIVE.format("q.scheduled_at")} AND {_NOT_REPEATED}""",
            "status = 'queued', metadata = (q.metadata - 'withheld')",
        ),
    ),
    BulkAct.Kind.RESCHEDULE: (
        "queued",
        _sql(
            f"q.status = 'queued' AND q.attempts = (w.was->>'attempts')::int AND {_ALIVE.format(_WAS_DUE)}",
            "scheduled_at = (old.was->>'scheduled_at')::timestamptz, metadata = q.metadata",
        ),
    ),
    BulkAct.Kind.PRIORITISE: (
        "queued",
        _sql("q.status = 'queued'", "priority = (old.was->>'priority')::int, metadata = q.metadata"),
    ),
}

# What may be due at once when it is taken back.
_MAY_BE_DUE = frozenset({BulkAct.Kind.CANCEL.value, BulkAct.Kind.RESCHEDULE.value})


def undo(undone: BulkAct, befores: Mapping[uuid.UUID, Mapping[str, Any]], who: By) -> Acted:
    """Take `undone` back on these messages, which it was about. `done` and `left` name them, for «send again» too."""
    left_as, sql = UNDO[undone.act]
    # The message to change: its child, where one was made.
    target = {
        uuid.UUID(was["child"]) if "child" in was else chosen: chosen for chosen, was in befores.items()
    }
    known = {str(changed): befores[chosen] for changed, chosen in target.items()}
    moment = who.now or timezone.now()
    given = {
        "befores": json.dumps(known),
        "undone": str(undone.pk),
        "withheld": json.dumps(withheld(who)),
    }
    acted = change(
        sql, list(target), By(who.by, who.reason, moment, who.dry_run, who.act),
        what="undone", takes=(left_as,), otherwise="changed", arguments=given,
    )  # fmt: skip
    if acted.done and undone.act in _MAY_BE_DUE and not who.dry_run:
        kick_on_commit()
    return Acted(
        tuple(target[changed] for changed in acted.done),
        {target[changed]: why for changed, why in acted.left.items()},
        {target[changed]: was for changed, was in acted.before.items()},
    )
