"""The loop: claim → gate → render → deliver → record, all channels side by side, until nothing is due or the time is up.

In: a time budget and a limit; out, a DrainReport. It alone composes the steps; several may run at once, anywhere.
"""

import datetime as dt
import logging
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import groupby
from typing import TypeVar

from django.db import DataError, IntegrityError, transaction
from django.utils import timezone

from consent.models import Channel as Name
from notifications.aftermath import follow_up
from notifications.channel_state import open_channels
from notifications.channels.base import Channel, TransactionalChannel
from notifications.channels.registry import CHANNELS
from notifications.claim import claim, due_channels
from notifications.conf import Conf, conf
from notifications.courier import Courier, Work
from notifications.deliver import deliver_here, dispatch
from notifications.drain_report import DrainReport
from notifications.errors import Misconfigured
from notifications.kick import ask_for_a_drain, begin_drain
from notifications.lane import Lane
from notifications.listen import Watch
from notifications.message import Claimed, Delivery
from notifications.prepare import prepare
from notifications.reconnect import close_old, keep_trying
from notifications.record import record
from notifications.release import release
from notifications.verdict import Verdict, after_delivery, put_back, unrenderable

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

# Seconds that a finished call waits at most for others to be recorded with it.
LINGER = 0.02


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
    """Send what is due. `now` stands for the clock of due times, gates and retries (a simulated moment); `stop` is
    asked again and again: once it answers True, what is in flight is finished, and what is not begun goes back.
    A `resident` drain stays for its whole budget, and sleeps until a commit enqueues something."""
    run = _Drain(
        conf(), budget, limit, channels or Name.values, now, stop, rng or random.Random(), resident=resident
    )  # noqa: S311 (jitter)
    with run.opened():
        run.work()
    return run.report


