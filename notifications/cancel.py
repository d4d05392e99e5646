"""Stop what has not been sent: in, ids, who and why; out, how many were stopped and why the others were not."""

import datetime as dt
import json
import uuid
from collections.abc import Sequence

from django.db import connection, transaction
from django.utils import timezone

from notifications.claim import lock_records
from notifications.replay import Replayed, check_selection, history_entry, why_not

CANCEL = """
UPDATE notification_queue
SET status = 'cancelled', metadata = metadata || jsonb_build_object(
        'withheld', %(withheld)s::jsonb, 'history', COALESCE(metadata->'history', '[]') || %(entry)s::jsonb)
WHERE id = ANY(%(ids)s) AND status = 'queued'
RETURNING id
"""


def cancel(
    ids: Sequence[uuid.UUID], *, by: str, reason: str, now: dt.datetime | None = None, dry_run: bool = False
) -> Replayed:
    """Withhold queued notifications. What a worker holds or has sent cannot be stopped any more."""
    wanted = check_selection(ids, reason)
    moment = now or timezone.now()
    entry = history_entry("cancelled", by, reason, moment)
    withheld = {
        "stage": "operator",
        "rule": "cancelled",
        "reason": reason.strip(),
        "at": moment.isoformat(),
        "by": by,
    }
    with transaction.atomic():
        free = lock_records(wanted)
        with connection.cursor() as cursor:
            cursor.execute(
                CANCEL, {"ids": free, "withheld": json.dumps(withheld), "entry": json.dumps([entry])}
            )
            done = [row[0] for row in cursor.fetchall()]
        skipped = why_not(set(wanted) - set(done), busy=set(wanted) - set(free), what="cancelled")
        if dry_run:
            transaction.set_rollback(True)
    return Replayed(tuple(done), skipped)
