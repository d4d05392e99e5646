"""The current state from the ledger: in, customers; out, where `customer_consent` says something else, and that mended.

The rule is `ledger.py`'s, here for sets: of the latest grant and the latest revocation the later one stands.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection, transaction

from consent.chain import Fault, faults
from consent.write import lock_customers

# A request for confirmation decides nothing, and the window sees the whole key before DISTINCT takes its newest.
STANDING = """
SELECT DISTINCT ON (customer_id, channel, category) customer_id, channel, category, action <> 'revoked' AS enabled,
    max(occurred_at) FILTER (WHERE action <> 'revoked') OVER whole AS granted_at,
    max(occurred_at) FILTER (WHERE action = 'revoked') OVER whole AS revoked_at, source, id AS event_id
FROM consent_events
WHERE customer_id = ANY(%(customers)s::text[]) AND action <> 'requested' AND channel <> 'inapp'
WINDOW whole AS (PARTITION BY customer_id, channel, category)
ORDER BY customer_id, channel, category, occurred_at DESC, (action = 'revoked') DESC, place
"""
DRIFT = f"""
SELECT customer_id, channel, category,
    CASE WHEN c.id IS NULL THEN 'missing' WHEN s.event_id IS NULL THEN 'unfounded' ELSE 'different' END
FROM ({STANDING}) AS s
FULL JOIN (SELECT * FROM customer_consent WHERE customer_id = ANY(%(customers)s::text[])) AS c
    USING (customer_id, channel, category)
WHERE (s.enabled, s.granted_at, s.revoked_at, s.source, s.event_id)
    IS DISTINCT FROM (c.enabled, c.granted_at, c.revoked_at, c.source, c.event_id)
ORDER BY customer_id, channel, category
"""  # noqa: S608 (our own SQL)
WRITE = f"""
INSERT INTO customer_consent AS c
    (id, customer_id, channel, category, enabled, granted_at, revoked_at, source, event_id)
SELECT gen_random_uuid(), s.* FROM ({STANDING}) AS s
ON CONFLICT (customer_id, channel, category) DO UPDATE SET enabled = excluded.enabled,
    granted_at = excluded.granted_at, revoked_at = excluded.revoked_at, source = excluded.source,
    event_id = excluded.event_id
WHERE (c.enabled, c.granted_at, c.revoked_at, c.source, c.event_id)
    IS DISTINCT FROM (excluded.enabled, excluded.granted_at, excluded.revoked_at, excluded.source, excluded.event_id)
"""  # noqa: S608 (our own SQL)
UNFOUNDED = f"""
DELETE FROM customer_consent AS c
WHERE customer_id = ANY(%(customers)s::text[])
  AND NOT EXISTS (SELECT 1 FROM ({STANDING}) AS s
                  WHERE (s.customer_id, s.channel, s.category) = (c.customer_id, c.channel, c.category))
"""  # noqa: S608 (our own SQL)
_SAY = {
    "missing": "the ledger decides it, and the state does not know",
    "unfounded": "the state says something that no event supports",
    "different": "the state is not what the ledger says",
}


@dataclass(frozen=True, slots=True)
class Drift:
    """One key whose state is not what the ledger says. `kind` is missing, unfounded or different."""

    customer_id: str
    channel: str
    category: str
    kind: str

    def __str__(self) -> str:
        return f"customer {self.customer_id}, {self.category} by {self.channel}: {_SAY[self.kind]}"


@dataclass(frozen=True, slots=True)
class Looked:
    """What one page of customers showed: broken chains, and what drifted (mended, unless only looked at)."""

    faults: Sequence[Fault]
    drifts: Sequence[Drift]


def look(customer_ids: Sequence[str]) -> Looked:
    """Compare, and change nothing. Two queries."""
    return Looked(faults(customer_ids), drifts(customer_ids))


def rebuild(customer_ids: Sequence[str]) -> Looked:
    """Make the state what the ledger says, under the customers' locks, in one transaction. A customer whose chain is
    broken is left alone: what cannot be trusted must not decide whom we write to."""
    with transaction.atomic():
        lock_customers(set(customer_ids))
        broken = faults(customer_ids)
        sound = sorted(set(customer_ids) - {fault.customer_id for fault in broken})
        found = drifts(sound)
        if found:
            mended = {"customers": sorted({drift.customer_id for drift in found})}
            with connection.cursor() as cursor:
                if any(drift.kind == "unfounded" for drift in found):  # it takes the right to delete
                    cursor.execute(UNFOUNDED, mended)
                cursor.execute(WRITE, mended)
    return Looked(broken, found)


def drifts(customer_ids: Sequence[str]) -> list[Drift]:
    """Where the state of these customers is not what their events say."""
    with connection.cursor() as cursor:
        cursor.execute(DRIFT, {"customers": list(customer_ids)})
        return [Drift(*row) for row in cursor.fetchall()]
