"""Who did what, for ever: in, a request and the rows; out, entries of Django's admin log, one a row."""

from collections.abc import Sequence

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.http import HttpRequest


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
