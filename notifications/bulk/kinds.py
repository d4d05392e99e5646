"""The acts by name: in, ids and who; out, what the act's own function did. The one table that the runner and the pages share."""

import datetime as dt
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from notifications.acted import Acted, By
from notifications.cancel import cancel
from notifications.models import BulkAct, Notification
from notifications.prioritise import prioritise
from notifications.replay import replay, send_again
from notifications.reschedule import reschedule
from notifications.settle_unknown import settle_unknown

Arguments = Mapping[str, Any]
_Status = Notification.Status


@dataclass(frozen=True, slots=True)
class Kind:
    """`takes` are the statuses it starts from; `only` narrows them, where a status does not say enough."""

    takes: tuple[str, ...]
    run: Callable[[Sequence[uuid.UUID], By, Arguments], Acted]
    only: Mapping[str, Any] | None = None
    can_be_undone: bool = True


def _who(who: By) -> dict[str, Any]:
    return {"by": who.by, "reason": who.reason, "now": who.now, "dry_run": who.dry_run, "act": who.act}


def _replay(ids: Sequence[uuid.UUID], who: By, _given: Arguments) -> Acted:
    return replay(ids, **_who(who))


def _send_again(ids: Sequence[uuid.UUID], who: By, _given: Arguments) -> Acted:
    """The act's number is in the children's keys: taken up twice, it makes nothing twice."""
    return send_again(ids, once=f"again:{who.act}" if who.act else None, **_who(who))


def _cancel(ids: Sequence[uuid.UUID], who: By, _given: Arguments) -> Acted:
    return cancel(ids, **_who(who))


def _reschedule(ids: Sequence[uuid.UUID], who: By, given: Arguments) -> Acted:
    return reschedule(ids, to=dt.datetime.fromisoformat(given["to"]), **_who(who))


def _prioritise(ids: Sequence[uuid.UUID], who: By, given: Arguments) -> Acted:
    return prioritise(ids, priority=given["priority"], **_who(who))


def _settle(ids: Sequence[uuid.UUID], who: By, given: Arguments) -> Acted:
    then_replay = bool(given.get("then_replay"))
    return settle_unknown(ids, was_sent=given["was_sent"], then_replay=then_replay, **_who(who))


KINDS: Mapping[str, Kind] = {
    BulkAct.Kind.REPLAY: Kind((_Status.FAILED,), _replay),
    BulkAct.Kind.SEND_AGAIN: Kind((_Status.SENT, _Status.CANCELLED), _send_again),
    BulkAct.Kind.CANCEL: Kind((_Status.QUEUED,), _cancel),
    BulkAct.Kind.RESCHEDULE: Kind((_Status.QUEUED,), _reschedule),
    BulkAct.Kind.PRIORITISE: Kind((_Status.QUEUED,), _prioritise),
    BulkAct.Kind.SETTLE: Kind(
        (_Status.FAILED,),
        _settle,
        only={"metadata__contains": {"outcome_unknown": True}},
        can_be_undone=False,
    ),
}
