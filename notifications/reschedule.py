"""Send it at another moment: in, ids and the moment; out, how many were moved and why the others were not."""

import datetime as dt
import uuid
from collections.abc import Sequence

from django.utils import timezone

from notifications.acted import OLD, REMEMBER, Acted, By, change
from notifications.kick import kick_on_commit

MOVE = f"""
{OLD.format(guard="q.status = 'queued' AND (q.expires_at IS NULL OR q.expires_at > %(to)s)")}
UPDATE notification_queue AS q SET scheduled_at = %(to)s, metadata = q.metadata || {REMEMBER}
FROM old WHERE q.id = old.id
RETURNING q.id, q.id, jsonb_build_object('scheduled_at', old.scheduled_at, 'attempts', old.attempts)
"""  # noqa: S608 (constants)


def reschedule(
    ids: Sequence[uuid.UUID],
    *,
    to: dt.datetime,
    by: str,
    reason: str,
    now: dt.datetime | None = None,
    dry_run: bool = False,
    act: uuid.UUID | None = None,
) -> Acted:
    """Let queued notifications wait until `to`; a moment in the past means now. What would expire before is left alone.

    The gates are asked anew when they are due: quiet hours may hold them for longer.
    """
    if timezone.is_naive(to):
        raise ValueError("The moment needs a time zone.")
    moment = now or timezone.now()
    who = By(by, reason, moment, dry_run, act)
    given = {"to": max(to, moment)}
    acted = change(
        MOVE, ids, who, what="rescheduled", takes=("queued",), otherwise="expires", arguments=given
    )
    if acted.done and to <= moment and not dry_run:
        kick_on_commit()
    return acted
