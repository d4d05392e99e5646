"""Not too often: in, candidates; out, a refusal for each that is over a cap of its category.

What counts, over e-mail, SMS and push: messages sent to the recipient in the period, those ahead of it in the batch, and at
enqueue those that are due already. What another worker holds may or may not go out, so whoever depends on it waits for it.
"""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection

from consent.arrays import array
from consent.policy import Decision
from notifications.candidate import Candidate, hold
from notifications.conf import conf
from notifications.history import recipient_index

Caps = Sequence[tuple[int, dt.timedelta]]

# By recipient through notification_queue_recipient, and what has moved to the history by the keyed hash through
# notification_history_recipient. The states stand as literals, as everywhere.
RECENT = """
SELECT recipient_key, status, CASE WHEN status = 'sent' THEN last_attempt_at END
FROM notification_queue
WHERE recipient_key = ANY(%(who)s::text[]) AND category = %(category)s AND channel <> 'inapp' AND id <> ALL(%(batch)s::uuid[])
  AND ((status = 'sent' AND last_attempt_at > %(since)s) OR status = 'processing'
       OR (status = 'queued' AND scheduled_at <= %(due)s))
UNION ALL
SELECT recipient_index, 'moved', finished_at
FROM notification_history AS h
WHERE recipient_index = ANY(%(hashes)s::text[]) AND category = %(category)s AND channel <> 'inapp'
  AND status = 'sent' AND finished_at > %(since)s
  AND NOT EXISTS (SELECT 1 FROM notification_queue AS q WHERE q.id = h.id)
"""
# How long to wait for another worker's call; then the row is sent, or is not.
IN_FLIGHT = dt.timedelta(minutes=1)


def under_cap(
    candidates: Sequence[Candidate], *, now: dt.datetime, claimed: Sequence[uuid.UUID] | None = None
) -> dict[uuid.UUID, Decision]:
    """The candidates over a cap. One query for each category that has a cap, whatever the number.

    `claimed` are the rows of the batch at delivery; None at enqueue, where the batch is in no table yet.
    """
    answers: dict[uuid.UUID, Decision] = {}
    for category, caps in conf().caps.items():
        capped = [c for c in candidates if c.category == category and c.channel != "inapp"]
        if capped and caps:
            answers.update(_over(capped, caps, now=now, claimed=claimed))
    return answers


def _over(
    candidates: Sequence[Candidate], caps: Caps, *, now: dt.datetime, claimed: Sequence[uuid.UUID] | None
) -> dict[uuid.UUID, Decision]:
    counted, in_flight = _recent(candidates, caps, now=now, claimed=claimed)
    answers: dict[uuid.UUID, Decision] = {}
    for candidate in candidates:
        due = max(candidate.due_at, now)
        moments = counted[candidate.recipient_key]
        held = in_flight.get(candidate.recipient_key, 0)
        if refusal := _refusal(candidate, caps, moments, due):
            answers[candidate.id] = refusal
        elif held and _refusal(candidate, caps, [*moments, *[due] * held], due):
            answers[candidate.id] = _wait(candidate, now)
        else:
            moments.append(due)
    return answers


def _recent(
    candidates: Sequence[Candidate], caps: Caps, *, now: dt.datetime, claimed: Sequence[uuid.UUID] | None
) -> tuple[defaultdict[str, list[dt.datetime]], Mapping[str, int]]:
    """By recipient: the moments that count, and how many messages another worker holds."""
    people = {c.recipient_key for c in candidates}
    hashes = {recipient_index(who): who for who in people}
    asked: dict[str, Any] = {
        "who": array(people),
        "hashes": array(hashes),
        "category": candidates[0].category,
        "batch": array(claimed or ()),
        "since": now - max(period for _, period in caps),
        # At delivery, what else is due passes this gate itself.
        "due": now if claimed is None else None,
    }
    counted: defaultdict[str, list[dt.datetime]] = defaultdict(list)
    in_flight: defaultdict[str, int] = defaultdict(int)
    with connection.cursor() as cursor:
        cursor.execute(RECENT, asked)
        for found, status, sent_at in cursor.fetchall():
            who = hashes[found] if status == "moved" else found
            if status == "processing" and claimed is not None:
                in_flight[who] += 1
            else:
                counted[who].append(min(sent_at or now, now))
    return counted, in_flight


def _refusal(
    candidate: Candidate, caps: Caps, moments: Sequence[dt.datetime], due: dt.datetime
) -> Decision | None:
    for most, period in caps:
        count = sum(due - period < moment <= due for moment in moments)
        if count >= most:
            return Decision(
                False,
                "frequency_cap",
                f"At most {most} {candidate.category} {'message' if most == 1 else 'messages'} in {_words(period)} may "
                f"go to one recipient, and {count} went out or {'is' if count == 1 else 'are'} ahead of this one.",
            )
    return None


def _wait(candidate: Candidate, now: dt.datetime) -> Decision:
    # Two that wait for each other come back at different moments.
    until = now + IN_FLIGHT + IN_FLIGHT * candidate.lot // 2**32
    reason = f"Another {candidate.category} message to this recipient is going out right now; then this one is decided."
    return hold(
        candidate, until=until, rule="frequency_cap", reason=reason, late="It waited for another one."
    )


def _words(period: dt.timedelta) -> str:
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        count, rest = divmod(int(period.total_seconds()), length)
        if count and not rest:
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{period.total_seconds():g} seconds"
