"""Which messages an act is about, where they are too many for a page: in, its filter; out, a row for each, as of its asking."""

import re
from collections.abc import Callable

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from notifications.bulk.kinds import KINDS
from notifications.models import BulkAct, BulkActRow, Notification

# What a list's filter matches now (admin/criteria.py): the list knows its own filters.
Matching = Callable[[BulkAct], QuerySet[Notification]]

_ADDRESS = re.compile(r"(address(?::|%3A))[0-9a-f]{64}")
# What the undone act did; what it left alone is as it was.
UNDONE = """
INSERT INTO bulk_act_rows (act_id, notification_id, state, why, before)
SELECT %s, notification_id, 'waiting', '', before FROM bulk_act_rows
WHERE act_id = %s AND state = 'done' ON CONFLICT DO NOTHING
"""


def choose(act: BulkAct, matching: Matching) -> int:
    """Write down the messages that match and that the act takes; answers how many. One statement, so one moment: what came
    or was tried after the act was confirmed is not among them. It locks none of them, and may be repeated."""
    if act.undoes_id is not None:
        return choose_undone(act)
    found = eligible(matching(act), act.act)
    since = Q(last_attempt_at__isnull=True) | Q(last_attempt_at__lte=act.asked_at)
    rows = found.filter(since, created_at__lte=act.asked_at).order_by().values("pk")
    sql, arguments = rows.query.sql_with_params()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO bulk_act_rows (act_id, notification_id, state, why) "  # noqa: S608 (the ORM's own SQL)
            f"SELECT %s, chosen.id, 'waiting', '' FROM ({sql}) AS chosen(id) ON CONFLICT DO NOTHING",
            [act.pk, *arguments],
        )
        return _count(act)


def choose_undone(act: BulkAct) -> int:
    """The messages of the act that this one undoes."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(UNDONE, [act.pk, act.undoes_id])
        return _count(act)


def _count(act: BulkAct) -> int:
    """From here on the rows say which: whose address was searched for is nobody's business any more (privacy/erase.py)."""
    total = BulkActRow.objects.filter(act_id=act.pk).count()
    BulkAct.objects.filter(pk=act.pk).update(total=total, tries=0, query=without_addresses(act.query))
    return total


def without_addresses(query: str) -> str:
    """A list's query string, of which a search by an address says only that it was one."""
    return _ADDRESS.sub(r"\1hidden", query)


def eligible(rows: QuerySet[Notification], act: str) -> QuerySet[Notification]:
    """Of these, the ones that the act takes."""
    kind = KINDS[act]
    return rows.filter(status__in=kind.takes, **(kind.only or {}))
