"""Load tables at the speed of COPY: in, tables to fill; out, the same tables, their indexes and foreign keys rebuilt.

A foreign key checked row by row takes longer than the COPY itself, while one check of the whole table takes a second
a million rows (PostgreSQL manual, «Populating a Database»). All in the caller's transaction: a failure restores all.
"""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice

from django.db import connection
from psycopg import sql

LINES = 500

FOREIGN_KEYS = """
SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname),
       format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname, pg_get_constraintdef(oid))
FROM pg_constraint WHERE contype = 'f' AND conrelid = ANY(%s::regclass[]) ORDER BY conname
"""
INDEXES = """
SELECT format('DROP INDEX %%s', indexrelid::regclass), pg_get_indexdef(indexrelid)
FROM pg_index
WHERE indrelid = ANY(%s::regclass[]) AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
ORDER BY indexrelid
"""


def settle() -> None:
    """Make the checks that earlier statements left for the commit: they stand in the way of TRUNCATE and ALTER TABLE."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@contextmanager
def without_checks(tables: Collection[str]) -> Iterator[None]:
    """Within the block the tables have no foreign keys and only the indexes of their constraints. Locks them."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL maintenance_work_mem = '256MB'")
        cursor.execute(FOREIGN_KEYS, [list(tables)])
        steps = cursor.fetchall()
        cursor.execute(INDEXES, [list(tables)])
        steps += cursor.fetchall()
        for drop, _ in steps:
            cursor.execute(drop)
        yield
        # Indexes before foreign keys, whose check reads them.
        for _, create in reversed(steps):
            cursor.execute(create)


def copy_rows(table: str, columns: Collection[str], rows: Iterable[tuple[object, ...]]) -> int:
    """Append rows of any values to a table; answers how many."""
    with connection.cursor() as cursor:
        with cursor.copy(_statement(table, columns)) as copy:
            for row in rows:
                copy.write_row(row)
        written: int = cursor.rowcount
    return written


def copy_text(table: str, columns: Collection[str], rows: Iterable[tuple[str, ...]]) -> int:
    r"""As `copy_rows` at a third of its cost, for values that are written already: no tab, newline or backslash but \N."""
    lines = map("\t".join, rows)
    with connection.cursor() as cursor:
        with cursor.copy(_statement(table, columns)) as copy:
            while page := list(islice(lines, LINES)):
                copy.write("\n".join(page) + "\n")
        written: int = cursor.rowcount
    return written


def empty(tables: Collection[str]) -> None:
    """Delete every row of the tables, which must hold all that refers to them."""
    statement = sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(map(sql.Identifier, tables)))
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _statement(table: str, columns: Collection[str]) -> sql.Composed:
    return sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
