"""What an act costs among many rows: a chunk, the page and the cleaning read an index, never a table."""

import datetime as dt
import time
import uuid

import pytest
from django.db import connection
from django.utils import timezone

from notifications.admin.act_page import rows
from notifications.admin.criteria import matching
from notifications.bulk import work as working
from notifications.bulk.choose import choose
from notifications.bulk.order import Wish, ask, ask_to_undo
from notifications.expire import BATCH, expire
from notifications.models import BulkAct, BulkActRow
from notifications.retention import Retention
from tests.plan_reader import Plan, explained

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("swept")]
MANY = 100_000
TABLES = ("bulk_acts", "bulk_act_rows", "notification_queue")
FILL = """
INSERT INTO notification_queue (id, channel, "to", recipient_key, payload, metadata, category, priority, scheduled_at,
    created_at, status, attempts, last_attempt_at, error, subject)
SELECT gen_random_uuid(), 'email', '{"customer_id": "1"}', 'customer:1', '{}', '{}', 'reminder', 2, now() - interval '1 hour',
    now() - interval '2 hours', CASE WHEN n %% 10 = 0 THEN 'failed' ELSE 'queued' END, 0, now() - interval '1 hour', '503: down', 'Hello'
FROM generate_series(1, %s) AS n
"""
# An act of long ago beside the one that is looked at.
OTHERS = """
INSERT INTO bulk_act_rows (act_id, notification_id, state, why)
SELECT %s, gen_random_uuid(), 'done', '' FROM generate_series(1, %s)
"""


def reads(plans: list[Plan]) -> tuple[set[str], set[str]]:
    """The indexes, and the tables that were read from end to end, of what has many rows."""
    whole = set[str]().union(*(plan.whole_tables for plan in plans))
    return set[str]().union(*(plan.indexes for plan in plans)), whole & {
        "bulk_act_rows",
        "notification_queue",
    }


@pytest.fixture
def act() -> BulkAct:
    """A replay of every tenth of many, chosen and not begun."""
    with connection.cursor() as cursor:
        cursor.execute(FILL, [MANY])
        cursor.execute(OTHERS, [uuid.UUID(int=1), MANY])
    row, _ = ask(Wish("replay", by="staff:1", reason="x", query="status__exact=failed"), now=timezone.now())
    assert choose(row, matching) == MANY // 10
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE notification_queue, bulk_act_rows, bulk_acts")
    return row


def test_a_chunk_reads_its_own_rows_and_no_table(act: BulkAct) -> None:
    token = working._take(act.pk)
    assert token is not None
    with explained(*TABLES) as plans:
        assert working._chunk(act.pk, token) == working.CHUNK
    indexes, whole = reads(plans)
    assert {"bulk_act_rows_pkey", "notification_queue_pkey"} <= indexes, "\n".join(map(str, plans))
    assert whole == set(), "\n".join(map(str, plans))


def test_an_undos_chunk_does_too(act: BulkAct) -> None:
    working.work(matching=matching, until=time.monotonic() + 60)
    undo, _ = ask_to_undo(act.pk, by="staff:1", reason="x", now=timezone.now())
    choose(undo, matching)
    token = working._take(undo.pk)
    assert token is not None
    with explained(*TABLES) as plans:
        assert working._chunk(undo.pk, token) == working.CHUNK
    indexes, whole = reads(plans)
    assert {"bulk_act_rows_pkey", "notification_queue_pkey"} <= indexes, "\n".join(map(str, plans))
    assert whole == set(), "\n".join(map(str, plans))


@pytest.mark.parametrize(
    ("only_left", "index"), [(False, "bulk_act_rows_pkey"), (True, "bulk_act_rows_left")]
)
def test_an_acts_page_reads_one_range(act: BulkAct, only_left: bool, index: str) -> None:
    with explained(*TABLES) as plans:
        rows(act, after="", only_left=only_left)
    indexes, whole = reads(plans)
    assert index in indexes, "\n".join(map(str, plans))
    assert whole == set(), "\n".join(map(str, plans))


def test_cleaning_reads_what_is_old_and_nothing_else(act: BulkAct) -> None:
    working.work(matching=matching, until=time.monotonic() + 60)
    with explained(*TABLES) as plans:
        expire(Retention(), now=timezone.now(), until=time.monotonic() + 60)
    assert reads(plans)[1] == set(), "\n".join(map(str, plans))
    later = timezone.now() + dt.timedelta(days=91)
    with explained(*TABLES) as plans:
        expire(Retention(), now=later, until=time.monotonic() + 60)
    assert "bulk_act_rows_pkey" in reads(plans)[0], "\n".join(map(str, plans))
    assert reads(plans)[1] == set(), "\n".join(map(str, plans))
    # A batch, since the test is one transaction.
    assert BulkActRow.objects.filter(act=act).count() == MANY // 10 - BATCH
