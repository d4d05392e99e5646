"""Carry messages to providers, many at a time: in, work from the drain's thread; out, Deliveries as they are finished.

One thread with one event loop, so that calls in flight cost no thread each. It never touches the database: whatever
that does meanwhile, calls go on, and what they came to waits here until it can be recorded.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.utils import timezone

from notifications.channels.base import Channel
from notifications.errors import Unknown
from notifications.message import Claimed, Delivery, Message

logger = logging.getLogger(__name__)

Work = tuple[Claimed, Message]
# What one call carries: a message, or a group of messages that share a request.
Parcel = Sequence[Work]


@dataclass(slots=True)
class _Lane:
    """One channel: what waits for a free call, and how many calls are in flight."""

    channel: Channel
    waiting: deque[Parcel] = field(default_factory=deque)
    calls: int = 0


class Courier:
    """Up to `width` calls at a time for each channel. All methods are for the one thread that made it."""

    def __init__(self, *, width: int) -> None:
        self._width = width
        self._lanes: dict[str, _Lane] = {}
        self._calls: set[asyncio.Task[None]] = set()
        self._finished: deque[Delivery] = deque()
        self._wanted = 1
        self._enough = threading.Event()
        self._loop = asyncio.new_event_loop()
        # A daemon, so that a process that is told to stop now does not wait for a provider.
        self._thread = threading.Thread(target=self._loop.run_forever, name="courier", daemon=True)
        self._thread.start()

    def send(self, channel: Channel, work: Sequence[Work]) -> None:
        """Deliver these, as soon as calls are free. Each comes back as one Delivery, whatever happens."""
        self._loop.call_soon_threadsafe(self._accept, channel, tuple((item,) for item in work))

    def send_together(self, channel: Channel, work: Sequence[Work]) -> None:
        """Deliver a group by one call. They come back together."""
        self._loop.call_soon_threadsafe(self._accept, channel, (tuple(work),))

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

    def _accept(self, channel: Channel, parcels: Sequence[Parcel]) -> None:
        lane = self._lanes.setdefault(channel.name, _Lane(channel))
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
                self._finish(await _deliver(lane.channel, lane.waiting.popleft()))
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
        await asyncio.gather(*(lane.channel.close() for lane in self._lanes.values()), return_exceptions=True)


async def _deliver(channel: Channel, parcel: Parcel) -> list[Delivery]:
    started_at = timezone.now()
    try:
        if len(parcel) == 1:
            outcomes = [await channel.deliver(parcel[0][1])]
        else:
            outcomes = await channel.deliver_group([message for _, message in parcel])
    except Exception as error:
        # A channel that raises breaks its promise; the message may have gone out all the same.
        logger.exception("courier.bug channel=%s id=%s", channel.name, parcel[0][1].id)
        outcome = Unknown(type(error).__name__, "The channel failed (see the log).")
        outcomes = [outcome] * len(parcel)
    finished_at, provider = timezone.now(), channel.provider
    return [
        Delivery(claimed, outcome, provider, started_at, finished_at)
        for (claimed, _), outcome in zip(parcel, outcomes, strict=True)
    ]
