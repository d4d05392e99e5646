"""An act's page: in, its row; out, what was asked for, how far it is, what was left alone and why, and its messages."""

import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from consent.models import Channel
from consent.staff_names import staff_names
from notifications.acted import in_words, sentence
from notifications.admin.cells import NOTHING, badge, moment
from notifications.admin.criteria import in_words as filter_in_words
from notifications.bulk.order import why_not_undone
from notifications.models import BulkAct, BulkActRow, Notification, Priority
from notifications.state_counts import grouped

SHOWN = 50
_TONE: Mapping[str, str] = {
    BulkAct.Status.WAITING: "info",
    BulkAct.Status.RUNNING: "info",
    BulkAct.Status.DONE: "ok",
    BulkAct.Status.STOPPED: "warn",
    BulkAct.Status.FAILED: "bad",
}
_NOT_UNDONE: Mapping[str, str | Promise] = {
    "undo": gettext_lazy("An undo is not undone: do the act again instead."),
    "running": gettext_lazy("It can be undone once it is over, or stopped."),
    "settle": gettext_lazy(
        "A settled outcome stands: it counts everywhere as sent or as not sent. Send the message again, or replay it."
    ),
    "nothing": gettext_lazy("It changed nothing, so there is nothing to undo."),
}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is. `percent` is of the chosen messages; `rate` and `left` only while it runs."""

    status: SafeString
    percent: int
    looked_at: str
    total: str
    done: str
    skipped: Mapping[str, int]
    left_alone: str
    rate: str = ""
    remaining: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One of its messages."""

    id: uuid.UUID
    what: str
    state: str
    why: str
    child: str


def progress(act: BulkAct, *, taking_turns: int = 1) -> Progress:
    """Of the act's own row: no query. So many acts share the time that is left, this one among them."""
    total, seen = act.total or 0, act.looked_at
    per_second = seen / act.worked if act.worked >= 1 else 0
    is_going = not act.is_over and bool(per_second)
    return Progress(
        status=badge(BulkAct.Status(act.status).label, _TONE[act.status]),
        percent=100 if act.status == BulkAct.Status.DONE else (100 * seen // total if total else 0),
        looked_at=grouped(seen),
        total=grouped(total) if act.total is not None else NOTHING,
        done=grouped(act.done),
        skipped=in_words(act.skipped),
        left_alone=grouped(act.left_alone),
        rate=_("%s a second") % grouped(round(per_second)) if is_going else "",
        remaining=_lasting((total - seen) / per_second * taking_turns) if is_going else "",
    )


def facts(act: BulkAct) -> list[tuple[str, object]]:
    """Who, what, why, when."""
    names = staff_names([act.by, act.stopped_by])
    return [
        (_("Asked for by"), names.get(act.by, "")),
        (_("Reason"), act.reason),
        (_("Messages"), which(act)),
        *_arguments(act),
        (_("Asked for"), moment(act.asked_at)),
        (_("Begun"), moment(act.started_at)),
        (_("Ended"), moment(act.finished_at)),
        *([(_("Stopped by"), names[act.stopped_by])] if act.stopped_by else ()),
        *([(_("Error"), _(act.error))] if act.error else ()),
    ]


def which(act: BulkAct) -> str:
    """The filter in words, or that they were ticked."""
    if act.undoes_id is not None:
        return _("those of the act that it undoes")
    return filter_in_words(act.query) if act.query else _("ticked one by one")


def rows(act: BulkAct, *, after: str, only_left: bool) -> tuple[Sequence[Row], str]:
    """Some of its messages and where the next begin; empty at the end. One range of the key, or of its partial index."""
    found = BulkActRow.objects.filter(act_id=act.pk)
    if only_left:
        found = found.filter(state=BulkActRow.State.LEFT)
    with suppress(ValueError):
        found = found.filter(notification_id__gt=uuid.UUID(after))
    some = list(found.order_by("notification_id")[: SHOWN + 1])
    names = _names([row.notification_id for row in some])
    shown = [
        Row(
            row.notification_id,
            names.get(row.notification_id, ""),
            str(BulkActRow.State(row.state).label),
            sentence(row.why) if row.why else "",
            (row.before or {}).get("child", "") if act.undoes_id is None else "",
        )
        for row in some[:SHOWN]
    ]
    return shown, str(shown[-1].id) if len(some) > SHOWN else ""


def _names(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Template and channel of those that are in the queue."""
    found = Notification.objects.filter(pk__in=ids).values_list("pk", "template__name", "channel")
    return {pk: f"{name or _('inline text')}, {Channel(channel).label}" for pk, name, channel in found}


def not_undone(act: BulkAct) -> str:
    """Why it cannot be undone; empty where it can, or was."""
    return str(_NOT_UNDONE.get(why_not_undone(act), ""))


def _arguments(act: BulkAct) -> list[tuple[str, object]]:
    given: Mapping[str, Any] = act.arguments
    if "to" in given:
        return [(_("New moment"), moment(parse_datetime(given["to"])))]
    if "priority" in given:
        return [(_("New priority"), Priority(given["priority"]).label)]
    if "was_sent" in given:
        verdict = _("was sent") if given["was_sent"] else _("was not sent")
        replayed = _("and is replayed") if given.get("then_replay") else ""
        return [(_("Verdict"), f"{verdict} {replayed}".strip())]
    return []


def _lasting(seconds: float) -> str:
    return (
        _("about %d min left") % round(seconds / 60)
        if seconds >= 90
        else _("about %d s left") % max(1, round(seconds))
    )
