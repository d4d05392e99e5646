"""Quiet hours: in, candidates; out, those that wait for an opening by the recipient's own clock. No query.

Where the time zone is not known, it must be open in every zone that the phone number, or else FALLBACK_ZONES, allows.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

import phonenumbers
from django.conf import settings

from consent.policy import Decision
from notifications.candidate import Candidate, hold
from notifications.conf import Conf, conf
from notifications.quiet_hours import HORIZON, Week, next_opening, spread, week_of
from notifications.reach import Reach


@dataclass(frozen=True, slots=True)
class _Whereabouts:
    """The zones that a recipient may be in, by name, and how we know."""

    zones: tuple[str, ...]
    source: str  # contact, number, fallback


@dataclass(frozen=True, slots=True)
class _Opening:
    at: dt.datetime
    week: Week
    zones: tuple[ZoneInfo, ...]  # in which it is open
    shared: bool = True  # False: the zones have no hour in common, and TIME_ZONE decided


def in_hours(candidates: Sequence[Candidate], *, now: dt.datetime) -> dict[uuid.UUID, Decision]:
    """A hold, or an expiry, for each candidate that may not go out when it is due."""
    given = conf()
    answers: dict[uuid.UUID, Decision] = {}
    # Of a batch, most share the hour and the zone.
    known: dict[tuple[object, ...], tuple[_Whereabouts, _Opening]] = {}
    for candidate in candidates:
        spec = given.quiet_hours.get(candidate.category, {}).get(candidate.channel)
        if spec is None or candidate.reach is None:
            continue
        due = max(candidate.due_at, now)
        zone, number = _hints(candidate.reach)
        key = (candidate.category, candidate.channel, due, zone, number)
        if key not in known:
            where = whereabouts(zone, number, given)
            known[key] = where, _opening(week_of(spec), where.zones, due)
        where, opening = known[key]
        if opening.at > due:
            answers[candidate.id] = _hold(candidate, where, opening, due, now, given.opening_spread)
    return answers


def _hints(reach: Reach) -> tuple[str, str]:
    """The time zone, or else the phone number, which may tell it."""
    if zone_named(reach.contact.timezone):
        return reach.contact.timezone, ""
    return "", reach.addresses.get("sms") or reach.contact.phone


def whereabouts(zone: str, number: str, given: Conf) -> _Whereabouts:
    """The recipient's zone, or every zone they may plausibly be in."""
    if zone:
        return _Whereabouts((zone,), "contact")
    if zones := _zones_of_number(number):
        return _Whereabouts(zones, "number")
    return _Whereabouts(
        (settings.TIME_ZONE, *sorted({*given.fallback_zones} - {settings.TIME_ZONE})), "fallback"
    )


@lru_cache(maxsize=1024)
def zone_named(name: str) -> ZoneInfo | None:
    """None where this is no IANA name."""
    return ZoneInfo(name) if name in _names() else None


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    return frozenset(available_timezones())  # reads the whole directory each time


def _zones_of_number(number: str) -> tuple[str, ...]:
    """Where a number's area code is; empty where that is not known."""
    # 11 MB of prefixes, loaded only where somebody's zone is missing.
    from phonenumbers.timezone import time_zones_for_number

    try:
        zones: tuple[str, ...] = time_zones_for_number(phonenumbers.parse(number)) if number else ()
    except phonenumbers.NumberParseException:
        return ()
    return zones if zones and all(map(zone_named, zones)) else ()


def _opening(week: Week, names: tuple[str, ...], due: dt.datetime) -> _Opening:
    zones = tuple(zone for name in names if (zone := zone_named(name)))
    if at := next_opening(week, zones, due):
        return _Opening(at, week, zones)
    ours = (ZoneInfo(settings.TIME_ZONE),)
    return _Opening(next_opening(week, ours, due) or due + HORIZON, week, ours, shared=False)


def _hold(
    candidate: Candidate,
    where: _Whereabouts,
    opening: _Opening,
    due: dt.datetime,
    now: dt.datetime,
    over: dt.timedelta,
) -> Decision:
    room = over if candidate.expires_at is None else min(over, candidate.expires_at - opening.at)
    at = spread(opening.week, opening.zones, opening.at, over=max(room, dt.timedelta()), lot=candidate.lot)
    reason = _reason(where, opening, due, is_now=due == now)
    return hold(candidate, until=at, rule="quiet_hours", reason=reason, late="Quiet hours came first.")


def _reason(where: _Whereabouts, opening: _Opening, due: dt.datetime, *, is_now: bool) -> str:
    if len(where.zones) == 1:
        (zone,) = opening.zones
        source = ", by the phone number" if where.source == "number" else ""
        verb = "is" if is_now else "would be"
        clock, start = f"{due.astimezone(zone):%H:%M}", _clock(opening.at, zone, due)
        return f"It {verb} {clock} for the recipient; it may go out from {start} ({zone.key}{source})."
    ours = ZoneInfo(settings.TIME_ZONE)
    start = f"{_clock(opening.at, ours, due)} ({ours.key})"
    if opening.shared:
        return (
            f"The recipient's time zone is not known; from {start} on it may go out "
            f"in all {len(where.zones)} zones where they may be."
        )
    return (
        f"The recipient's time zone is not known, and the {len(where.zones)} zones where they may be have no hour in "
        f"common; by our own clock it may go out from {start}."
    )


def _clock(at: dt.datetime, zone: ZoneInfo, due: dt.datetime) -> str:
    """The hour alone, unless it is further away than a day."""
    local = at.astimezone(zone)
    return f"{local:%H:%M}" if at - due < dt.timedelta(days=1) else f"{local:%Y-%m-%d %H:%M}"
