"""The ledger as a CSV: in, whose and since when; out, rows in the order of each chain. No address is in it: the ledger has none."""

import csv
import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from django.db import connection

from consent.csv_rows import EXPORTED

PAGE = 2_000
# In the order of EXPORTED. Pages by the key of the chain, so that no page is read twice and nothing is kept in memory.
EVENTS = """
SELECT e.customer_id, e.channel, e.category, e.action,
    to_char(e.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), e.source, e.actor, COALESCE(w.text, ''),
    COALESCE(w.locale, ''), e.evidence::text, e.id,
    to_char(e.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), e.place, e.prev_hash, e.hash
FROM consent_events AS e LEFT JOIN consent_wordings AS w ON w.sha256 = e.wording_sha256
WHERE (e.customer_id, e.place) > (%(customer)s, %(place)s) AND (%(only)s::text IS NULL OR e.customer_id = %(only)s)
  AND (%(since)s::timestamptz IS NULL OR e.recorded_at >= %(since)s)
ORDER BY e.customer_id, e.place
LIMIT %(page)s
"""
_PLACE = EXPORTED.index("place")


class Writable(Protocol):
    """A file, or a command's terminal."""

    def write(self, text: str, /) -> object: ...


def export_csv(
    file: Writable,
    *,
    customer_id: str | None = None,
    since: dt.datetime | None = None,
    advance: Callable[[int], object] = lambda _: None,
) -> int:
    """Writes the header and every event recorded since then; answers how many."""
    # All quoted: a text may hold a carriage return alone, which no reader takes without quotes.
    writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(EXPORTED)
    count = 0
    for page in _pages(customer_id, since):
        writer.writerows(page)
        count += len(page)
        advance(len(page))
    return count


def _pages(customer_id: str | None, since: dt.datetime | None) -> Iterator[list[tuple[Any, ...]]]:
    asked: dict[str, Any] = {"customer": "", "place": 0, "only": customer_id, "since": since, "page": PAGE}
    while True:
        with connection.cursor() as cursor:
            cursor.execute(EVENTS, asked)
            rows = cursor.fetchall()
        if not rows:
            return
        yield rows
        asked |= {"customer": rows[-1][0], "place": rows[-1][_PLACE]}
