"""How many messages stand behind each tab: in, a moment; out, counts, exact up to a limit and estimated beyond it.

The states themselves are counted by `state_counts`; what only the tabs know is counted here in the same manner: along an
index and no further than the limit, then by the planner's statistics, which autovacuum keeps.
"""

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from notifications import state_counts
from notifications.admin.standings import BY_NAME, UNKNOWN
from notifications.models import Notification
from notifications.state_counts import Counted

SCHEDULED = "scheduled"


def standing_counts(*, now: dt.datetime) -> Mapping[str, Counted]:
    """By the name of each tab."""
    states = state_counts.state_counts(now=now)
    every = [states[status] for status in Notification.Status.values]
    total = sum(one.count for one in every)
    is_exact = all(one.is_exact for one in every)
    return {
        "": Counted(total, is_exact=is_exact, is_estimate=not is_exact),
        **states,
        **_count([SCHEDULED, UNKNOWN], now),
    }


def estimated(rows: QuerySet[Notification]) -> int:
    """How many the planner expects; it reads no row for it."""
    answer: list[dict[str, Any]] = json.loads(rows.order_by().values("pk").explain(format="json"))
    return int(answer[0]["Plan"]["Plan Rows"])


def _count(names: list[str], now: dt.datetime) -> Mapping[str, Counted]:
    """In one statement, and one more for each that has more than the cap."""
    cap = state_counts.CAP
    parts: list[str] = []
    values: list[Any] = []
    for name in names:
        standing = BY_NAME[name]
        rows = standing.rows(Notification.objects.all(), now=now).order_by(*standing.ordering)
        sql, given = rows.values(standing.order.lstrip("-"))[: cap + 1].query.sql_with_params()
        parts.append(f"(SELECT count(*) FROM ({sql}) AS head)")  # noqa: S608 (Django's own, with parameters)
        values += given
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(parts)}", values)
        found = dict(zip(names, cursor.fetchone(), strict=True))
    return {name: Counted(n) if n <= cap else _about(name, now) for name, n in found.items()}


def _about(name: str, now: dt.datetime) -> Counted:
    number = estimated(BY_NAME[name].rows(Notification.objects.all(), now=now))
    if number <= state_counts.CAP:
        return Counted(state_counts.CAP, is_exact=False)
    return Counted(number, is_exact=False, is_estimate=True)
