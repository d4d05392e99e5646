"""Carry messages to providers, many at a time: in, work from the drain's thread; out, Deliveries as they are finished.

One thread with one event loop, so that calls in flight cost no thread each. It never touches the database: whatever
that does meanwhile, calls go on, and what they came to waits here until it can be recorded.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from django.utils import timezone

from notifications.channels.base import Channel
from notifications.errors import Outcome, Transient, Unknown
from notifications.message import Delivery, Work

logger = logging.getLogger(__name__)

# Seconds that go on while a process stands still or its machine sleeps, as a lease does.
clock = (
    partial(time.clock_gettime, time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic
)
OVER = Transient("lease_over", "The worker stood still until its lease was over, and made no call.")


@dataclass(frozen=True, slots=True)
class Parcel:
    """What one call carries: a message, or a group that shares a request. `until` is when its lease may be over (`clock`)."""

    channel: Channel
    work: Sequence[Work]
    until: float


@dataclass(slots=True)
class _Lane:
    """One channel: what waits for a free call, and how many calls are in flight."""

    waiting: deque[Parcel] = field(default_factory=deque)
    calls: int = 0


class Courier:
    """Up to `width` calls at a time for each channel. All methods are for the one thread that made it."""

    def __init__(self, *, width: int) -> None:
        self._width = width
        self._lanes: dict[str, _Lane] = {}
        self._channels: set[Channel] = set()
        self._calls: set[asyncio.Task[None]] = set()
        self._finished: deque[Delivery] = deque()
        self._wanted = 1
        self._enough = threading.Event()
        self._loop = asyncio.new_event_loop()
        # A daemon, so that a process that is told to stop now does not wait for a provider.
        self._thread = threading.Thread(target=self._loop.run_forever, name="courier", daemon=True)
        self._thread.start()

    def send(self, channel: Channel, work: Sequence[Work], *, until: float) -> None:
        """Deliver these, as soon as calls are free. Each comes back as one Delivery, whatever happens; what has not begun
        by `until` is not called any more, since somebody else may have it by then."""
        self._loop.call_soon_threadsafe(self._accept, [Parcel(channel, (item,), until) for item in work])

    def send_together(self, channel: Channel, work: Sequence[Work], *, until: float) -> None:
        """Deliver a group by one call. They come back together."""
        self._loop.call_soon_threadsafe(self._accept, [Parcel(channel, tuple(work), until)])

    def finished(self, *, enough: int, patience: float) -> list[Delivery]:
        """What has been delivered: waits until `enough` are, for `patience` seconds at most."""
        self._enough.clear()
        self._wanted = enough
        if len(self._finished) < enough:
            self._enough.wait(patience)
        return [self._finished.popleft() for _ in range(len(self._finished))]

    def close(self) -> None:
        """Give back all connections. Calls still in flight are cut off: their rows' leases run out."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # From here on, in the loop's thread.

    def _accept(self, parcels: Sequence[Parcel]) -> None:
        self._channels |= {parcel.channel for parcel in parcels}
        lane = self._lanes.setdefault(parcels[0].channel.name, _Lane())
        lane.waiting.extend(parcels)
        for _ in range(min(self._width - lane.calls, len(parcels))):
            lane.calls += 1
            call = self._loop.create_task(self._serve(lane))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)

    async def _serve(self, lane: _Lane) -> None:
        """One call after the other, until nothing waits: cheaper than a task for each."""
        try:
            while lane.waiting:
                self._finish(await _deliver(lane.waiting.popleft()))
        finally:
            lane.calls -= 1

    def _finish(self, deliveries: Sequence[Delivery]) -> None:
        self._finished.extend(deliveries)
        if len(self._finished) >= self._wanted:
            self._enough.set()

    async def _close(self) -> None:
        for call in tuple(self._calls):
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)
        await asyncio.gather(*(channel.close() for channel in self._channels), return_exceptions=True)


async def _deliver(parcel: Parcel) -> list[Delivery]:
    channel, work = parcel.channel, parcel.work
    started_at = timezone.now()
    try:
        if clock() >= parcel.until:
            outcomes: list[Outcome] = [OVER] * len(work)
        elif len(work) == 1:
            outcomes = [await channel.deliver(work[0][1])]
        else:
            outcomes = await channel.deliver_group([message for _, message in work])
        if len(outcomes) != len(work):
            raise RuntimeError(f"{len(outcomes)} outcomes for {len(work)} messages")
    except Exception as error:
        # A channel that raises breaks its promise; the message may have gone out all the same.
        logger.exception("courier.bug channel=%s id=%s", channel.name, work[0][1].id)
        outcomes = [Unknown(type(error).__name__, "The channel failed (see the log).")] * len(work)
    finished_at, provider = timezone.now(), channel.provider
    return [
        Delivery(claimed, outcome, provider, started_at, finished_at, message.decided)
        for (claimed, message), outcome in zip(work, outcomes, strict=True)
    ]
