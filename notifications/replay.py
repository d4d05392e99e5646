"""Try again, or send again: in, ids, who and why; out, how many went and why the others did not.

A failed row is queued again as it is. A sent or withheld one is never touched: «send again» makes a new row that names
its parent, and that row passes every gate anew.
"""

import datetime as dt
import json
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db import connection, transaction
from django.utils import timezone

from notifications.claim import lock_records
from notifications.kick import kick_on_commit
from notifications.models import Notification, NotificationHistory

# What one call may touch; larger sets go in several calls, so that no transaction holds thousands of rows.
CAP = 1000

# Joined to the ids, so that it reads these rows alone: with `id = ANY(…)` the planner may add an index over all failed ones.
REQUEUE = """
UPDATE notification_queue AS q
SET status = 'queued', attempts = 0, error = NULL, scheduled_at = %(now)s,
    metadata = (metadata - '{outcome_unknown,released}'::text[]) || jsonb_build_object(
        'history', COALESCE(metadata->'history', '[]') || %(entry)s::jsonb)
FROM unnest(%(ids)s::uuid[]) AS wanted(id)
WHERE q.id = wanted.id AND q.status = 'failed' AND (q.expires_at IS NULL OR q.expires_at > %(now)s)
RETURNING q.id
"""
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
RETURNING id, parent_id
"""
# Facts about the parent's own sending, which the child starts without.
STATE = [
    "sent_at", "sent_decision", "provider_reference", "withheld", "decision", "held", "history", "push_accepted",
    "released", "outcome_unknown",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Replayed:
    """`done` holds the ids that are queued now (new ones for «send again»), `skipped` counts the rest by reason."""

    done: tuple[uuid.UUID, ...] = ()
    skipped: Mapping[str, int] = field(default_factory=dict)


def replay(
    ids: Sequence[uuid.UUID], *, by: str, reason: str, now: dt.datetime | None = None, dry_run: bool = False
) -> Replayed:
    """Queue failed notifications again. `by` is `staff:<id>` or `command`; the reason is kept on each row."""
    return _act(REQUEUE, "replayed", ids, by, reason, now, dry_run)


def send_again(
    ids: Sequence[uuid.UUID],
    *,
    by: str,
    reason: str,
    once: str | None = None,
    now: dt.datetime | None = None,
    dry_run: bool = False,
) -> Replayed:
    """Make a new notification of each sent or withheld one. It does not expire.

    The parent stays as it is, so nothing but `once` tells a second click from a second wish: a call with the same
    `once` makes nothing more. It becomes the beginning of the idempotency keys; without it there are none.
    """
    return _act(AGAIN, "sent_again", ids, by, reason, now, dry_run, once)


def _act(
    sql: str,
    what: str,
    ids: Sequence[uuid.UUID],
    by: str,
    reason: str,
    now: dt.datetime | None,
    dry_run: bool,
    once: str | None = None,
) -> Replayed:
    wanted = check_selection(ids, reason)
    moment = now or timezone.now()
    entry = history_entry(what, by, reason, moment)
    with transaction.atomic():
        free = lock_records(wanted)
        with connection.cursor() as cursor:
            cursor.execute(
                sql, {"ids": free, "now": moment, "entry": json.dumps([entry]), "state": STATE, "once": once}
            )
            rows = cursor.fetchall()
        touched = {row[-1] for row in rows}
        skipped = why_not(set(wanted) - touched, busy=set(wanted) - set(free), what=what)
        if dry_run:
            transaction.set_rollback(True)
        elif rows:
            kick_on_commit()
    return Replayed(tuple(row[0] for row in rows), skipped)


def check_selection(ids: Sequence[uuid.UUID], reason: str) -> list[uuid.UUID]:
    """The ids once each; ValueError where there is no reason or too many at once."""
    if not reason.strip():
        raise ValueError("Give a reason: it is kept with each notification.")
    wanted = list(dict.fromkeys(ids))
    if len(wanted) > CAP:
        raise ValueError(f"{len(wanted)} notifications at once; the limit is {CAP}. Go in several steps.")
    return wanted


def history_entry(what: str, by: str, reason: str, at: dt.datetime) -> dict[str, str]:
    return {"what": what, "by": by, "reason": reason.strip(), "at": at.isoformat()}


def why_not(left: set[uuid.UUID], *, busy: set[uuid.UUID], what: str) -> dict[str, int]:
    """Count what could not be touched, by a sentence that says why."""
    reasons: Counter[str] = Counter()
    rows = dict(Notification.objects.filter(id__in=left).values_list("id", "status"))
    past = dict(NotificationHistory.objects.filter(id__in=left - rows.keys()).values_list("id", "moved_at"))
    for id_ in left:
        status = rows.get(id_)
        if id_ in past:
            day = timezone.localdate(past[id_]).isoformat()
            reasons[f"too old: its recipient and its text are gone since {day}"] += 1
        elif status is None:
            reasons["no such notification"] += 1
        elif id_ in busy or status == "processing":
            reasons["a worker has it right now"] += 1
        elif what == "replayed" and status == "failed":
            reasons["it has expired"] += 1
        elif what == "sent_again" and status in ("sent", "cancelled"):
            reasons["it was sent again by the same request"] += 1
        else:
            reasons[f"it is {status}"] += 1
    return dict(reasons)
