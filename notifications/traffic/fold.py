"""Bring the counts up to date: in, the clock, each minute; out, what was folded. One at a time, and safe to repeat."""

import datetime as dt
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.db import connection, transaction

from notifications.models import TrafficFold
from notifications.traffic.calls import add_calls, settled_top
from notifications.traffic.ended import count_again
from notifications.traffic.rebuild import Busy, rebuild
from notifications.traffic.steps import HOUR, SWEPT, hour_of, kept_since, minute_of

logger = logging.getLogger(__name__)

# Attempts a transaction, and how long one fold works at most (seconds): the next minute goes on.
CHUNK: Final = 20_000
BUDGET: Final = 40.0
# How long it waits for those who write attempts now: a record takes milliseconds, and is ended by the server after a minute.
PATIENCE: Final = 5.0
# A record may come late by that much; what comes later is found by the sweep.
UNSETTLED: Final = dt.timedelta(minutes=15)
SWEEP_EVERY: Final = HOUR
# After so long without a fold retention may have moved messages on: the history is read too.
STOOD_STILL: Final = dt.timedelta(hours=12)
_PRUNE = """
DELETE FROM traffic WHERE (step = 'minute' AND start < %(minute)s) OR (step = 'hour' AND start < %(hour)s)
                       OR (step = 'day' AND start < %(day)s)
"""


@dataclass(frozen=True, slots=True)
class Folded:
    """`attempts` is the range of ids that was added; `is_done` False: there is more, or another fold is at it."""

    attempts: int = 0
    is_done: bool = False


def fold(*, now: dt.datetime, stop: Callable[[], bool] = lambda: False) -> Folded:
    """Add the attempts since the last time, and count anew how messages of the last minutes ended."""
    state = TrafficFold.objects.filter(pk=1).first()
    if state is None or state.folded_at is None or now - state.folded_at > STOOD_STILL:
        return _begin_again(state.folded_at if state else None, now=now)
    top = settled_top(patience=PATIENCE)
    if top is None:
        logger.warning("traffic.waits a transaction that writes delivery attempts does not end")
        return Folded()
    added, until = 0, time.monotonic() + BUDGET
    while not stop() and time.monotonic() < until:
        step = _step(top, now=now)
        if step is None:
            break
        added += step
        if not step:
            return Folded(added, is_done=True)
    return Folded(added)


def _begin_again(since: dt.datetime | None, *, now: dt.datetime) -> Folded:
    try:
        rebuild(since=since, now=now)
    except Busy as busy:
        logger.warning("traffic.waits %s", busy)
        return Folded()
    return Folded(is_done=True)


def _step(top: int, *, now: dt.datetime) -> int | None:
    """One chunk in one transaction; with none left, how messages ended, and 0. None: another fold is at it."""
    with transaction.atomic():
        state = TrafficFold.objects.select_for_update(skip_locked=True).filter(pk=1).first()
        if state is None:
            return None
        upto = min(state.attempt + CHUNK, top)
        count = max(0, upto - state.attempt)
        if count:
            add_calls(after=state.attempt, upto=upto, now=now)
            state.attempt = upto
        else:
            _count_ended(state, now=now)
            state.folded_at = now
        state.save()
    return count


def _count_ended(state: TrafficFold, *, now: dt.datetime) -> None:
    """Up to the last whole minute. A clock that was set back takes nothing away: the end never goes back."""
    before = state.ended or minute_of(now)
    since = minute_of(min(before, now) - UNSETTLED)
    if state.swept_at is None or abs(now - state.swept_at) >= SWEEP_EVERY:
        since = min(since, hour_of(now - SWEPT))
        state.swept_at = now
        with connection.cursor() as cursor:
            cursor.execute(_PRUNE, kept_since(now))
    state.ended = max(before, minute_of(now))
    count_again(since=max(since, kept_since(now)["minute"]), until=state.ended)
