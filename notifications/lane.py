"""One channel within a drain: what is ready to go, what is in flight, and whether it is worth asking for more."""

import datetime as dt
import time
import uuid
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from notifications.channels.base import Channel, TransactionalChannel
from notifications.courier import Work
from notifications.message import Delivery, Message


@dataclass(slots=True)
class Lane:
    """In flight is what was marked as sent off and is not recorded: these a dying worker leaves as unknown."""

    channel: Channel | TransactionalChannel
    window: int  # the most in flight
    ready: deque[Work] = field(default_factory=deque)
    flying: dict[uuid.UUID, Message] = field(default_factory=dict)
    # Perhaps more is due: nothing was due, or nothing may go, when we last asked, otherwise.
    is_hungry: bool = True
    # This is the one trial after the provider failed for a while.
    is_trial: bool = False
    # When it may go on (monotonic seconds), where a pause, the breaker or a rate limit holds it.
    closed_until: float = 0.0
    opens_soon: bool = False

    @property
    def name(self) -> str:
        return self.channel.name

    def wants_more(self) -> bool:
        return self.is_hungry and not self.is_trial and len(self.ready) < self.window

    def close(self, wait: dt.timedelta | None, *, at_most: dt.timedelta) -> None:
        """It may not send now; asked again after `wait`, but soon enough to hear of a person who resumes it."""
        self.is_hungry = False
        self.opens_soon = wait is not None and wait <= at_most
        self.closed_until = time.monotonic() + min(wait or at_most, at_most).total_seconds()

    def next_off(self) -> list[Work]:
        """What may be sent off now: half a window at least, or all that is ready, so that one UPDATE marks many."""
        free = self.window - len(self.flying)
        if free < min(len(self.ready), self.window // 2):
            return []
        return [self.ready.popleft() for _ in range(min(free, len(self.ready)))]

    def landed(self, deliveries: Sequence[Delivery]) -> list[tuple[Delivery, Message]]:
        return [(delivery, self.flying.pop(delivery.claimed.id)) for delivery in deliveries]
