"""Stop and go: in, a channel, a reason and who says so; out, its row changed and the change kept in `channel_events`.

A person's pause and the machine's stand beside each other: neither shortens the other, and resuming ends both.
"""

import datetime as dt
import logging
from typing import Any

from django.db import transaction

from consent.models import Channel
from notifications.breaker import Breaker
from notifications.channel_stops import MACHINE, breaker_of, read, stops
from notifications.models import ChannelEvent, ChannelState

logger = logging.getLogger(__name__)
What = ChannelEvent.What
_LOUD = frozenset({What.PAUSED, What.REFUSED, What.OPENED})


def pause(channel: str, *, until: dt.datetime | None, reason: str, by: str) -> None:
    """Send nothing on a channel; its rows wait and burn no attempt. `until` None: until somebody resumes it.

    A longer pause of the same kind that is in force stays.
    """
    with transaction.atomic():
        row, clock = locked(channel)
        if by == MACHINE:
            _refuse(row, clock, until=until, reason=reason)
        elif not row.until_resumed and (until is None or not row.paused_until or row.paused_until < until):
            write(
                channel, paused_until=until, until_resumed=until is None, reason=reason, changed_by=by, changed_at=clock
            )  # fmt: skip
            note(channel, What.PAUSED, by=by, reason=reason, until=until)


def resume(channel: str, *, by: str, reason: str = "") -> bool:
    """Send again from the next claim on, whatever stood against it. Answers whether anything did."""
    with transaction.atomic():
        row, clock = locked(channel)
        if not stops(row, now=clock) and breaker_of(row) == Breaker():
            return False
        write(
            channel, paused_until=None, until_resumed=False, reason="", changed_by=by, changed_at=clock,
            refused_until=None, refused_reason="", limited_until=None, **columns(Breaker()),
        )  # fmt: skip
        note(channel, What.RESUMED, by=by, reason=reason)
    return True


def locked(channel: str, *, now: dt.datetime | None = None) -> tuple[ChannelState, dt.datetime]:
    """The channel's row, made where it is missing and kept for us until the transaction ends; and the clock."""
    name = Channel(channel)
    if name not in (found := read([name], now=now, lock=True)):
        ChannelState.objects.bulk_create([ChannelState(channel=name)], ignore_conflicts=True)
        found = read([name], now=now, lock=True)
    return found[name]


def write(channel: str, **changes: Any) -> None:
    ChannelState.objects.filter(pk=channel).update(**changes)


def note(channel: str, what: What, *, by: str, reason: str = "", until: dt.datetime | None = None) -> None:
    """Keep a change for good, and tell the log."""
    ChannelEvent.objects.create(channel=channel, what=what, by=by, reason=reason, until=until)
    level = logging.ERROR if what in _LOUD else logging.INFO
    logger.log(level, "channel.%s channel=%s until=%s by=%s reason=%s", what, channel, until, by, reason)


def columns(breaker: Breaker) -> dict[str, Any]:
    """A breaker as it stands in the row."""
    return {
        "faults": breaker.faults,
        "openings": breaker.openings,
        "open_until": breaker.open_until,
        "probe_until": breaker.probe_until,
    }


def _refuse(row: ChannelState, clock: dt.datetime, *, until: dt.datetime | None, reason: str) -> None:
    if until is None:
        raise ValueError("a pause that nobody decided must end by itself: name a moment")
    before = row.refused_until
    if before is None or before < until:
        write(row.channel, refused_until=until, refused_reason=reason)
    if before is None or before <= clock:
        # The other calls in flight are refused too; one line tells it.
        note(row.channel, What.REFUSED, by=MACHINE, reason=reason, until=until)
