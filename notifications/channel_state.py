"""May a channel send now, and how much? In: names, and what providers answered; out, permits, and the shared row updated.

The circuit breaker, the provider's own limit and our rate limit stand in one row a channel, for all workers and hosts.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction

from consent.models import Channel
from notifications import rate as rates
from notifications.breaker import Sign, State, begin_probe, heed, sign, state
from notifications.channel_pause import What, columns, locked, note, pause, resume, write
from notifications.channel_stops import (
    MACHINE,
    Kind,
    Standing,
    Stop,
    breaker_of,
    read,
    state_of,
    states,
    stops,
)
from notifications.conf import conf
from notifications.errors import Outcome, Transient, Unknown
from notifications.models import ChannelState

__all__ = [
    "MACHINE", "Kind", "Permit", "Standing", "Stop", "give_back", "open_channels", "pause", "permits", "report", "resume",
    "state_of", "states",
]  # fmt: skip

# The longest that a provider's Retry-After holds the whole channel; a row keeps its own.
LONGEST_LIMIT = dt.timedelta(hours=1)
# How soon to look again while another worker tries the provider.
LOOK_AGAIN = dt.timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Permit:
    """What one channel may do now: claim up to `count` messages. With 0, `wait` says when to ask again (None: when
    somebody has resumed it). `probe`: this is the half-open breaker's one trial."""

    count: int
    wait: dt.timedelta | None = None
    probe: bool = False


def permits(names: Sequence[str], *, wanted: int, now: dt.datetime | None = None) -> dict[str, Permit]:
    """One SELECT for all; another statement only for a channel with a rate limit, or for a trial.

    What is not used goes back by `give_back`; what became of the rest is told by `report`.
    """
    rows = read(names, now=now)
    return {name: _permit(name, rows.get(name), wanted, now) for name in names}


def give_back(channel: str, count: int, *, probe: bool = False) -> None:
    """Permits that were not used. No statement without a rate limit or a trial."""
    if probe:
        report(channel, [], probe=True)
    limit = conf().rate_limit(channel)
    if limit and count > 0:
        rates.put_back(channel, limit, count)


def report(
    channel: str, outcomes: Sequence[Outcome], *, probe: bool = False, now: dt.datetime | None = None
) -> None:
    """What the provider answered, after a batch is recorded. Writes nothing while all is well."""
    per_address = channel == Channel.PUSH  # each browser has a push service of its own
    signs = [sign(outcome, per_address=per_address) for outcome in outcomes]
    limited = Sign.LIMITED in signs and not per_address
    if probe or limited or Sign.FAULT in signs:
        with transaction.atomic():
            row, clock = locked(channel, now=now)
            if limited:
                _limit(row, clock, outcomes, signs)
            _heed(row, clock, outcomes, signs, probe=probe)
    elif Sign.ANSWERED in signs:
        ChannelState.objects.filter(pk=channel, faults__gt=0).update(faults=0)


def open_channels(wanted: Iterable[str], *, now: dt.datetime | None = None) -> list[str]:
    """The wanted channels that nothing stands against, in their order. One query."""
    return [standing.channel for standing in states(list(wanted), now=now) if not standing.stops]


def _permit(
    name: str, found: tuple[ChannelState, dt.datetime] | None, wanted: int, now: dt.datetime | None
) -> Permit:
    probing = False
    if found:
        row, clock = found
        if standing := stops(row, now=clock):
            return Permit(0, _wait(standing, clock))
        probing = state(breaker_of(row), now=clock) is State.HALF_OPEN
    count, wait = min(wanted, 1) if probing else wanted, dt.timedelta()
    limit = conf().rate_limit(name)
    if limit and count:
        if not found:
            ChannelState.objects.bulk_create([ChannelState(channel=name)], ignore_conflicts=True)
        count, wait = rates.take(name, limit, count, now=now)
    if not count:
        return Permit(0, wait)
    if probing and found and not _begin_probe(*found):
        give_back(name, count)
        return Permit(0, LOOK_AGAIN)
    return Permit(count, probe=probing)


def _wait(standing: Sequence[Stop], clock: dt.datetime) -> dt.timedelta | None:
    """Until the last of them ends; a trial is over as soon as its answer is there."""
    waits = []
    for stop in standing:
        if stop.until is None:
            return None
        waits.append(LOOK_AGAIN if stop.kind is Kind.TRIAL else stop.until - clock)
    return max(waits)


def _begin_probe(row: ChannelState, clock: dt.datetime) -> bool:
    """One of all the workers gets it: the row must still be as it was read."""
    before = breaker_of(row)
    after = begin_probe(before, now=clock, lease=conf().lease)
    if after is None:
        return False
    return ChannelState.objects.filter(pk=row.pk, **columns(before)).update(**columns(after)) == 1


def _limit(row: ChannelState, clock: dt.datetime, outcomes: Sequence[Outcome], signs: Sequence[Sign]) -> None:
    """The account is limited, so the whole channel waits as long as the provider asks."""
    waits = [
        outcome.retry_after
        for outcome, one in zip(outcomes, signs, strict=True)
        if one is Sign.LIMITED and isinstance(outcome, Transient) and outcome.retry_after
    ]
    until = clock + min(max(waits), LONGEST_LIMIT)
    before = row.limited_until
    if before is None or before < until:
        write(row.channel, limited_until=until)
    if before is None or before <= clock:
        note(row.channel, What.LIMITED, by=MACHINE, reason="429", until=until)


def _heed(
    row: ChannelState, clock: dt.datetime, outcomes: Sequence[Outcome], signs: Sequence[Sign], *, probe: bool
) -> None:
    before = breaker_of(row)
    after = heed(before, signs, probe=probe, now=clock, policy=conf().breaker)
    if after == before:
        return
    codes = [o.code for o in outcomes if isinstance(o, Transient | Unknown)]
    write(row.channel, **columns(after), last_fault=codes[-1] if codes else row.last_fault)
    if after.openings > before.openings:
        faults = (
            "the trial failed" if probe and before.openings else f"{conf().breaker.threshold} faults in a row"
        )
        note(
            row.channel, What.OPENED, by=MACHINE, reason=f"{faults}, last {codes[-1]}", until=after.open_until
        )
    elif before.open_until and not after.open_until:
        note(row.channel, What.CLOSED, by=MACHINE, reason="the provider answered a trial")
