"""How fast messages get into the queue: in, customers; out, `notify()` and `notify_many()` beside bare INSERTs.

The bare INSERTs write the very rows that `notify_many()` wrote, into the same table, over the same connection.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from django.db import connection, transaction

from benchmarks.cost import alternate, timed
from benchmarks.figures import Figure, Run, Target, alone, rates
from benchmarks.seed import CHANNEL, PAYLOAD, TEMPLATE, empty_queue, requests
from benchmarks.stage import Step, a_drain_is_busy
from notifications.enqueue import notify, notify_many

GROUP = "enqueue"
BATCH = 1_000
HALF = Target(least=0.5)
RUNS = 1, 4  # once, and in each repetition: for the progress bar

# What an enqueue writes; the other columns have defaults.
COLUMNS = {
    "id": "uuid",
    "channel": "text",
    '"to"': "jsonb",
    "recipient_key": "text",
    "template_id": "uuid",
    "template_version": "uuid",
    "subject": "text",
    "payload": "jsonb",
    "metadata": "jsonb",
    "category": "text",
    "priority": "smallint",
    "scheduled_at": "timestamptz",
    "expires_at": "timestamptz",
    "idempotency_key": "text",
    "status": "text",
}
_INTO = f"INSERT INTO notification_queue ({', '.join(COLUMNS)})"
BARE_ONE = f"{_INTO} VALUES ({', '.join(f'%s::{kind}' for kind in COLUMNS.values())})"
BARE_MANY = f"{_INTO} SELECT * FROM unnest({', '.join(f'%s::{kind}[]' for kind in COLUMNS.values())})"
# A cursor of Django's gives jsonb as text, which is what a bare INSERT takes.
READ = (
    f"SELECT {', '.join(COLUMNS)} FROM notification_queue ORDER BY length(idempotency_key), idempotency_key"
)

Row = tuple[Any, ...]


def measure(customers: Sequence[str], *, single: int, times: int, step: Step) -> Iterator[Figure]:
    """All customers in one call, and the first `single` of them one by one."""
    with step("enqueue: first run"):
        first = _many(customers)
        rows = _read()
    yield from _singly(customers[:single], rows[:single], times=times, step=step)
    yield from _together(customers, rows, times=times, step=step)
    if first.peak_bytes is not None and first.grown_bytes is not None:
        name = f"memory at most, in the first `notify_many()` of {len(customers):,}"
        yield alone([first.peak_bytes / 1e6], " MB", group=GROUP, name=name)
        yield alone([first.grown_bytes / 1e6], " MB", group=GROUP, name="of that, grown in it")
    empty_queue()


def _singly(customers: Sequence[str], rows: Sequence[Row], *, times: int, step: Step) -> Iterator[Figure]:
    """As on a system at work: a drain is alive, and busy, so that no commit has to wake or start one."""
    limit_name, name = "bare one-row INSERT and commit", "`notify()`, each its own commit"
    ours = partial(_one_by_one, customers)
    pairs = alternate(ours, partial(_bare_ones, rows), name=name, times=times, step=step)
    yield from rates(pairs, Run.rate_by_all_cpu, group=GROUP, name=name, limit_name=limit_name, target=HALF)


def _together(customers: Sequence[str], rows: Sequence[Row], *, times: int, step: Step) -> Iterator[Figure]:
    limit_name = f"bare INSERT … unnest, {BATCH:,} rows a statement"
    name = f"`notify_many()` of {len(customers):,}"
    ours = partial(_many, customers)
    pairs = alternate(ours, partial(_bare_many, rows), name=name, times=times, step=step)
    yield from rates(pairs, Run.rate_by_all_cpu, group=GROUP, name=name, limit_name=limit_name, target=HALF)


def _one_by_one(customers: Sequence[str]) -> Run:
    def work() -> int:
        for number, customer in enumerate(customers):
            notify(
                TEMPLATE, to=customer, channel=CHANNEL, payload=PAYLOAD, idempotency_key=f"benchmark:{number}"
            )
        return len(customers)

    empty_queue()
    with a_drain_is_busy():
        return timed(work)


def _many(customers: Sequence[str]) -> Run:
    def work() -> int:
        result = notify_many(requests(customers))
        return len(result.queued) + len(result.withheld)

    empty_queue()
    return timed(work)


def _bare_ones(rows: Sequence[Row]) -> Run:
    def work() -> int:
        with connection.cursor() as cursor:
            for row in rows:
                cursor.execute(BARE_ONE, row)
        return len(rows)

    empty_queue()
    return timed(work)


def _bare_many(rows: Sequence[Row]) -> Run:
    pages = [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
    columns = [[list(column) for column in zip(*page, strict=True)] for page in pages]

    def work() -> int:
        with transaction.atomic(), connection.cursor() as cursor:
            for page in columns:
                cursor.execute(BARE_MANY, page)
        return len(rows)

    empty_queue()
    return timed(work)


def _read() -> list[Row]:
    """The rows that an enqueue wrote, as a bare INSERT takes them, in the order of the customers."""
    with connection.cursor() as cursor:
        cursor.execute(READ)
        rows: list[Row] = cursor.fetchall()
    return rows
