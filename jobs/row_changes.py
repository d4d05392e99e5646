"""Which rows of the business a dry run would change: in, its transaction; out, RowChanges with before and after, and counts.

Triggers record them (`recording.py`), whatever the job says of itself. Only columns that cannot name anybody are shown.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Any

from django.apps import apps
from django.db import connection, models

from jobs.report import RowChange

# With their values; the rest is counted.
KEPT = 1000
HIDDEN = "•••"
# Nobody looks for these in a new row.
OBVIOUS = frozenset({"created_at", "updated_at"})
# What cannot hold a name, an address or free text. A list of what may be shown: a new kind of column is hidden.
READABLE = (
    models.UUIDField, models.IntegerField, models.DecimalField, models.FloatField, models.BooleanField, models.DateField,
    models.TimeField, models.DurationField, models.ForeignKey,
)  # fmt: skip


def start_recording() -> None:
    """Wake the triggers, until the end of this transaction, for this connection alone."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY SEQUENCE postroom_changes_place")
        cursor.execute(
            "CREATE TEMPORARY TABLE postroom_changes"
            " (place bigint, relation text, action text, before jsonb, after jsonb) ON COMMIT DROP"
        )
        cursor.execute("SELECT set_config('postroom.rehearsal', %s, true)", [str(KEPT)])


def recorded_changes() -> tuple[tuple[RowChange, ...], Mapping[str, Mapping[str, int]]]:
    """The first rows in the order of their changes, and how many there are by table and action. Recording ends."""
    counts: dict[str, dict[str, int]] = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('postroom.rehearsal', '', true)")
        cursor.execute(
            "SELECT relation, action, count(*) FROM pg_temp.postroom_changes GROUP BY 1, 2 ORDER BY 1, 2"
        )
        for relation, action, count in cursor.fetchall():
            counts.setdefault(relation, {})[action] = count
        cursor.execute(
            "SELECT relation, action, before, after FROM pg_temp.postroom_changes WHERE place <= %s ORDER BY place",
            [KEPT],
        )
        rows = tuple(_row_change(*row) for row in cursor.fetchall())
    return rows, counts


def _row_change(relation: str, action: str, before: str | None, after: str | None) -> RowChange:
    # Django leaves jsonb of a plain cursor as text.
    old, new = json.loads(before or "{}"), json.loads(after or "{}")
    fields = _fields(relation)
    key = next((field.column for field in fields if field.primary_key), "id")
    readable = {field.column for field in fields if _is_readable(field)}
    return RowChange(relation, str((new or old).get(key, "")), action, dict(_columns(old, new, readable)))


def _columns(
    old: Mapping[str, Any], new: Mapping[str, Any], readable: Collection[str | None]
) -> Iterator[tuple[str, tuple[str | None, str | None]]]:
    is_update = bool(old and new)
    for column in new or old:
        before, after = old.get(column), new.get(column)
        if before != after and (is_update or column not in OBVIOUS):
            shown = column in readable
            yield column, (_cell(before, shown=shown), _cell(after, shown=shown))


def _cell(value: Any, *, shown: bool) -> str | None:
    """None stays None: that something was set says nothing of what it was."""
    if value is None:
        return None
    return str(value) if shown else HIDDEN


@cache
def _fields(relation: str) -> "tuple[models.Field[Any, Any], ...]":
    """The columns of a table; none of one that no model has, which is then shown without values."""
    tables = (model._meta for model in apps.get_models())  # noqa: SLF001 (public by its documentation)
    return next((tuple(table.concrete_fields) for table in tables if table.db_table == relation), ())


def _is_readable(field: "models.Field[Any, Any]") -> bool:
    is_choice = isinstance(field, models.CharField | models.TextField) and bool(field.choices)
    return is_choice or isinstance(field, READABLE)
