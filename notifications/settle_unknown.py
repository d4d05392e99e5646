"""A person found out what no answer told: in, ids and whether they were sent; out, how many are settled and why others are not.

Only failed messages with `outcome_unknown` are in doubt. A provider's report settles one by itself (webhooks/onto_messages.py);
whichever comes first stands.
"""

import datetime as dt
import uuid
from collections.abc import Sequence

from django.db import transaction

from notifications.acted import OLD, REMEMBER, Acted, By, change
from notifications.replay import replay

_IN_DOUBT = OLD.format(guard="q.status = 'failed' AND q.metadata @> '{\"outcome_unknown\": true}'")
# It was sent when it was tried, as far as anybody knows.
WAS_SENT = f"""
{_IN_DOUBT}
UPDATE notification_queue AS q
SET status = 'sent', error = NULL, metadata = (q.metadata - 'outcome_unknown')
    || jsonb_build_object('sent_at', COALESCE(q.last_attempt_at, %(now)s)) || {REMEMBER}
FROM old WHERE q.id = old.id
RETURNING q.id, q.id, jsonb_build_object('error', old.error)
"""  # noqa: S608 (constants)
WAS_NOT = f"""
{_IN_DOUBT}
UPDATE notification_queue AS q SET metadata = (q.metadata - 'outcome_unknown') || {REMEMBER}
FROM old WHERE q.id = old.id
RETURNING q.id, q.id, '{{}}'::jsonb
"""  # noqa: S608 (constants)


def settle_unknown(
    ids: Sequence[uuid.UUID],
    *,
    was_sent: bool,
    by: str,
    reason: str,
    then_replay: bool = False,
    now: dt.datetime | None = None,
    dry_run: bool = False,
    act: uuid.UUID | None = None,
) -> Acted:
    """Say of messages whose answer was lost that they were sent, or that they were not. The latter stay failed, with no doubt
    left, and may be replayed in the same step: those that have expired are not."""
    who = By(by, reason, now, dry_run, act)
    what = "settled_as_sent" if was_sent else "settled_as_not_sent"
    sql = WAS_SENT if was_sent else WAS_NOT
    with transaction.atomic():
        acted = change(sql, ids, who, what=what, takes=("failed",), otherwise="known", arguments={})
        if then_replay and not was_sent and not dry_run:
            replay(acted.done, by=by, reason=reason, now=now, act=act)
    return acted
