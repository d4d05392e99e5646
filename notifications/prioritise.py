"""Let it pass others, or wait for them: in, ids and a priority; out, how many have it now and why the others do not."""

import datetime as dt
import uuid
from collections.abc import Sequence

from notifications.acted import OLD, REMEMBER, Acted, By, change
from notifications.models import Priority

PRIORITISE = f"""
{OLD.format(guard="q.status = 'queued' AND q.priority <> %(priority)s")}
UPDATE notification_queue AS q SET priority = %(priority)s, metadata = q.metadata || {REMEMBER}
FROM old WHERE q.id = old.id
RETURNING q.id, q.id, jsonb_build_object('priority', old.priority)
"""  # noqa: S608 (constants)


def prioritise(
    ids: Sequence[uuid.UUID],
    *,
    priority: int,
    by: str,
    reason: str,
    now: dt.datetime | None = None,
    dry_run: bool = False,
    act: uuid.UUID | None = None,
) -> Acted:
    """Give queued notifications a priority, 0 (urgent) to 3 (low). Raises ValueError for another number."""
    given = {"priority": Priority(priority).value}
    who = By(by, reason, now, dry_run, act)
    return change(
        PRIORITISE, ids, who, what="prioritised", takes=("queued",), otherwise="same", arguments=given
    )
