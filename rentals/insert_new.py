"""Rows that are news: in, rows with their keys; out, those that no constraint of the table kept out."""

from collections.abc import Sequence
from typing import TypeVar

from django.db.models import Manager, Model

# One INSERT of so many rows at most.
BATCH = 1000

Row = TypeVar("Row", bound=Model)


def insert_new(table: Manager[Row], rows: Sequence[Row]) -> list[Row]:
    """Insert each that meets no row of the same matter; answers those inserted, in order. Two statements up to BATCH rows."""
    if not rows:
        return []
    table.bulk_create(rows, ignore_conflicts=True, batch_size=BATCH)
    # What met another was not inserted, and bulk_create does not say which.
    inserted = set(table.filter(pk__in=[row.pk for row in rows]).values_list("pk", flat=True))
    return [row for row in rows if row.pk in inserted]
