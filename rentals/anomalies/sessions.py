"""Sessions in two places at once: in, the events of sessions, each in order of time; out, a Finding a session and hour. Pure."""

import datetime as dt
from collections.abc import Iterable, Iterator
from itertools import groupby, pairwise

from rentals.anomalies.finding import Event, Finding, bucket_of, concealed, network, sightings
from rentals.anomalies.thresholds import Thresholds

TYPE = "session_in_two_networks"


def in_two_networks(events: Iterable[Event], limits: Thresholds) -> Iterator[Finding]:
    """Sessions whose next event comes from another network within minutes: a stolen cookie, or a VPN."""
    for session, visits in groupby(events, key=lambda event: event.session_id):
        moves: dict[dt.datetime, list[Event]] = {}
        for before, after in pairwise(visits):
            is_near = after.occurred_at - before.occurred_at <= limits.session_window
            if is_near and _network(before) != _network(after):
                moves.setdefault(bucket_of(after.occurred_at), []).extend([before, after])
        for seen in moves.values():
            yield _finding(concealed(session), list(dict.fromkeys(seen)))


def _finding(session: str, seen: list[Event]) -> Finding:
    networks = sorted({_network(event) for event in seen})
    return Finding(
        TYPE,
        "critical",
        session,
        # The second of them is the first move; the one before it may belong to the hour before.
        seen[1].occurred_at,
        f"One session was used from {len(networks)} networks within minutes",
        {
            "subject": session,
            "actor": seen[1].actor_id,
            "networks": networks[:20],
            "network_count": len(networks),
            **sightings(seen),
        },
    )


def _network(event: Event) -> str:
    return network(event.ip_address or "")
