"""What a long history costs a claim: in, how many finished messages; out, the time of a claim beside that with 10,000.

Both tables stand beside each other with the indexes of the real one, and are asked in turns.
"""

import datetime as dt
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from django.db import connection
from uuid_utils.compat import uuid7

from benchmarks.cost import alternate, timed
from benchmarks.figures import Figure, Run, Target, against, alone
from benchmarks.stage import StageError, Step
from consent.arrays import array
from notifications.claim import claim

GROUP = "claim"
RUNS = 2, 2  # once, and in each repetition: for the progress bar
SHORT = 10_000
ROWS, CLAIMS = 100, 50  # of a claim; of a run
LEASE = dt.timedelta(minutes=2)
CHUNK = 500_000
NEARLY_AS_FAST = Target(most=1.3)

# Ids in the order of their making (version 7), as ours are. As narrow as a row can be: the more of them on a page, the less the cache helps whoever reads too many.
FINISHED = """
INSERT INTO notification_queue (id, channel, "to", recipient_key, category, priority, status, attempts, last_attempt_at,
    created_at, scheduled_at, idempotency_key, metadata)
SELECT id, 'email', '{}', 'customer:' || n / 20, 'reminder', n %% 4, 'sent', 1, due, due, due, n::text,
    '{"sent_at": "-"}'
FROM generate_series(%s::bigint, %s::bigint) AS n
CROSS JOIN LATERAL (SELECT now() - interval '1 day' - n * interval '1 second' AS due) AS made
CROSS JOIN LATERAL (
    SELECT overlay(overlay(to_hex((EXTRACT(epoch FROM due) * 1000)::bigint + (1::bigint << 48)) || md5(n::text)
        PLACING '7' FROM 14) PLACING '8' FROM 18) AS text) AS hex
CROSS JOIN LATERAL (SELECT substr(hex.text, 2, 32)::uuid AS id) AS named
"""
DUE = """
INSERT INTO notification_queue (id, channel, "to", recipient_key, category, priority, created_at, scheduled_at)
SELECT id, 'email', '{}', 'customer:' || n, 'reminder', n %% 4, now(), now() - n * interval '1 ms'
FROM unnest(%s::uuid[]) WITH ORDINALITY AS due(id, n)
"""
SETTLED = """
UPDATE notification_queue SET status = 'sent', lease_token = NULL, lease_until = NULL, metadata = '{"sent_at": "-"}'
WHERE status = 'processing'
"""
INDEXES = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = 'notification_queue'"


def measure(*, count: int, times: int, step: Step) -> Iterator[Figure]:
    """Claims of ROWS due messages each, in a table of `count` finished ones."""
    short = min(count, SHORT)
    with step(f"claim: building {short:,} finished messages"):
        _build("history_short", short)
    with step(f"claim: building {count:,} finished messages"):
        began = time.perf_counter()
        _build("history_long", count)
        built = time.perf_counter() - began
    name, limit_name = f"claim of {ROWS} due, {count:,} finished", f"the same, {short:,} finished"
    long_run, short_run = partial(_claim, "history_long"), partial(_claim, "history_short")
    long_run(), short_run()  # the first claim of a table plans it
    pairs = alternate(long_run, short_run, name=name, times=times, step=step)
    ours, limits = ([_ms(pair[side]) for pair in pairs] for side in (0, 1))
    yield against(ours, limits, " ms", group=GROUP, name=name, limit_name=limit_name, target=NEARLY_AS_FAST)
    if all(_database_ms(run) for pair in pairs for run in pair):
        ours, limits = ([_database_ms(pair[side]) for pair in pairs] for side in (0, 1))
        by_cpu = f"{name}, CPU time of PostgreSQL"
        yield against(
            ours, limits, " ms", group=GROUP, name=by_cpu, limit_name=limit_name, target=NEARLY_AS_FAST
        )
    yield alone([built], " s", group=GROUP, name="building that history")
    for schema in ("history_long", "history_short"):
        _run(f"DROP SCHEMA {schema} CASCADE")


def _build(schema: str, count: int) -> None:
    """Rows first, then the indexes: five times as fast, and the same indexes."""
    _run(f"CREATE SCHEMA {schema}")
    _run(
        f"CREATE TABLE {schema}.notification_queue "
        "(LIKE public.notification_queue INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"
    )
    with connection.cursor() as cursor:
        cursor.execute(INDEXES)
        indexes = [row[0] for row in cursor.fetchall()]
    with _within(schema):
        for start in range(1, count + 1, CHUNK):
            _run(FINISHED, start, min(start + CHUNK - 1, count))
        for index in indexes:
            _run(index.replace(" ON public.", f" ON {schema}."))
        _run("VACUUM (ANALYZE) notification_queue")


def _claim(schema: str) -> Run:
    """Put as many into the queue as are claimed, claim them, and leave them in the history."""

    def work() -> int:
        taken = sum(len(claim(channel="email", limit=ROWS, lease=LEASE)) for _ in range(CLAIMS))
        if taken != ROWS * CLAIMS:
            raise StageError(f"{taken:,} of {ROWS * CLAIMS:,} due messages were claimed.")
        return CLAIMS

    with _within(schema):
        _run(DUE, array(uuid7() for _ in range(ROWS * CLAIMS)))
        _run("ANALYZE notification_queue")  # as autovacuum does where many rows come
        run = timed(work)
        _run(SETTLED)
    return run


@contextmanager
def _within(schema: str) -> Iterator[None]:
    """The statements of the street mean the table of this schema."""
    _run(f"SET search_path = {schema}, public")
    try:
        yield
    finally:
        _run("RESET search_path")


def _run(sql: str, *values: int | str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)


def _ms(run: Run) -> float:
    return run.seconds / run.count * 1e3


def _database_ms(run: Run) -> float:
    return (run.database_cpu_seconds or 0.0) / run.count * 1e3
