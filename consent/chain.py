"""Was the ledger rewritten? In: customers; out, the first fault of each chain that does not hold.

Each event carries the hash of the one before it, and its own over all its fields (`migrations/0005_chained_ledger.py`
has the form). `consent_chains` keeps where a chain ends. Whoever rewrites an event has to rewrite all after it and the
end; a receipt that was handed out (`receipt.py`) still tells the old hash.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import connection

from consent.models import ConsentChain

PAGE = 1_000

# The heads are read in the same statement: between two, somebody may add an event.
FAULTS = """
WITH wanted AS (SELECT unnest(%s::text[]) AS customer_id),
events AS (
    SELECT e.customer_id, e.place, e.id, e.hash, CASE
        WHEN e.place <> row_number() OVER chain OR e.prev_hash <> lag(e.hash, 1, '') OVER chain THEN 'gap'
        WHEN e.hash <> consent_events_hash(e) THEN 'altered' END AS fault
    FROM consent_events AS e JOIN wanted USING (customer_id)
    WINDOW chain AS (PARTITION BY e.customer_id ORDER BY e.place)
),
ends AS (
    SELECT customer_id, max(place) AS place, (array_agg(hash ORDER BY place DESC))[1] AS hash
    FROM events GROUP BY customer_id
)
SELECT DISTINCT ON (customer_id) customer_id, place, id, fault FROM (
    SELECT customer_id, place, id, fault FROM events WHERE fault IS NOT NULL
    UNION ALL
    SELECT customer_id, LEAST(COALESCE(ends.place, 0), c.length) + 1, NULL, 'end'
    FROM wanted JOIN consent_chains AS c USING (customer_id) LEFT JOIN ends USING (customer_id)
    WHERE (c.length, c.head) IS DISTINCT FROM (ends.place, ends.hash)
    UNION ALL
    SELECT customer_id, ends.place, NULL, 'end' FROM ends
    WHERE NOT EXISTS (SELECT 1 FROM consent_chains AS c WHERE c.customer_id = ends.customer_id)
) AS found
ORDER BY customer_id, place
"""
# Of the ledger and of its ends: a customer may be missing in either.
CUSTOMERS = """
(SELECT customer_id FROM consent_chains WHERE customer_id > %(after)s ORDER BY customer_id LIMIT %(page)s)
UNION
(SELECT DISTINCT customer_id FROM consent_events WHERE customer_id > %(after)s ORDER BY customer_id LIMIT %(page)s)
UNION
(SELECT DISTINCT customer_id FROM customer_consent WHERE customer_id > %(after)s ORDER BY customer_id LIMIT %(page)s)
ORDER BY customer_id LIMIT %(page)s
"""
WORDINGS = """
SELECT sha256 FROM consent_wordings
WHERE sha256 <> encode(sha256(convert_to(locale || E'\\n' || text, 'UTF8')), 'hex') ORDER BY sha256 LIMIT 10
"""
_SAY = {
    "gap": "event {event} at place {place} does not follow the one before it: one was removed, added or moved",
    "altered": "event {event} at place {place} was altered: its hash does not fit its fields",
    "end": "the chain does not end as it should at place {place}: its last events were removed or added",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """The first place where a customer's chain does not hold."""

    customer_id: str
    place: int
    event_id: uuid.UUID | None
    kind: str

    def __str__(self) -> str:
        return _SAY[self.kind].format(event=self.event_id, place=self.place)


def faults(customer_ids: Sequence[str]) -> list[Fault]:
    """The first fault of each of these customers' chains, by one query."""
    with connection.cursor() as cursor:
        cursor.execute(FAULTS, [list(customer_ids)])
        return [Fault(*row) for row in cursor.fetchall()]


def altered_wordings() -> list[str]:
    """Up to ten wordings that are not what their key says. The CHECK would have to be gone."""
    with connection.cursor() as cursor:
        cursor.execute(WORDINGS)
        return [row[0] for row in cursor.fetchall()]


def is_hidden() -> bool:
    """Does the ledger hold something, though this role of the database sees no row of it (row level security)?"""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT row_security_active('consent_events') AND pg_relation_size('consent_events') > 0 "
            "AND NOT EXISTS (SELECT 1 FROM consent_events)"
        )
        return bool(cursor.fetchone()[0])


def customers(*, after: str = "", page: int = PAGE) -> Iterator[list[str]]:
    """Everybody with an event, a chain or a state, in pages by id."""
    while True:
        with connection.cursor() as cursor:
            cursor.execute(CUSTOMERS, {"after": after, "page": page})
            ids = [row[0] for row in cursor.fetchall()]
        if not ids:
            return
        yield ids
        after = ids[-1]


def head(customer_id: str) -> ConsentChain | None:
    """Where the customer's chain ends; None where nothing is on record."""
    return ConsentChain.objects.filter(pk=customer_id).first()
