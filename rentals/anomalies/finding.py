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
HOUR = dt.timedelta(hours=1)
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
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
    """One suspicious thing of one subject within one bucket of time. No address in it, only its network; no session, only its
    hash."""

    incident_type: str
    severity: str
    subject: str
    at: dt.datetime
    description: str
    evidence: Mapping[str, Any]
    bucket: dt.timedelta = HOUR
    # It goes on after an incident that held all until then.
    after: dt.datetime | None = None

    @property
    def key(self) -> str:
        """Rule, subject and bucket, in UTC: whichever window sees it again, it is the same. What goes on after it was told
        is another, also within the bucket."""
        key = f"{self.incident_type}:{self.subject}:{bucket_of(self.at, self.bucket):%Y-%m-%dT%H:%MZ}"
        return f"{key}:after:{self.after:%H:%M:%S.%f}" if self.after else key


def bucket_of(at: dt.datetime, size: dt.timedelta = HOUR) -> dt.datetime:
    """When the bucket that holds this moment began; they are laid end to end since 1970."""
    return EPOCH + (at - EPOCH) // size * size


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
