"""What is old enough to go: in, a moment and how many at most; out, ids of messages that were finished before it.

Oldest first, a batch at a time: who deletes the batch asks again, and no statement ever holds more than `limit` rows.
"""

import datetime as dt
import uuid

from django.db import connection

# One walk a state from the old end of notification_queue_status (status, scheduled_at), which every write pays for already:
# nothing is sent or given up before it was due. What was due before the moment and finished after it, in a queue that
# stood still, is passed over by the second line of conditions; a message stopped before it was due stays until then.
FINISHED = """
SELECT head.id
FROM (VALUES ('sent'), ('failed'), ('cancelled')) AS ended(status)
CROSS JOIN LATERAL (
    SELECT id, scheduled_at FROM notification_queue
    WHERE status = ended.status AND scheduled_at < %(moment)s
      AND created_at < %(moment)s AND (last_attempt_at IS NULL OR last_attempt_at < %(moment)s)
      AND (status <> 'cancelled' OR (metadata -> 'withheld' ->> 'at')::timestamptz < %(moment)s)
    ORDER BY scheduled_at LIMIT %(limit)s
) AS head
ORDER BY head.scheduled_at LIMIT %(limit)s
"""


def finished_before(moment: dt.datetime, limit: int) -> list[uuid.UUID]:
    """Up to `limit` messages that were sent, given up or withheld before that moment, those due first in front."""
    with connection.cursor() as cursor:
        cursor.execute(FINISHED, {"moment": moment, "limit": limit})
        return [row[0] for row in cursor.fetchall()]
