"""The loop: claim → gate → render → deliver → record, channel by channel, until nothing is due or the time is up.

In: a time budget and a limit; out, a DrainReport. It alone composes the steps; several may run at once, anywhere.
"""

import datetime as dt
import logging
import random
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from django.db import DataError, IntegrityError, transaction
from django.utils import timezone

from consent.models import Channel as Name
from notifications.aftermath import follow_up
from notifications.channel_state import open_channels
from notifications.channels.base import Channel
from notifications.channels.registry import CHANNELS
from notifications.claim import claim
from notifications.conf import Conf, conf
from notifications.deliver import deliver_all, deliver_here
from notifications.drain_report import DrainReport
from notifications.errors import Misconfigured
from notifications.kick import begin_drain
from notifications.message import Claimed, Delivery, Message
from notifications.prepare import Ready, prepare
from notifications.record import record
from notifications.release import release
from notifications.verdict import Verdict, after_delivery, put_back, unrenderable

logger = logging.getLogger(__name__)


def drain(
    *,
    budget: dt.timedelta | None = None,
    limit: int | None = None,
    channels: Sequence[str] | None = None,
    now: dt.datetime | None = None,
    stop: Callable[[], bool] = lambda: False,
    rng: random.Random | None = None,
) -> DrainReport:
    """Send what is due. `now` stands for the clock of due times, gates and retries (a simulated moment); `stop` is
    asked between batches, and what is claimed but not begun goes back."""
    run = _Drain(conf(), budget, limit, now, stop, rng or random.Random())  # noqa: S311 (jitter)
    begin_drain()
    run.report.released = release(now=now)
    with _closing(run):
        while run.goes_on():
            open_now = open_channels(channels or Name.values)
            worked = [run.work_off(name) for name in open_now if run.goes_on() and name not in run.refused]
            if not any(worked):
                break
    run.report.seconds = time.monotonic() - run.started
    return run.report


class _Drain:
    """One drain: its budget, its connections, its report."""

    def __init__(
        self,
        settings: Conf,
        budget: dt.timedelta | None,
        limit: int | None,
        now: dt.datetime | None,
        stop: Callable[[], bool],
        rng: random.Random,
    ) -> None:
        self.conf, self.limit, self.now, self.stop, self.rng = settings, limit, now, stop, rng
        self.budget = (budget or settings.drain_budget).total_seconds()
        self.started = time.monotonic()
        self.report = DrainReport()
        self.pool = ThreadPoolExecutor(settings.concurrency, thread_name_prefix="deliver")
        self.channels: dict[str, Channel] = {}
        # Channels whose provider refused our key in this drain: no more calls, whatever the pause says.
        self.refused: set[str] = set()

    def moment(self) -> dt.datetime:
        return self.now or timezone.now()

    def in_time(self) -> bool:
        return time.monotonic() - self.started < self.budget and not self.stop()

    def goes_on(self) -> bool:
        full = self.limit is not None and self.report.claimed >= self.limit
        return self.in_time() and not full

    def work_off(self, name: str) -> bool:
        """One batch of one channel. Answers whether there was any."""
        room = self.conf.claim_size if self.limit is None else self.limit - self.report.claimed
        batch = claim(
            channel=name, limit=min(self.conf.claim_size, room), lease=self.conf.lease, now=self.now
        )
        self.report.claimed += len(batch)
        if batch:
            self._deliver(name, batch)
        return bool(batch)

    def _deliver(self, name: str, batch: list[Claimed]) -> None:
        try:
            ready, settled = prepare(batch, now=self.moment())
        except Exception:
            # The directory or the database failed, not these messages: hand them back at once, and be loud.
            self._record([(claimed, put_back()) for claimed in batch])
            raise
        self._record(settled)
        messages = {claimed.id: message for claimed, message in ready}
        channel = self._channel(name)
        if channel.transactional:
            self._deliver_here(ready, channel, messages)
            return
        begun: set[uuid.UUID] = set()
        for finished in deliver_all(
            ready,
            channel=channel,
            pool=self.pool,
            width=self.conf.concurrency,
            lease=self.conf.lease,
            goes_on=lambda: name not in self.refused and self.in_time(),
        ):
            begun.update(delivery.claimed.id for delivery in finished)
            self._finish(finished, messages)
        self._record([(claimed, put_back()) for claimed, _ in ready if claimed.id not in begun])

    def _deliver_here(self, ready: list[Ready], channel: Channel, messages: dict[uuid.UUID, Message]) -> None:
        """All in one transaction; if that fails, each in its own, so that one bad message fails alone."""
        try:
            with transaction.atomic():
                self._finish(deliver_here(ready, channel=channel, lease=self.conf.lease), messages)
        except (DataError, IntegrityError):
            if len(ready) == 1:
                self._record([(ready[0][0], unrenderable("the database refuses it (see the log)"))])
                logger.exception("notification.refused id=%s", ready[0][0].id)
                return
            for item in ready:
                self._deliver_here([item], channel, messages)

    def _finish(self, deliveries: list[Delivery], messages: dict[uuid.UUID, Message]) -> None:
        verdicts = [(delivery.claimed, self._verdict(delivery)) for delivery in deliveries]
        self._record(verdicts, deliveries)
        self.refused |= {d.claimed.channel for d in deliveries if isinstance(d.outcome, Misconfigured)}
        follow_up([(delivery, messages[delivery.claimed.id]) for delivery in deliveries])

    def _verdict(self, delivery: Delivery) -> Verdict:
        claimed = delivery.claimed
        return after_delivery(
            claimed,
            delivery.outcome,
            policy=self.conf.retry_policy(claimed.category),
            resends_unknown=self.conf.resends_unknown(channel=claimed.channel, category=claimed.category),
            now=self.moment(),
            rng=self.rng,
        )

    def _record(self, verdicts: list[tuple[Claimed, Verdict]], deliveries: Sequence[Delivery] = ()) -> None:
        held = record(verdicts, deliveries)
        for claimed, verdict in verdicts:
            what = verdict.status if claimed.id in held else "stale"
            self.report.counts[claimed.channel, what] += 1

    def _channel(self, name: str) -> Channel:
        if name not in self.channels:
            self.channels[name] = CHANNELS[name]()
        return self.channels[name]


@contextmanager
def _closing(run: _Drain) -> Iterator[None]:
    try:
        yield
    finally:
        run.pool.shutdown(wait=True)
        for channel in run.channels.values():
            channel.close()
