"""From where on something is suspicious: in, `settings.AUDIT_ANOMALIES`; out, typed values, read at call time."""

import dataclasses
import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings

HOUR = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Every knob with its default. A key of `AUDIT_ANOMALIES` in capitals sets the field of that name."""

    # Which event types mean what.
    login_failed: frozenset[str] = frozenset({"auth.login_failed", "login_failed"})
    privilege_changed: frozenset[str] = frozenset({"access.privilege_changed", "privilege_changed"})
    export: frozenset[str] = frozenset({"data.export", "export"})
    secret_read: frozenset[str] = frozenset({"secret.read", "secret_read"})
    # So many refused logins within `login_window`. An office shares an address, nobody an account.
    logins_per_address: int = 20
    logins_per_account: int = 10
    login_window: dt.timedelta = dt.timedelta(minutes=10)
    # When people change rights: 0 is Monday. «» is the site's own TIME_ZONE.
    working_days: frozenset[int] = frozenset({0, 1, 2, 3, 4})
    work_begins: dt.time = dt.time(7)
    work_ends: dt.time = dt.time(18)
    zone: str = ""
    # Rows exported in an hour: so many times the median of the actor's own hours with exports, and never less than so many.
    export_factor: int = 5
    export_least: int = 1_000
    export_baseline: dt.timedelta = dt.timedelta(days=30)
    # For whoever has exported in fewer hours than that, so many rows are suspicious whatever they did before.
    export_known_hours: int = 3
    export_unknown: int = 10_000
    # A session seen in two networks within this time has two users, or one with a VPN.
    session_window: dt.timedelta = dt.timedelta(minutes=10)
    # Events that reach us so late are still seen, and a run looks back so far at most.
    late: dt.timedelta = dt.timedelta(minutes=15)
    look_back: dt.timedelta = dt.timedelta(hours=24)

    @property
    def local(self) -> ZoneInfo:
        return ZoneInfo(self.zone or settings.TIME_ZONE)


def thresholds() -> Thresholds:
    """The settings in force now."""
    given: Mapping[str, Any] = settings.AUDIT_ANOMALIES
    return Thresholds(**{name.lower(): value for name, value in given.items()})


def problems(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong with the setting: each wrong key, and what to write instead."""
    fields = {field.name.upper(): field for field in dataclasses.fields(Thresholds)}
    right: dict[str, Any] = {}
    for name, value in given.items():
        if name not in fields:
            yield name, f"is no threshold: there are {', '.join(fields)}"
        elif wrong := _wrong(value, fields[name].default):
            yield name, wrong
        else:
            right[name.lower()] = value
    limits = Thresholds(**right)
    if limits.work_begins >= limits.work_ends:
        yield "WORK_ENDS", "must be later than WORK_BEGINS"
    if limits.zone and limits.zone not in available_timezones():
        yield "ZONE", "must be an IANA time zone, such as America/Moncton"
    if not limits.working_days <= set(range(7)):
        yield "WORKING_DAYS", "must be numbers from 0 (Monday) to 6"
    if limits.look_back < HOUR:
        yield "LOOK_BACK", "must be an hour at least: the job runs hourly"


def _wrong(value: object, default: object) -> str:
    match default:
        case frozenset():
            kind = type(next(iter(default)))
            is_right = isinstance(value, frozenset) and all(type(one) is kind for one in value)
            return "" if is_right else f"must be a frozenset of {kind.__name__}"
        case int():
            is_right = type(value) is int and value > 0
            return "" if is_right else "must be a whole number above 0"
        case dt.timedelta():
            is_right = isinstance(value, dt.timedelta) and value > dt.timedelta(0)
            return "" if is_right else "must be a timedelta above 0"
        case _:
            return "" if type(value) is type(default) else f"must be a {type(default).__name__}"
