"""Stop what has not been sent: in, ids, who and why; out, how many were stopped and why the others were not."""

import datetime as dt
import json
import uuid
from collections.abc import Sequence

from django.utils import timezone

from notifications.acted import OLD, REMEMBER, Acted, By, change

CANCEL = f"""
{OLD.format(guard="q.status = 'queued'")}
UPDATE notification_queue AS q
SET status = 'cancelled', metadata = q.metadata || jsonb_build_object('withheld', %(withheld)s::jsonb) || {REMEMBER}
FROM old WHERE q.id = old.id
RETURNING q.id, q.id, '{{}}'::jsonb
"""  # noqa: S608 (constants)


def cancel(
    ids: Sequence[uuid.UUID],
    *,
    by: str,
    reason: str,
    now: dt.datetime | None = None,
    dry_run: bool = False,
    act: uuid.UUID | None = None,
) -> Acted:
    """Withhold queued notifications. What a worker holds or has sent cannot be stopped any more."""
    who = By(by, reason, now or timezone.now(), dry_run, act)
    given = {"withheld": json.dumps(withheld(who))}
    return change(CANCEL, ids, who, what="cancelled", takes=("queued",), otherwise="changed", arguments=given)


def withheld(who: By) -> dict[str, str]:
    """What a message says that a person stopped."""
    at = who.now or timezone.now()
    return {
        "stage": "operator",
        "rule": "cancelled",
        "reason": who.reason.strip(),
        "at": at.isoformat(),
        "by": who.by,
    }
