"""The words of the rules: in, an audit event's columns; out, Events, Findings with the key of their evidence, masked networks."""

import datetime as dt
import ipaddress
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.crypto import salted_hmac

# Of many events, so many ids are kept as evidence; the others are found by actor and time.
KEPT = 20
_PREFIX = {4: 24, 6: 48}


@dataclass(frozen=True, slots=True)
class Event:
    """What the rules read of an audit event."""

    id: uuid.UUID
    occurred_at: dt.datetime
    actor_id: str = ""
    ip_address: str | None = None
    session_id: str = ""
    resource_id: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One suspicious thing of one subject within one hour. No address in it, only its network; no session, only its hash."""

    incident_type: str
    severity: str
    subject: str
    at: dt.datetime
    description: str
    evidence: Mapping[str, Any]

    @property
    def key(self) -> str:
        """Rule, subject and the hour, in UTC: whichever window sees it again, it is the same."""
        return f"{self.incident_type}:{self.subject}:{self.at.astimezone(dt.UTC):%Y-%m-%dT%HZ}"


def hour_of(at: dt.datetime) -> dt.datetime:
    return at.astimezone(dt.UTC).replace(minute=0, second=0, microsecond=0)


def sightings(events: Sequence[Event]) -> dict[str, Any]:
    """The part of the evidence that all rules share: how many, when, which."""
    return {
        "count": len(events),
        "first_at": events[0].occurred_at.isoformat(),
        "last_at": events[-1].occurred_at.isoformat(),
        "events": [str(event.id) for event in events[:KEPT]],
    }


def network(address: str) -> str:
    """The network an address lies in, /24 or /48: near enough to tell two places apart, too wide to name a household."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return str(ipaddress.ip_network(f"{ip}/{_PREFIX[ip.version]}", strict=False))


def concealed(value: str) -> str:
    """A name for an address or a session that gives neither away, and is the same each time."""
    return salted_hmac("rentals.anomalies", value, algorithm="sha256").hexdigest()[:16]
