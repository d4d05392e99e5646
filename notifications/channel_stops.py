"""What stands against sending on a channel: in, its row; out, each stop with its reason and end, and the state for people."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from consent.arrays import array
from consent.models import Channel
from notifications.breaker import Breaker, State, state
from notifications.conf import conf
from notifications.models import ChannelState

READ = "SELECT *, clock_timestamp() AS clock FROM channel_states WHERE channel = ANY(%s::text[]) "

# Who pauses and opens by itself, as `by` says it; a person is `staff:<id>` or whoever ran a command.
MACHINE = "postroom"


class Kind(StrEnum):
    PAUSED = "paused"  # by a person
    REFUSED = "refused"  # the provider refuses our key or sender
    LIMITED = "limited"  # the provider said 429, and until when
    BREAKER = "breaker"  # it fails, and we wait
    TRIAL = "trial"  # one worker tries whether it answers again


@dataclass(frozen=True, slots=True)
class Stop:
    """One reason not to send now. `until` None: until somebody resumes the channel."""

    kind: Kind
    until: dt.datetime | None
    reason: str
    by: str = MACHINE
    at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """A channel as people see it. Without stops it sends; `faults` count towards the breaker; `rate` is our own limit."""

    channel: str
    stops: tuple[Stop, ...] = ()
    breaker: State = State.CLOSED
    faults: int = 0
    rate: str = ""


def state_of(channel: str, *, now: dt.datetime | None = None) -> Standing:
    return states([channel], now=now)[0]


def states(names: Sequence[str] = (), *, now: dt.datetime | None = None) -> list[Standing]:
    """Of these channels, or of all, whether they have a row or not. One query."""
    wanted = list(names) or list(Channel.values)
    rows = read(wanted, now=now)
    rates = conf().rate_limits
    return [
        Standing(
            name,
            stops(rows[name][0], now=rows[name][1]),
            state(breaker_of(rows[name][0]), now=rows[name][1]),
            rows[name][0].faults,
            rates.get(name, ""),
        )
        if name in rows
        else Standing(name, rate=rates.get(name, ""))
        for name in wanted
    ]


def read(
    names: Sequence[str], *, now: dt.datetime | None, lock: bool = False
) -> dict[str, tuple[ChannelState, dt.datetime]]:
    """Each channel's row, and the moment of reading by the database's clock (or `now`). One query, written out because
    every claim asks it; with `lock` the rows are kept until the transaction ends."""
    rows = ChannelState.objects.raw(READ + ("FOR UPDATE" if lock else ""), [array(names)])
    # `clock` is the column that READ adds.
    return {row.channel: (row, now or vars(row)["clock"]) for row in rows}


def breaker_of(row: ChannelState) -> Breaker:
    return Breaker(row.faults, row.openings, row.open_until, row.probe_until)


def stops(row: ChannelState, *, now: dt.datetime) -> tuple[Stop, ...]:
    """All that stands against sending at that moment, a person's word first."""
    found: list[Stop] = []
    if row.until_resumed or _ahead(row.paused_until, now):
        until = None if row.until_resumed else row.paused_until
        found.append(Stop(Kind.PAUSED, until, row.reason, row.changed_by, row.changed_at))
    if _ahead(row.refused_until, now):
        found.append(Stop(Kind.REFUSED, row.refused_until, row.refused_reason))
    if _ahead(row.limited_until, now):
        found.append(Stop(Kind.LIMITED, row.limited_until, "The provider limits how fast we send (429)."))
    breaker = state(breaker_of(row), now=now)
    if breaker is State.OPEN:
        found.append(Stop(Kind.BREAKER, row.open_until, f"The provider fails, last with {row.last_fault}."))
    elif breaker is State.PROBING:
        found.append(Stop(Kind.TRIAL, row.probe_until, "One worker tries whether the provider answers."))
    return tuple(found)


def _ahead(until: dt.datetime | None, now: dt.datetime) -> bool:
    return until is not None and now < until
