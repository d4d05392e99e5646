"""Who did what, for ever: in, a request and the rows; out, entries of Django's admin log, one a row, or one for thousands."""

from collections.abc import Sequence

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.http import HttpRequest
from django.utils import translation

from notifications.acted import CAP
from notifications.admin.criteria import in_words
from notifications.models import BulkAct, BulkActRow, Notification


def log_each(request: HttpRequest, rows: Sequence[Model], message: str) -> None:
    """One entry a row, in two statements. The message says what, why and of how many; it holds no address."""
    if not rows:
        return
    assert request.user.pk is not None  # admin pages have no anonymous visitors
    user_id, kind = request.user.pk, ContentType.objects.get_for_model(type(rows[0]))
    LogEntry.objects.bulk_create(
        LogEntry(
            user_id=user_id,
            content_type=kind,
            object_id=str(row.pk),
            object_repr=str(row)[:200],
            action_flag=CHANGE,
            change_message=message,
        )
        for row in rows
    )


def log_act(request: HttpRequest, act: BulkAct, *, count: int) -> None:
    """One entry for the act: what, of how many, by which filter, why. A small one has an entry for each message too; of
    the others each message's own history names the act."""
    if act.total is None:
        with translation.override("en"):
            about = in_words(act.query)
        log_each(request, [act], f"{act.act} of {count} or more ({about}): {act.reason}")
        return
    if not act.done:
        return
    log_each(request, [act], f"{act.act} ({act.done} of {count}): {act.reason}")
    if act.done <= CAP:
        log_each(request, _touched(act), f"{act.act} ({act.done} of {count}): {act.reason}")


def _touched(act: BulkAct) -> list[Notification]:
    """What it changed, and what it made."""
    rows = BulkActRow.objects.filter(act=act, state=BulkActRow.State.DONE).values_list(
        "notification_id", "before"
    )
    ids = [known for id_, before in rows for known in (id_, (before or {}).get("child")) if known]
    return list(Notification.objects.filter(pk__in=ids).only("pk", "channel"))