class _Drain:
    """One drain: its budget, its lanes, its report."""

    def __init__(
        self,
        settings: Conf,
        budget: dt.timedelta | None,
        limit: int | None,
        channels: Sequence[str],
        now: dt.datetime | None,
        stop: Callable[[], bool],
        rng: random.Random,
        *,
        resident: bool,
    ) -> None:
        self.conf, self.limit, self.now, self.stop, self.rng = settings, limit, now, stop, rng
        self.budget = (budget or settings.drain_budget).total_seconds()
        self.started = time.monotonic()
        self.report = DrainReport()
        self.lanes = {name: Lane(CHANNELS[name](), window=settings.concurrency * 2) for name in channels}
        self.courier = Courier(width=settings.concurrency)
        self.watch = Watch() if resident else None
        self.next_sweep = self.next_look = 0.0

    # ── The loop ────────────────────────────────────────────────────────────────────────────────────────
    def work(self) -> None:
        while True:
            if self.in_time():
                self.look_around()
                for lane in self.lanes.values():
                    self.take(lane)
                    self.send_off(lane)
            else:
                self.put_back_ready()
            if any(lane.flying for lane in self.lanes.values()):
                self.land()
            elif not self.in_time() or self.room() == 0 or not (self.may_have_more() or self.rest()):
                return

    def look_around(self) -> None:
        """What is done now and then: take back what dead workers held, say that we live, see what became due."""
        if self.watch:
            self.persist(self.watch.beat)
        if time.monotonic() >= self.next_sweep:
            self.report.released += self.persist(partial(release, now=self.now, rng=self.rng))
            self.next_sweep = self.later(self.conf.lease.total_seconds() / 4)
        if self.watch and time.monotonic() >= self.next_look:
            self.look()

    def look(self) -> bool:
        """Ask which channels have something due; answers whether any that may send has."""
        self.next_look = self.later(self.conf.poll.total_seconds() / 10)
        closed = set(self.lanes) - set(self.persist(partial(open_channels, list(self.lanes))))
        due = self.persist(partial(due_channels, list(self.lanes), now=self.now))
        for lane in self.lanes.values():
            lane.is_hungry = lane.name in due and lane.name not in closed
        return self.may_have_more()

    def take(self, lane: Lane) -> None:
        """Claim and prepare a batch, if it is wanted."""
        wanted = min(self.conf.claim_size, self.room())
        if not lane.wants_more() or wanted == 0:
            return
        batch: list[Claimed] = []
        if self.persist(partial(open_channels, [lane.name])):
            batch = self.persist(
                partial(claim, channel=lane.name, limit=wanted, lease=self.conf.lease, now=self.now)
            )
        lane.is_hungry = bool(batch)
        self.report.claimed += len(batch)
        if batch:
            self.prepare(lane, batch)

    def prepare(self, lane: Lane, batch: list[Claimed]) -> None:
        try:
            ready, settled = self.persist(lambda: prepare(batch, now=self.moment()))
        except Exception:
            # The directory or the database failed, not these messages: hand them back at once, and be loud.
            self.record([(claimed, put_back()) for claimed in batch])
            raise
        self.record(settled)
        if isinstance(lane.channel, TransactionalChannel):
            self.deliver_here(lane.channel, ready)
        else:
            lane.ready.extend(ready)

    def send_off(self, lane: Lane) -> None:
        work = lane.next_off()
        if not work or not isinstance(lane.channel, Channel):
            return
        held = self.persist(lambda: dispatch([claimed for claimed, _ in work], lease=self.conf.lease))
        ours = [item for item in work if item[0].id in held]
        lane.flying |= {claimed.id: message for claimed, message in ours}
        self.courier.send(lane.channel, ours)

    def land(self) -> None:
        """Record what is finished: many at once, but soon."""
        flying = sum(len(lane.flying) for lane in self.lanes.values())
        finished = self.courier.finished(enough=min(flying, self.conf.concurrency), patience=LINGER)
        for name, group in groupby(finished, key=lambda delivery: delivery.claimed.channel):
            self.finish(self.lanes[name], list(group))

    def rest(self) -> bool:
        """Sleep until something is due; answers whether to go on."""
        if self.watch is None:
            return False
        close_old()
        left = self.budget - (time.monotonic() - self.started)
        seconds = max(min(self.conf.poll.total_seconds() * self.rng.uniform(0.8, 1.0), left), 0.0)
        self.persist(partial(self.watch.prepare, seconds))
        # What was committed before we listened wakes nobody.
        if not self.look():
            self.persist(partial(self.watch.sleep, seconds))
            self.look()
        return True

    # ── What becomes of rows ────────────────────────────────────────────────────────────────────────────
    def finish(self, lane: Lane, deliveries: list[Delivery]) -> None:
        messages = lane.landed(deliveries)
        self.settle(deliveries)
        if any(isinstance(delivery.outcome, Misconfigured) for delivery in deliveries):
            lane.is_refused = True
            self.hand_back(lane)
        self.persist(lambda: follow_up(messages))

    def deliver_here(self, channel: TransactionalChannel, ready: list[Work]) -> None:
        """All in one transaction; if that fails, each in its own, so that one bad message fails alone."""

        def write() -> None:
            with transaction.atomic():
                self.settle(deliver_here(ready, channel=channel, lease=self.conf.lease))

        try:
            self.persist(write)
        except (DataError, IntegrityError):
            if len(ready) == 1:
                self.record([(ready[0][0], unrenderable("the database refuses it (see the log)"))])
                logger.exception("notification.refused id=%s", ready[0][0].id)
                return
            for item in ready:
                self.deliver_here(channel, [item])

    def settle(self, deliveries: list[Delivery]) -> None:
        self.record([(delivery.claimed, self.verdict(delivery)) for delivery in deliveries], deliveries)

    def verdict(self, delivery: Delivery) -> Verdict:
        claimed = delivery.claimed
        return after_delivery(
            claimed,
            delivery.outcome,
            policy=self.conf.retry_policy(claimed.category),
            resends_unknown=self.conf.resends_unknown(channel=claimed.channel, category=claimed.category),
            now=self.moment(),
            rng=self.rng,
        )

    def record(self, verdicts: list[tuple[Claimed, Verdict]], deliveries: Sequence[Delivery] = ()) -> None:
        held = self.persist(lambda: record(verdicts, deliveries))
        for claimed, verdict in verdicts:
            what = verdict.status if claimed.id in held else "stale"
            self.report.counts[claimed.channel, what] += 1

    def hand_back(self, lane: Lane) -> None:
        self.record([(claimed, put_back()) for claimed, _ in lane.ready])
        lane.ready.clear()

    def put_back_ready(self) -> None:
        for lane in self.lanes.values():
            self.hand_back(lane)

    # ── Time, room, and the database ────────────────────────────────────────────────────────────────────
    def moment(self) -> dt.datetime:
        return self.now or timezone.now()

    def in_time(self) -> bool:
        return time.monotonic() - self.started < self.budget and not self.stop()

    def room(self) -> int:
        return self.conf.claim_size if self.limit is None else self.limit - self.report.claimed

    def may_have_more(self) -> bool:
        return any(lane.wants_more() or lane.ready for lane in self.lanes.values())

    def later(self, seconds: float) -> float:
        """Jittered, so that workers which started together do not ask together."""
        return time.monotonic() + seconds * self.rng.uniform(0.8, 1.2)

    def persist(self, step: Callable[[], Answer]) -> Answer:
        return keep_trying(step, patience=self.conf.lease, rng=self.rng)

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Begin and leave politely: after a failure of ours, what is in flight is still recorded; told to stop now (an
        exit), it is cut off, and its outcome is unknown."""
        close_old()
        try:
            self.persist(begin_drain)
            if self.watch and self.persist(self.watch.others):
                # Somebody watches already: no need that all new ones ask at the same moment.
                time.sleep(self.rng.uniform(0, self.conf.poll.total_seconds()))
            try:
                yield
            except Exception:
                while any(lane.flying for lane in self.lanes.values()):
                    self.land()
                raise
            finally:
                if self.watch:
                    self.watch.leave()
            if self.watch and due_channels(list(self.lanes), now=self.now):
                ask_for_a_drain()
        finally:
            self.courier.close()
            close_old()
            self.report.seconds = time.monotonic() - self.started
