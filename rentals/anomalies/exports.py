"""Exports far above what somebody usually exports: in, hours of exports and what is usual; out, Findings. Pure.

An hour is weighed as a whole, so that a large export cut into small ones is as heavy as it was.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from rentals.anomalies.finding import KEPT, Finding
from rentals.anomalies.thresholds import Thresholds

TYPE = "bulk_export"


@dataclass(frozen=True, slots=True)
class HourOfExports:
    """What one actor exported in one hour of UTC."""

    actor_id: str
    hour: dt.datetime
    rows: Decimal
    exports: int
    first_at: dt.datetime
    last_at: dt.datetime
    events: Sequence[UUID]


@dataclass(frozen=True, slots=True)
class Usual:
    """An actor's own baseline: the median of rows over the hours in which they exported."""

    hours: int
    median: Decimal


def far_above_usual(
    hours: Iterable[HourOfExports], usual: Mapping[str, Usual], limits: Thresholds
) -> Iterator[Finding]:
    """Hours of at least so many times the actor's own median, or of very much by somebody without a past."""
    for hour in hours:
        own = usual.get(hour.actor_id, Usual(0, Decimal(0)))
        is_known = own.hours >= limits.export_known_hours
        limit = Decimal(limits.export_unknown)
        if is_known:
            limit = max(Decimal(limits.export_least), limits.export_factor * own.median)
        if hour.rows < limit:
            continue
        than = f"{own.median:,.0f} are usual" if is_known else "there is no usual number yet"
        yield Finding(
            TYPE,
            "high",
            hour.actor_id,
            hour.hour,
            f"{hour.rows:,.0f} rows were exported within an hour, where {than}",
            {
                "subject": hour.actor_id,
                "actor": hour.actor_id,
                "rows": int(hour.rows),
                "limit": int(limit),
                "usual": int(own.median) if is_known else None,
                "baseline_hours": own.hours,
                "count": hour.exports,
                "first_at": hour.first_at.isoformat(),
                "last_at": hour.last_at.isoformat(),
                "events": [str(event) for event in hour.events[:KEPT]],
            },
        )
