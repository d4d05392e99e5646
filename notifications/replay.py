"""Try again, or send again: in, ids, who and why; out, how many went and why the others did not.

A failed row is queued again as it is. A sent or withheld one is never touched: «send again» makes a new row that names
its parent, and that row passes every gate anew.
"""

import datetime as dt
import uuid
from collections.abc import Sequence

from notifications.acted import CAP, OLD, REMEMBER, Acted, By, change
from notifications.kick import kick_on_commit

__all__ = ["CAP", "replay", "send_again"]

REQUEUE = f"""
{OLD.format(guard="q.status = 'failed' AND (q.expires_at IS NULL OR q.expires_at > %(now)s)")}
UPDATE notification_queue AS q
SET status = 'queued', attempts = 0, error = NULL, scheduled_at = %(now)s,
    metadata = (q.metadata - '{{outcome_unknown,released}}'::text[]) || {REMEMBER}
FROM old WHERE q.id = old.id
RETURNING q.id, q.id, jsonb_build_object(
    'scheduled_at', old.scheduled_at, 'attempts', old.attempts, 'error', old.error, 'metadata', jsonb_strip_nulls(
        jsonb_build_object('outcome_unknown', old.metadata->'outcome_unknown', 'released', old.metadata->'released')))
"""  # noqa: S608 (constants)
AGAIN = """
INSERT INTO notification_queue (
    id, channel, "to", recipient_key, template_id, template_version, subject, payload, metadata, category, priority,
    scheduled_at, expires_at, parent_id, idempotency_key, status)
SELECT gen_random_uuid(), channel, "to", recipient_key, template_id, template_version, subject, payload,
    (metadata - %(state)s::text[]) || jsonb_build_object('history', %(entry)s::jsonb), category, priority,
    %(now)s, NULL, id, %(once)s::text || ':' || id, 'queued'
FROM notification_queue
WHERE id = ANY(%(ids)s) AND status IN ('sent', 'cancelled')
  AND NOT EXISTS (SELECT 1 FROM notification_history AS h
                  WHERE h.channel = notification_queue.channel AND h.idempotency_key = %(once)s::text || ':' || notification_queue.id)
ON CONFLICT (channel, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
RETURNING id, parent_id, jsonb_build_object('child', id)
"""
# Facts about the parent's own sending, which the child starts without.
STATE = [
    "sent_at", "sent_decision", "provider_reference", "withheld", "decision", "held", "history", "push_accepted",
    "released", "outcome_unknown",
]  # fmt: skip


def replay(
    ids: Sequence[uuid.UUID],
    *,
    by: str,
    reason: str,
    now: dt.datetime | None = None,
    dry_run: bool = False,
    act: uuid.UUID | None = None,
) -> Acted:
    """Queue failed notifications again. `by` is `staff:<id>` or `command`; the reason is kept on each row."""
    who = By(by, reason, now, dry_run, act)
    acted = change(REQUEUE, ids, who, what="replayed", takes=("failed",), otherwise="expired", arguments={})
    if acted.done and not dry_run:
        kick_on_commit()
    return acted


def send_again(
    ids: Sequence[uuid.UUID],
    *,
    by: str,
    reason: str,
    once: str | None = None,
    now: dt.datetime | None = None,
    dry_run: bool = False,
    act: uuid.UUID | None = None,
) -> Acted:
    """Make a new notification of each sent or withheld one. It does not expire.

    The parent stays as it is, so nothing but `once` tells a second click from a second wish: a call with the same
    `once` makes nothing more. It becomes the beginning of the idempotency keys; without it there are none.
    """
    who = By(by, reason, now, dry_run, act)
    given = {"state": STATE, "once": once}
    takes = ("sent", "cancelled")
    acted = change(AGAIN, ids, who, what="sent_again", takes=takes, otherwise="again", arguments=given)
    if acted.done and not dry_run:
        kick_on_commit()
    return acted
