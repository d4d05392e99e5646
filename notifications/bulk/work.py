"""Do what was asked for: in, acts that wait; out, their messages changed, chunk by chunk, each chunk exactly once.

A chunk is one short transaction: the act's row is locked, some hundred messages are changed, each guarded by its state, and
the act's position moves on. A worker that dies leaves whole chunks; whoever takes the act up after its lease goes on from
there. Several acts take turns, so that a small one does not wait for a large one.
"""

import datetime as dt
import json
import logging
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_noop

from notifications.acted import Acted, By
from notifications.bulk.choose import Matching, choose
from notifications.bulk.kinds import KINDS
from notifications.bulk.undo import undo
from notifications.masking import sentence_of
from notifications.models import BulkAct, BulkActRow

logger = logging.getLogger(__name__)

# Rows a transaction: a drain, a report or an erasure that wants one of them waits for a fraction of a second.
CHUNK = 500
# Seconds of one act before the next has its turn.
TURN = 2.0
# Longer than any chunk, and than the choice of a million.
LEASE = dt.timedelta(minutes=2)
# So often an act is taken up without a chunk done in between: then it is what its workers die of.
TRIES = 5
GAVE_UP = gettext_noop(
    "Its workers died each time before they had done any more of it. See their logs, then let it go on."
)
# The range keeps the planner from reading all of the act's rows for each chunk of it.
TELL = """
UPDATE bulk_act_rows AS r SET state = v.state, why = v.why, before = COALESCE(r.before, v.before)
FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::jsonb[]) AS v(id, state, why, before)
WHERE r.act_id = %s AND r.notification_id = v.id AND r.notification_id BETWEEN %s AND %s
"""


def work(*, matching: Matching, until: float, stop: Callable[[], bool] = lambda: False) -> int:
    """Take up all that waits, in turns, until `until` (`time.monotonic()`); answers how many messages were looked at."""
    seen = 0
    while not stop() and time.monotonic() < until:
        _give_up()
        waiting = list(_free().order_by("asked_at", "pk").values_list("pk", flat=True))
        if not waiting:
            break
        for pk in waiting:
            if not stop() and time.monotonic() < until:
                seen += _turn(pk, matching, until=min(until, time.monotonic() + TURN), stop=stop)
    return seen


def do_now(act: BulkAct, *, now: dt.datetime) -> BulkAct:
    """A small one: all of it here, in the caller's transaction."""
    token = _take(act.pk)
    while token and _chunk(act.pk, token, now=now) is not None:
        continue
    act.refresh_from_db()
    return act


def do_all(act: BulkAct, *, tell: Callable[[int], object] = lambda _count: None) -> BulkAct:
    """All of one whose messages are chosen, here, a transaction a chunk. `tell` hears of each chunk."""
    token = _take(act.pk)
    while token:
        before = act.looked_at
        is_more = _chunk(act.pk, token) is not None
        act.refresh_from_db()
        tell(act.looked_at - before)
        if not is_more:
            break
    return act


def going() -> Any:
    """Those that are not over: a worker gives each its turn."""
    return BulkAct.objects.filter(status__in=[BulkAct.Status.WAITING, BulkAct.Status.RUNNING])


def _free() -> Any:
    """Those that nobody has in hand."""
    return going().filter(Q(lease_until__isnull=True) | Q(lease_until__lt=Now()))


def _give_up() -> None:
    """What would be taken up for ever, by one worker after another, waits for a person instead."""
    for pk in _free().filter(tries__gte=TRIES).values_list("pk", flat=True):
        failed = {"status": BulkAct.Status.FAILED, "error": GAVE_UP, "finished_at": timezone.now()}
        if _free().filter(pk=pk).update(**failed, **_NOBODY):
            logger.error("act.given_up id=%s tries=%d", pk, TRIES)


def _turn(pk: uuid.UUID, matching: Matching, *, until: float, stop: Callable[[], bool]) -> int:
    token = _take(pk)
    if token is None:
        return 0
    seen = 0
    try:
        act = BulkAct.objects.get(pk=pk)
        if act.total is None:
            choose(act, matching)
        while (count := _chunk(pk, token)) is not None:
            seen += count
            if stop() or time.monotonic() > until:
                break
    except (OperationalError, InterfaceError):
        raise  # the database went away, or chose us as a deadlock's victim: whoever comes after the lease goes on
    except Exception as error:
        logger.exception("act.failed id=%s", pk)
        _held(pk, token).update(
            status=BulkAct.Status.FAILED, error=sentence_of(error), finished_at=timezone.now(), **_NOBODY
        )
        return seen
    _held(pk, token).update(**_NOBODY)
    return seen


_NOBODY: Mapping[str, None] = {"lease_token": None, "lease_until": None}


def _take(pk: uuid.UUID) -> uuid.UUID | None:
    token = uuid.uuid4()
    is_ours = (
        _free()
        .filter(pk=pk)
        .update(
            status=BulkAct.Status.RUNNING, tries=F("tries") + 1, lease_token=token, lease_until=Now() + LEASE
        )
    )
    return token if is_ours else None


def _held(pk: uuid.UUID, token: uuid.UUID) -> Any:
    return BulkAct.objects.filter(pk=pk, lease_token=token, status=BulkAct.Status.RUNNING)


def _chunk(pk: uuid.UUID, token: uuid.UUID, *, now: dt.datetime | None = None) -> int | None:
    """How many messages were looked at; None where there is nothing more to do, or the act is no longer ours."""
    moment, began = now or timezone.now(), time.monotonic()
    with transaction.atomic():
        act = _held(pk, token).select_for_update().first()
        if act is None:  # stopped by a person, or taken over
            return None
        rows = BulkActRow.objects.filter(act_id=pk)
        if act.position is not None:
            rows = rows.filter(notification_id__gt=act.position)
        chosen = dict(rows.order_by("notification_id").values_list("notification_id", "before")[:CHUNK])
        act.started_at, act.tries = act.started_at or moment, 0
        if chosen:
            acted = _act(act, chosen, now=moment)
            _tell(act, list(chosen), acted)
            act.lease_until = timezone.now() + LEASE
        if len(chosen) < CHUNK:
            act.status, act.finished_at = BulkAct.Status.DONE, moment
            act.lease_token = act.lease_until = None
            logger.info("act.done id=%s act=%s done=%d left=%d", pk, act.act, act.done, act.left_alone)
        act.worked += time.monotonic() - began
        act.save()
    return len(chosen) if len(chosen) == CHUNK else None


def _act(act: BulkAct, chosen: Mapping[uuid.UUID, Any], *, now: dt.datetime) -> Acted:
    who = By(act.by, act.reason, now, dry_run=False, act=act.pk)
    if act.undoes is not None:
        return undo(act.undoes, chosen, who)
    return KINDS[act.act].run(list(chosen), who, act.arguments)


def _tell(act: BulkAct, chosen: Sequence[uuid.UUID], acted: Acted) -> None:
    """Each row's lot, and the counts."""
    told = [
        (id_, "left", acted.left[id_], None)
        if id_ in acted.left
        else (id_, "done", "", json.dumps(acted.before.get(id_)))
        for id_ in chosen
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            TELL, [*(list(column) for column in zip(*told, strict=True)), act.pk, chosen[0], chosen[-1]]
        )
    act.position = chosen[-1]
    act.done += len(chosen) - len(acted.left)
    act.skipped = dict(Counter(act.skipped) + Counter(acted.left.values()))
