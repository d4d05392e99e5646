"""What an act on messages answers: in, ids and one statement; out, which rows changed, what they were, why the others did not.

Every act goes this way: the record's advisory lock first (claim.py), then one guarded statement, so that a stale page, a
second click or a worker that was faster finds nothing to do and is told why.
"""

import datetime as dt
import json
import uuid
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from notifications.claim import lock_records
from notifications.models import Notification, NotificationHistory

# What one call may touch; larger sets go in several, so that no transaction holds thousands of rows (bulk/work.py).
CAP = 1000

# The rows as they are, locked in the order in which workers settle theirs, so that neither waits for the other in a circle.
# Joined to the ids, so that it reads these rows alone: with `id = ANY(…)` the planner may add an index over all failed ones.
OLD = """
WITH old AS MATERIALIZED (
    SELECT q.id, q.scheduled_at, q.priority, q.attempts, q.error, q.metadata
    FROM unnest(%(ids)s::uuid[]) AS wanted(id) JOIN notification_queue AS q ON q.id = wanted.id
    WHERE {guard} ORDER BY q.id FOR NO KEY UPDATE OF q
)
"""
REMEMBER = "jsonb_build_object('history', COALESCE(q.metadata->'history', '[]') || %(entry)s::jsonb)"


@dataclass(frozen=True, slots=True)
class By:
    """Who acts and why. `act` is the row of `bulk_acts` that it belongs to; each message's history names it."""

    by: str
    reason: str
    now: dt.datetime | None = None
    dry_run: bool = False
    act: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Acted:
    """`done` are the rows that changed (the new ones for «send again»), `left` says of each other one why, as a code;
    `before` what each chosen row that was acted on had been: an undo needs it."""

    done: tuple[uuid.UUID, ...] = ()
    left: Mapping[uuid.UUID, str] = field(default_factory=dict)
    before: Mapping[uuid.UUID, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def skipped(self) -> dict[str, int]:
        """How many were left alone, by a sentence in the reader's language."""
        return in_words(Counter(self.left.values()))


def change(
    sql: str,
    ids: Sequence[uuid.UUID],
    who: By,
    *,
    what: str,
    takes: Collection[str],
    otherwise: str,
    arguments: Mapping[str, Any],
) -> Acted:
    """Run the statement, which answers (changed id, chosen id, what it was), on the rows that nobody else has in hand.

    `otherwise` says why a row of a status that the act takes was not touched."""
    wanted = check_selection(ids, who.reason)
    moment = who.now or timezone.now()
    with transaction.atomic():
        free = lock_records(wanted)
        with connection.cursor() as cursor:
            entry = json.dumps([history_entry(what, who, moment)])
            cursor.execute(sql, {"ids": free, "now": moment, "entry": entry, **arguments})
            rows = cursor.fetchall()
        touched = {chosen: json.loads(was) for _id, chosen, was in rows}
        left = why_not(
            set(wanted) - touched.keys(), busy=set(wanted) - set(free), takes=takes, otherwise=otherwise
        )
        if who.dry_run:
            transaction.set_rollback(True)
    return Acted(tuple(row[0] for row in rows), left, touched)


def check_selection(ids: Sequence[uuid.UUID], reason: str) -> list[uuid.UUID]:
    """The ids once each; ValueError where there is no reason or too many at once."""
    if not reason.strip():
        raise ValueError("Give a reason: it is kept with each notification.")
    wanted = list(dict.fromkeys(ids))
    if len(wanted) > CAP:
        raise ValueError(f"{len(wanted)} notifications at once; the limit is {CAP}. Go in several steps.")
    return wanted


def history_entry(what: str, who: By, at: dt.datetime) -> dict[str, str]:
    entry = {"what": what, "by": who.by, "reason": who.reason.strip(), "at": at.isoformat()}
    return entry | ({"act": str(who.act)} if who.act else {})


def why_not(
    left: Collection[uuid.UUID],
    *,
    busy: Collection[uuid.UUID],
    takes: Collection[str],
    otherwise: str,
) -> dict[uuid.UUID, str]:
    """A code for each row that could not be touched; `in_words` says it."""
    rows = dict(Notification.objects.filter(id__in=left).values_list("id", "status")) if left else {}
    gone = set(left) - rows.keys()
    past = dict(NotificationHistory.objects.filter(id__in=gone).values_list("id", "moved_at")) if gone else {}
    answers = {}
    for id_ in left:
        status = rows.get(id_)
        if id_ in past:
            answers[id_] = f"past:{timezone.localdate(past[id_]).isoformat()}"
        elif status is None:
            answers[id_] = "missing"
        elif id_ in busy or status == "processing":
            answers[id_] = "busy"
        elif status in takes:
            answers[id_] = otherwise
        else:
            answers[id_] = f"is:{status}"
    return answers


def sentence(code: str) -> str:
    """The code of `why_not` in the reader's language."""
    kind, _colon, about = code.partition(":")
    if kind == "is":
        return _("it is %s") % str(Notification.Status(about).label).lower()
    if kind == "past":
        return _("too old: its recipient and its text are gone since %s") % about
    return {
        "missing": _("no such notification"),
        "busy": _("a worker has it right now"),
        "expired": _("it has expired"),
        "again": _("it was sent again by the same request"),
        "expires": _("it would expire before that moment"),
        "known": _("its outcome is known"),
        "same": _("it has that priority already"),
        "changed": _("it has changed since"),
        "erased": _("its recipient was forgotten"),
    }.get(kind, code)


def in_words(codes: Mapping[str, int]) -> dict[str, int]:
    """Counts by code as counts by sentence."""
    told: Counter[str] = Counter()
    for code, count in codes.items():
        told[sentence(code)] += count
    return dict(told)
