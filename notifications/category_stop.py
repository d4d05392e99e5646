"""A category that does not go out on a channel for now: in, who stops or resumes it and why; out, its row, and held messages.

Narrower than a channel's pause: receipts and codes go on. Only marketing can be stopped, since nobody waits for it.
"""

import datetime as dt
import uuid
from collections.abc import Sequence

from django.db import connection, transaction
from django.db.models.functions import Now

from consent.policy import Category, Decision
from notifications.candidate import Candidate, hold
from notifications.kick import kick_on_commit
from notifications.models import CategoryStop

RULE = "category_stopped"
STOPPABLE = frozenset({Category.MARKETING.value})
# How long a message waits before it asks again; whoever resumes the category brings it forward.
WAIT = dt.timedelta(hours=1)
# Those due in the hour after resuming come now; a literal state, for the index of what is due.
BRING_FORWARD = """
UPDATE notification_queue SET scheduled_at = clock_timestamp()
WHERE status = 'queued' AND channel = %s AND category = %s AND scheduled_at > clock_timestamp()
  AND metadata->'held'->>'rule' = %s
"""


def stop(*, channel: str, category: str, reason: str, by: str) -> CategoryStop:
    """Hold back a category on a channel until a person resumes it. Stopped already: that stop stands. Raises ValueError."""
    if category not in STOPPABLE:
        raise ValueError(f"Only {', '.join(sorted(STOPPABLE))} can be stopped, not “{category}”.")
    if not reason.strip():
        raise ValueError("A stop needs a reason.")
    asked = CategoryStop(channel=channel, category=category, reason=reason.strip(), stopped_by=by)
    CategoryStop.objects.bulk_create([asked], ignore_conflicts=True)
    return CategoryStop.objects.get(channel=channel, category=category, lifted_at__isnull=True)


def resume(*, channel: str, category: str, by: str, reason: str) -> int | None:
    """Let it go out again; answers how many messages were waiting, None where nothing was stopped. Raises ValueError."""
    if not reason.strip():
        raise ValueError("Resuming needs a reason.")
    with transaction.atomic():
        stopped = CategoryStop.objects.filter(channel=channel, category=category, lifted_at__isnull=True)
        if not stopped.update(lifted_at=Now(), lifted_by=by, lift_reason=reason.strip()):
            return None
        with connection.cursor() as cursor:
            cursor.execute(BRING_FORWARD, [channel, category, RULE])
            waiting = int(cursor.rowcount)
        kick_on_commit()
    return waiting


def open_stops() -> list[CategoryStop]:
    """What is stopped now, at most one a channel and category."""
    return list(CategoryStop.objects.filter(lifted_at__isnull=True))


def not_stopped(candidates: Sequence[Candidate], *, now: dt.datetime) -> dict[uuid.UUID, Decision]:
    """The gate: a hold for each candidate that is due and whose category is stopped. One query, and none where nothing can be.

    What is for later is asked again when it is due."""
    asked = [one for one in candidates if one.category in STOPPABLE and one.due_at <= now]
    if not asked:
        return {}
    reasons = {(row.channel, row.category): row.reason for row in open_stops()}
    return {
        candidate.id: hold(
            candidate,
            until=now + WAIT,
            rule=RULE,
            reason=f"{candidate.category.capitalize()} is stopped on this channel: {reasons[key]}",
            late="Its category was stopped.",
        )
        for candidate in asked
        if (key := (candidate.channel, candidate.category)) in reasons
    }
