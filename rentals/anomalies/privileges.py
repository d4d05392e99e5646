"""Rights that change while nobody works: in, changes in order of time; out, a Finding for each actor and hour. Pure."""

from collections.abc import Iterable, Iterator

from rentals.anomalies.finding import Event, Finding, bucket_of, sightings
from rentals.anomalies.thresholds import Thresholds

TYPE = "privilege_change_after_hours"


def after_hours(events: Iterable[Event], limits: Thresholds) -> Iterator[Finding]:
    """Changes outside the working hours of the business, by its own clock, or on a day off."""
    found: dict[tuple[str, object], list[Event]] = {}
    for event in events:
        if not _is_working_time(event, limits):
            found.setdefault((event.actor_id, bucket_of(event.occurred_at)), []).append(event)
    for (actor, _hour), changes in found.items():
        many = "Rights were changed" if len(changes) == 1 else f"Rights were changed {len(changes)} times"
        yield Finding(
            TYPE,
            "high",
            actor or "unknown",
            changes[0].occurred_at,
            f"{many} outside working hours",
            {"subject": actor or "unknown", "actor": actor, **sightings(changes)},
        )


def _is_working_time(event: Event, limits: Thresholds) -> bool:
    local = event.occurred_at.astimezone(limits.local)
    return local.weekday() in limits.working_days and limits.work_begins <= local.time() < limits.work_ends
