"""Bring a segment's members up to date: in, a segment and `now`; out, who came and who went, as counts."""

import datetime as dt
import uuid
from dataclasses import dataclass

from django.db import connection, transaction

from rentals.models import CustomerSegment
from rentals.segments.compile import members
from rentals.segments.parse import parse
from rentals.segments.rule import Group

# One filter that nobody foresaw must not take the night away from the others.
TIMEOUT = dt.timedelta(minutes=2)
# The bookings of 200,000 customers are counted in memory.
WORK_MEM = "64MB"
# The lists are compared in the database; what did not change is not written.
_REFRESH = """
WITH matching AS MATERIALIZED ({members}), gone AS (
    DELETE FROM customer_segment_members AS member
    WHERE member.segment_id = %s AND NOT EXISTS (SELECT FROM matching WHERE matching.id = member.customer_id)
    RETURNING 1
), come AS (
    INSERT INTO customer_segment_members (segment_id, customer_id, added_at)
    SELECT %s, matching.id, %s FROM matching WHERE NOT EXISTS (
        SELECT FROM customer_segment_members AS member
        WHERE member.segment_id = %s AND member.customer_id = matching.id
    )
    ON CONFLICT (segment_id, customer_id) DO NOTHING
    RETURNING 1
)
UPDATE customer_segments
SET member_count = (SELECT count(*) FROM matching), refreshed_at = %s, updated_at = now()
WHERE id = %s
RETURNING member_count, (SELECT count(*) FROM come), (SELECT count(*) FROM gone)
"""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """One segment brought up to date."""

    members: int
    added: int
    removed: int


def refresh(segment_id: uuid.UUID, *, now: dt.datetime) -> Refreshed | None:
    """Insert and delete the difference; None where the segment has gone, or is kept by hand by now.

    A transaction, or a savepoint of the caller's. Raises FilterError, or Django's database error, and then nothing of it
    has changed.
    """
    with transaction.atomic():
        # Whoever changes the filter waits, and a second refresh compares with what the first one wrote.
        segments = CustomerSegment.objects.select_for_update(no_key=True)
        segment = segments.filter(pk=segment_id, auto_refresh=True).first()
        if segment is None:
            return None
        found = members(parse(segment.filter))
        _allow(TIMEOUT)
        key = segment.pk
        with connection.cursor() as cursor:
            cursor.execute(_REFRESH.format(members=found.sql), [*found.params, key, key, now, key, now, key])
            return Refreshed(*cursor.fetchone())


def count_matching(rule: Group, *, timeout: dt.timedelta) -> int:
    """How many customers match now; raises Django's OperationalError past `timeout`."""
    found = members(rule)
    with transaction.atomic(), connection.cursor() as cursor:
        _allow(timeout)
        sql = f"SELECT count(*) FROM ({found.sql}) AS matching"  # noqa: S608 (written by compile.py)
        cursor.execute(sql, found.params)
        return int(cursor.fetchone()[0])


def _allow(timeout: dt.timedelta) -> None:
    """Until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('work_mem', %s, true), set_config('statement_timeout', %s, true)",
            [WORK_MEM, str(round(timeout.total_seconds() * 1000))],
        )
