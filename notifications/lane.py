"""One channel within a drain: what is ready to go, what is in flight, and whether it is worth asking for more."""

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
    # Seconds until it may go on, where a rate limit holds it.
    wait: float | None = None

    @property
    def name(self) -> str:
        return self.channel.name

    def wants_more(self) -> bool:
        return self.is_hungry and len(self.ready) < self.window

    def next_off(self) -> list[Work]:
        """What may be sent off now: half a window at least, or all that is ready, so that one UPDATE marks many."""
        free = self.window - len(self.flying)
        if free < min(len(self.ready), self.window // 2):
            return []
        return [self.ready.popleft() for _ in range(min(free, len(self.ready)))]

    def landed(self, deliveries: Sequence[Delivery]) -> list[tuple[Delivery, Message]]:
        return [(delivery, self.flying.pop(delivery.claimed.id)) for delivery in deliveries]
