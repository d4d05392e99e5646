"""Secrets read by somebody who never did: in, the first reads of actors; out, a Finding each. Pure."""

from collections.abc import Iterable, Iterator

from rentals.anomalies.finding import Event, Finding, sightings

TYPE = "first_secret_read"


def by_first_timers(first_reads: Iterable[Event]) -> Iterator[Finding]:
    """The query finds the first read of each actor; that it was the first is the whole suspicion."""
    for read in first_reads:
        yield Finding(
            TYPE,
            "medium",
            read.actor_id or "unknown",
            read.occurred_at,
            "A secret was read by somebody who never read one before",
            {
                "subject": read.actor_id or "unknown",
                "actor": read.actor_id,
                "resource": read.resource_id,
                **sightings([read]),
            },
        )
