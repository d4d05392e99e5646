"""Ask for an act: in, what, on which messages, who and why; out, its row, once however often it is asked for."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from notifications.acted import CAP
from notifications.bulk.choose import choose_undone
from notifications.bulk.kinds import KINDS
from notifications.conf import conf
from notifications.models import BulkAct

CHOOSE = """
INSERT INTO bulk_act_rows (act_id, notification_id, state, why)
SELECT %s, chosen, 'waiting', '' FROM unnest(%s::uuid[]) AS chosen ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Wish:
    """`id` is the number of the page that asked. Either `ids` are known, or `query` says which (bulk/choose.py)."""

    act: str
    by: str
    reason: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    ids: Sequence[uuid.UUID] | None = None
    query: str = ""
    id: uuid.UUID = field(default_factory=uuid.uuid4)


def ask(wish: Wish, *, now: dt.datetime) -> tuple[BulkAct, bool]:
    """Record the act and, where they are known, its messages. False: the same page had asked for it before.

    Two who ask at the same moment wait for each other, and one of them is told so."""
    if not wish.reason.strip():
        raise ValueError("Give a reason: it is kept with each notification.")
    ids = None if wish.ids is None else list(dict.fromkeys(wish.ids))
    row = BulkAct(
        id=wish.id,
        act=wish.act,
        arguments=dict(wish.arguments),
        query=wish.query,
        reason=wish.reason.strip(),
        by=wish.by,
        asked_at=now,
        total=None if ids is None else len(ids),
    )
    with transaction.atomic():
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError:
            return BulkAct.objects.get(pk=wish.id), False
        if ids is not None:
            with connection.cursor() as cursor:
                cursor.execute(CHOOSE, [row.pk, ids])
    return row, True


def ask_to_undo(pk: uuid.UUID, *, by: str, reason: str, now: dt.datetime) -> tuple[BulkAct, bool]:
    """Record the undo of an act that is over. An act is undone once: whoever asks second gets the first one's."""
    with transaction.atomic():
        # Whoever lets it go on waits, and finds it undone.
        undone = BulkAct.objects.select_for_update().get(pk=pk)
        problem = why_not_undone(undone)
        if problem == "undone":
            return BulkAct.objects.get(undoes=undone), False
        if problem:
            raise ValueError(f"It cannot be undone: {problem}.")
        row = BulkAct(act=BulkAct.Kind.UNDO, reason=reason.strip(), by=by, asked_at=now, undoes=undone)
        row.save(force_insert=True)
        if undone.done <= CAP:
            row.total = choose_undone(row)
    return row, True


def why_not_undone(act: BulkAct) -> str:
    """A code for what stands against undoing it; empty where nothing does."""
    if act.act == BulkAct.Kind.UNDO:
        return "undo"
    if not act.is_over:
        return "running"
    if not KINDS[act.act].can_be_undone:
        return act.act
    if not act.done:
        return "nothing"
    if act.undone_by.exists():
        return "undone"
    return ""


def start_later() -> None:
    """Once the caller's transaction has committed, ask the host of workers to take up what waits."""
    if path := conf().kick_acts:
        transaction.on_commit(import_string(path), robust=True)


def stop(pk: uuid.UUID, *, by: str, now: dt.datetime | None = None) -> bool:
    """What is done is done; nothing more. Waits for the chunk in hand, some hundred rows. False: it was over already."""
    going = BulkAct.objects.filter(pk=pk, status__in=[BulkAct.Status.WAITING, BulkAct.Status.RUNNING])
    return bool(
        going.update(
            status=BulkAct.Status.STOPPED,
            stopped_by=by,
            finished_at=now or timezone.now(),
            lease_token=None,
            lease_until=None,
        )
    )


def go_on(pk: uuid.UUID) -> bool:
    """Take up again what was stopped or failed, where it stood. False: it goes on already, is done, or was undone."""
    with transaction.atomic():
        act = BulkAct.objects.select_for_update().get(pk=pk)
        if act.status not in (BulkAct.Status.STOPPED, BulkAct.Status.FAILED) or act.undone_by.exists():
            return False
        act.status, act.finished_at, act.stopped_by, act.error = BulkAct.Status.WAITING, None, "", ""
        act.tries = 0
        act.save()
        start_later()
    return True
