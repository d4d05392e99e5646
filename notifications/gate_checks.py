"""Are the gates' settings right? In: `settings.NOTIFICATIONS`; out, (setting, what is wrong and what to write) pairs.

`notifications/checks.py` turns them into system checks.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from django.utils.module_loading import import_string

from consent.models import Channel
from consent.policy import OPTIONAL
from notifications.conf import conf
from notifications.quiet_hours import week_of
from notifications.recipient_hours import zone_named

Problem = tuple[str, str]
# Whoever waits for a code or a receipt waits for it now, and for each of them.
_OPTIONAL = sorted(category.value for category in OPTIONAL)


def gate_problems() -> Iterator[Problem]:
    given = conf()
    for name, read in _READERS.items():
        value = getattr(given, name.lower())
        if isinstance(value, Mapping):
            for problem in read(value):
                yield f'NOTIFICATIONS["{name}"]', problem
        else:
            yield f'NOTIFICATIONS["{name}"]', f"is a {type(value).__name__}: write a dict"
    for zone in given.fallback_zones:
        if not zone_named(zone):
            yield 'NOTIFICATIONS["FALLBACK_ZONES"]', f"has “{zone}”: write an IANA name, as America/Moncton"
    for name, least in (("OPENING_SPREAD", dt.timedelta(0)), ("RELEVANCE_RETRY", dt.timedelta(seconds=1))):
        value = getattr(given, name.lower())
        if not isinstance(value, dt.timedelta) or value < least:
            yield f'NOTIFICATIONS["{name}"]', "is no such length of time: write timedelta(minutes=5)"


def _quiet_hours(value: Mapping[str, Any]) -> Iterator[str]:
    for category, channels in value.items():
        if category not in _OPTIONAL:
            yield _not_this(category, "wait for hours")
            continue
        if not isinstance(channels, Mapping):
            yield f'for {category} is no dict: write {{"sms": "08:00-21:00"}}'
            continue
        for channel, spec in channels.items():
            if channel not in Channel.values or channel == Channel.INAPP:
                yield f"has “{channel}”: write email, sms or push (an in-app message disturbs nobody)"
                continue
            try:
                week_of(spec)
            except ValueError as error:
                yield f"for {category} by {channel} {error}"


def _relevance(value: Mapping[str, Any]) -> Iterator[str]:
    for name, path in value.items():
        try:
            found = import_string(path)
        except ImportError as error:
            yield f"for “{name}” cannot be imported: {error}"
            continue
        if not callable(found):
            yield f"for “{name}” names {path}, which is no function: write the dotted path of one"


def _caps(value: Mapping[str, Any]) -> Iterator[str]:
    for category, caps in value.items():
        if category not in _OPTIONAL:
            yield _not_this(category, "be capped")
            continue
        for cap in caps if isinstance(caps, Sequence) else (caps,):
            match cap:
                case (int(most), dt.timedelta() as period) if most > 0 and period > dt.timedelta(0):
                    continue
                case _:
                    yield f"for {category} has {cap!r}: write (1, timedelta(days=1)) for one message a day"


def _not_this(category: object, may_not: str) -> str:
    return f"names “{category}”: only {' and '.join(_OPTIONAL)} may {may_not}; leave the others out"


_READERS: Mapping[str, Callable[[Mapping[str, Any]], Iterator[str]]] = {
    "QUIET_HOURS": _quiet_hours,
    "RELEVANCE": _relevance,
    "CAPS": _caps,
}
