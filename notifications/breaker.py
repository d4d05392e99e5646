"""When to stop calling a provider that fails: in, a breaker and what its provider just did; out, the breaker after that. Pure.

closed → open after so many faults in a row → once the wait is over, one trial by one worker → closed, or open for longer.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, StrEnum

from notifications.errors import Outcome, Transient, Unknown

# «Not so fast» of HTTP (RFC 6585, 4) and of Twilio (error 20429).
TOO_MANY = frozenset({"429", "20429"})


class State(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"  # the wait is over, and nobody tries yet
    PROBING = "probing"  # half-open, and one worker's trial is on its way


class Sign(Enum):
    """What one outcome says about the provider."""

    ANSWERED = "answered"
    LIMITED = "limited"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """Opens after `threshold` faults in a row; the wait begins with `first` and doubles up to `longest`."""

    threshold: int = 20
    first: dt.timedelta = dt.timedelta(seconds=30)
    longest: dt.timedelta = dt.timedelta(minutes=10)

    def wait(self, openings: int) -> dt.timedelta:
        """How long it stays open the nth time (from 1)."""
        return min(self.longest, self.first * (1 << min(openings - 1, 20)))


@dataclass(frozen=True, slots=True)
class Breaker:
    """`faults` in a row while closed; `openings` in a row, `open_until` and the trial's lease while not."""

    faults: int = 0
    openings: int = 0
    open_until: dt.datetime | None = None
    probe_until: dt.datetime | None = None


def sign(outcome: Outcome, *, per_address: bool = False) -> Sign:
    """An acceptance or a refusal proves that the provider answers; so does a 429 that names a time. A 429 that names
    none is a fault, so that 20 of them make us wait, unless the provider limits each address (`per_address`: push)."""
    match outcome:
        case Transient(code=code, retry_after=wait) if code in TOO_MANY and (wait or per_address):
            return Sign.LIMITED
        case Transient() | Unknown():
            return Sign.FAULT
        case _:
            return Sign.ANSWERED


def state(breaker: Breaker, *, now: dt.datetime) -> State:
    if breaker.open_until is None:
        return State.CLOSED
    if now < breaker.open_until:
        return State.OPEN
    return State.PROBING if breaker.probe_until and now < breaker.probe_until else State.HALF_OPEN


def begin_probe(breaker: Breaker, *, now: dt.datetime, lease: dt.timedelta) -> Breaker | None:
    """The breaker with a trial begun; None where none may begin. The lease is for a worker that dies while trying."""
    if state(breaker, now=now) is not State.HALF_OPEN:
        return None
    return replace(breaker, probe_until=now + lease)


def end_probe(breaker: Breaker) -> Breaker:
    """The trial came to nothing, since there was nothing to send: the next worker may try."""
    return replace(breaker, probe_until=None)


def heed(
    breaker: Breaker, signs: Sequence[Sign], *, probe: bool, now: dt.datetime, policy: BreakerPolicy
) -> Breaker:
    """The breaker after the outcomes of one batch, in their order.

    While it is not closed only a trial counts: calls that were on their way when it opened tell of the time before.
    """
    if breaker.open_until is None:
        faults = _in_a_row(breaker.faults, signs)
        return replace(breaker, faults=faults) if faults < policy.threshold else _open(breaker, now, policy)
    if not probe:
        return breaker
    if Sign.ANSWERED in signs or Sign.LIMITED in signs:
        return Breaker()
    return _open(breaker, now, policy) if Sign.FAULT in signs else end_probe(breaker)


def _in_a_row(faults: int, signs: Iterable[Sign]) -> int:
    for one in signs:
        if one is Sign.ANSWERED:
            faults = 0
        elif one is Sign.FAULT:
            faults += 1
    return faults


def _open(breaker: Breaker, now: dt.datetime, policy: BreakerPolicy) -> Breaker:
    openings = breaker.openings + 1
    return Breaker(openings=openings, open_until=now + policy.wait(openings))
