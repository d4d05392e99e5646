"""How many messages are in each state: in, a moment; out, a count each, exact as far as a person reads, else an estimate.

Up to CAP entries of an index are counted. Beyond that the planner says about how many there are, which costs nothing and
is as good as its last ANALYZE; where even that is below the cap, only «more than» is certain.
"""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.db import connection
from django.utils.formats import number_format
from django.utils.translation import gettext, ngettext

from notifications.models import Notification

CAP: Final = 10_000
Status = Notification.Status
# Queued and past its time; the others of the queued wait for a moment to come.
DUE: Final = "due"

# Statuses stand as literals, so that the partial indexes apply, and each part stops at the cap.
_WHICH: Final[Mapping[str, str]] = {
    Status.QUEUED: "status = 'queued'",
    Status.PROCESSING: "status = 'processing'",
    Status.SENT: "status = 'sent'",
    Status.FAILED: "status = 'failed'",
    Status.CANCELLED: "status = 'cancelled'",
    DUE: "status = 'queued' AND scheduled_at <= %(now)s",
}
# In the order of an index, or a plan made for many rows may read the table up to the limit.
_ORDER: Final[Mapping[str, str]] = {Status.PROCESSING: "id"}


@dataclass(frozen=True, slots=True)
class Counted:
    """`is_exact`, or there are more than `count` (`is_estimate` False), or about `count`."""

    count: int
    is_exact: bool = True
    is_estimate: bool = False

    def __str__(self) -> str:
        """As a page shows it: «7», «9,312», «more than 10,000», «≈ 4.9 million»."""
        if self.is_exact:
            return grouped(self.count)
        return (
            f"≈ {_rounded(self.count)}"
            if self.is_estimate
            else gettext("more than %s") % _rounded(self.count)
        )

    def __bool__(self) -> bool:
        return self.count > 0


def state_counts(*, now: dt.datetime) -> dict[str, Counted]:
    """By state, every status and DUE. One statement, and one more for each state that has more than CAP."""
    parts = (
        f"SELECT '{state}', (SELECT count(*) FROM (SELECT 1 FROM notification_queue WHERE {which}"  # noqa: S608 (constants)
        f" ORDER BY {_ORDER.get(state, 'scheduled_at')} LIMIT %(more)s) AS head)"
        for state, which in _WHICH.items()
    )
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), {"now": now, "more": CAP + 1})
        found: dict[str, int] = dict(cursor.fetchall())
    return {state: Counted(n) if n <= CAP else _about(state, now) for state, n in found.items()}


def grouped(count: int) -> str:
    """«12,345», in the reader's language."""
    return str(number_format(count, use_l10n=True, force_grouping=True))


def _about(state: str, now: dt.datetime) -> Counted:
    with connection.cursor() as cursor:
        sql = f"SELECT 1 FROM notification_queue WHERE {_WHICH[state]}"  # noqa: S608 (constants)
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", {"now": now})
        answer = cursor.fetchone()[0]
    plan = json.loads(answer) if isinstance(answer, str) else answer
    rows = int(plan[0]["Plan"]["Plan Rows"])
    return Counted(rows, is_exact=False, is_estimate=True) if rows > CAP else Counted(CAP, is_exact=False)


def _rounded(count: int) -> str:
    """Two figures of an estimate are all that one may trust."""
    if count >= 1_000_000:
        millions = round(count / 1_000_000, 1)
        return ngettext("%s million", "%s million", int(millions)) % number_format(millions, 1, use_l10n=True)
    magnitude = 10 ** max(0, len(str(count)) - 2)
    return grouped(round(count / magnitude) * magnitude)
