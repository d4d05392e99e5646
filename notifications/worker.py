"""The loop: claim → gate → render → deliver → record, all channels side by side, until nothing is due or the time is up.

In: a time budget and a limit; out, a DrainReport. With `intake.py` and `settle.py`, its two halves, it alone composes the
steps; several may run at once, anywhere.
"""

import datetime as dt
import gc
import random
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import groupby
from operator import attrgetter

from consent.models import Channel as Name
from notifications import tally
from notifications.channels.registry import CHANNELS
from notifications.claim import due_channels
from notifications.conf import conf
from notifications.courier import Courier
from notifications.drain_report import DrainReport
from notifications.intake import Intake
from notifications.kick import ask_for_a_drain, begin_drain
from notifications.lane import Lane
from notifications.listen import SETTLE, Watch
from notifications.log_ids import log_ids
from notifications.reconnect import close_old
from notifications.release import release
from notifications.settle import Settlement

# Seconds that a finished call waits at most for others to be recorded with it.
LINGER = 0.04


def drain(
    *,
    budget: dt.timedelta | None = None,
    limit: int | None = None,
    channels: Sequence[str] | None = None,
    now: dt.datetime | None = None,
    stop: Callable[[], bool] = lambda: False,
    rng: random.Random | None = None,
    resident: bool = False,
) -> DrainReport:
    """Send what is due. `now` stands for the clock of due times, gates and retries (a simulated moment). `stop` is
    asked again and again: once it answers True, what is in flight is finished, and what is not begun goes back.
    A `resident` drain stays for its whole budget, and sleeps until a commit enqueues something."""
    books = Settlement(conf(), now=now, rng=rng or random.Random())  # noqa: S311 (jitter)
    run = _Drain(books, budget, limit, channels or Name.values, stop, resident=resident)
    with log_ids(drain=uuid.uuid4().hex[:12]), run.opened():
        run.work()
    return books.report


class _Drain:
    """One drain: its time, its lanes, its books."""

    def __init__(
        self,
        books: Settlement,
        budget: dt.timedelta | None,
        limit: int | None,
        channels: Sequence[str],
        stop: Callable[[], bool],
        *,
        resident: bool,
    ) -> None:
        self.books, self.conf, self.limit, self.stop = books, books.conf, limit, stop
        self.budget = (budget or self.conf.drain_budget).total_seconds()
        self.started = time.monotonic()
        self.lanes = {name: Lane(CHANNELS[name](), self.conf) for name in channels}
        self.courier = Courier(width=self.conf.concurrency)
        self.intake = Intake(books, self.courier)
        self.watch = Watch() if resident else None
        self.next_sweep = self.next_look = 0.0

    def work(self) -> None:
        while True:
            if self.in_time():
                self.look_around()
                for lane in self.lanes.values():
                    self.intake.take(lane, room=self.room())
                    self.intake.send_off(lane)
            else:
                for lane in self.lanes.values():
                    self.books.hand_back(lane)
            if self.is_flying():
                self.land()
            elif not self.in_time() or not self.room() or not (self.may_have_more() or self.rest()):
                return

    def look_around(self) -> None:
        """What is done now and then: write counts, take back what dead workers held, say that we live, see what became due."""
        tally.write_soon()
        if time.monotonic() >= self.next_sweep:
            sweep = partial(release, now=self.books.now, rng=self.books.rng)
            self.books.report.released += self.books.persist(sweep)
            self.next_sweep = self.later(self.conf.lease / 4)
        if self.watch:
            self.books.persist(self.watch.beat)
            if time.monotonic() >= self.next_look:
                self.look()

    def look(self) -> bool:
        """Ask which channels have something due; answers whether any that may send has."""
        now = time.monotonic()
        self.next_look = self.later(self.conf.poll / 10)
        names = [lane.name for lane in self.lanes.values() if lane.closed_until <= now]
        due = self.books.persist(lambda: due_channels(names, now=self.books.now)) if names else {}
        for lane in self.lanes.values():
            lane.is_hungry = lane.name in due
            lane.is_free = due.get(lane.name, False) and not self.conf.rate_limits.get(lane.name)
        return self.may_have_more()

    def land(self) -> None:
        """Record what is finished: many at once, but soon."""
        flying = sum(len(lane.flying) for lane in self.lanes.values())
        finished = self.courier.finished(enough=min(flying, self.conf.concurrency * 2), patience=LINGER)
        by_channel = attrgetter("claimed.channel")
        self.books.finish_all(
            (lane := self.lanes[name], lane.landed(list(group)))
            for name, group in groupby(sorted(finished, key=by_channel), key=by_channel)
        )

    def rest(self) -> bool:
        """Nothing to do: sleep until something is due, or until a rate limit lets more pass. Answers whether to go on."""
        now, poll = time.monotonic(), self.conf.poll.total_seconds()
        closed = [lane for lane in self.lanes.values() if lane.closed_until > now]
        ends = [lane.closed_until - now for lane in closed]
        seconds = max(
            min(poll * self.books.rng.uniform(0.8, 1.0), self.started + self.budget - now, *ends), 0.0
        )
        watch = self.watch
        if watch is None:
            if self.books.now is not None or not any(lane.opens_soon for lane in closed):
                return False
            time.sleep(seconds)
        else:
            close_old()
            is_news = self.books.persist(lambda: watch.prepare(seconds))
            # What was committed before we listened wakes nobody, and what is being committed may not.
            if self.look():
                return True
            self.books.persist(lambda: watch.sleep(min(seconds, SETTLE) if is_news else seconds))
        self.look()
        return True

    def in_time(self) -> bool:
        return time.monotonic() - self.started < self.budget and not self.stop()

    def room(self) -> int:
        claimed = self.books.report.claimed
        return sys.maxsize if self.limit is None else self.limit - claimed

    def is_flying(self) -> bool:
        return any(lane.flying for lane in self.lanes.values())

    def may_have_more(self) -> bool:
        return any(lane.wants_more() or lane.ready or lane.groups for lane in self.lanes.values())

    def later(self, wait: dt.timedelta) -> float:
        """Jittered, so that workers which started together do not ask together."""
        return time.monotonic() + wait.total_seconds() * self.books.rng.uniform(0.8, 1.2)

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Begin and leave politely. After a failure of ours, what is in flight is still recorded; told to stop now
        (an exit), it is cut off, and its outcome is unknown."""
        close_old()
        # What is loaded by now stays: without this, the collector looks through all of it again for every few batches,
        # which took a third of their time.
        gc.freeze()
        try:
            self.books.persist(begin_drain)
            if self.watch and self.books.persist(self.watch.others):
                # Somebody watches already: no need that all new ones ask at the same moment.
                time.sleep(self.books.rng.uniform(0, self.conf.poll.total_seconds()))
            try:
                yield
            except Exception:
                while self.is_flying():
                    self.land()
                raise
            finally:
                if self.watch:
                    self.watch.leave()
            if self.watch:
                time.sleep(SETTLE)  # for a commit that saw us awake, and asks nobody else
                if due_channels(list(self.lanes), now=self.books.now):
                    ask_for_a_drain()
        finally:
            gc.unfreeze()
            self.courier.close()
            tally.write()
            close_old()
            self.books.report.seconds = time.monotonic() - self.started
