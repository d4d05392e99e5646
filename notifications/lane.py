"""One channel within a drain: what is ready to go, what is in flight, and whether it is worth asking for more."""

import datetime as dt
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice

from notifications.channels.base import Channel, TransactionalChannel
from notifications.conf import Conf
from notifications.message import Claimed, Delivery, Hold, Message, Personalised, Work

# Requests with many messages that are under way at a time.
GROUPS = 2
# A claim that took longer than this share of its lease, until it was ready, is not made larger.
QUICK = 0.05
# So long a group waits at most for single messages, of its lease.
PATIENCE = 0.1


@dataclass(slots=True)
class Lane:
    """In flight is what was marked as sent off and is not recorded: these a dying worker leaves as unknown. That is a
    window of single messages, and GROUPS requests with up to a provider's limit of messages in each."""

    channel: Channel | TransactionalChannel
    conf: Conf
    ready: deque[Work] = field(default_factory=deque)
    # Messages that share a text and a request; they go after the single ones.
    groups: deque[list[Work]] = field(default_factory=deque)
    # By hold, not by id: a row that was claimed anew after its lease ran out may fly beside its own late call.
    flying: dict[Hold, Message] = field(default_factory=dict)
    grouped_at: float = 0.0  # when the last group was made (monotonic seconds)
    # By its first message, how many a group in flight has.
    flying_groups: dict[Hold, int] = field(default_factory=dict)
    # The next claim may take as many as a request to the provider holds.
    is_bulk: bool = False
    # Perhaps more is due: nothing was due, or nothing may go, when we last asked, otherwise.
    is_hungry: bool = True
    # The last look saw that nothing stands against it: the next claim need not ask.
    is_free: bool = False
    # This is the one trial after the provider failed for a while.
    is_trial: bool = False
    # When it may go on (monotonic seconds), where a pause, the breaker or a rate limit holds it.
    closed_until: float = 0.0
    opens_soon: bool = False

    @property
    def name(self) -> str:
        return self.channel.name

    @property
    def window(self) -> int:
        return self.conf.window(self.name)

    @property
    def room(self) -> int:
        """Bytes that a message may have of its own within a group; 0 where the provider takes none."""
        return self.channel.group_room if isinstance(self.channel, Channel) else 0

    def wants_more(self) -> bool:
        return self.is_hungry and not self.is_trial and len(self.ready) < self.window and self.above != 0

    @property
    def above(self) -> int | None:
        """While a group waits, only what is more urgent than it is wanted: below this priority."""
        return min((group[0][0].priority for group in self.groups), default=None)

    def wanted(self) -> int:
        """How many the next claim takes."""
        return self.conf.batch_claim_size if self.is_bulk and not self.groups else self.conf.claim_size

    def note_claim(self, batch: Sequence[Claimed], *, wanted: int, seconds: float) -> None:
        """After a claim of all that is due was prepared. One that was full of messages which go together, and ready soon,
        may be followed by a larger one."""
        self.is_bulk = (
            self.room > 0
            and len(batch) == wanted
            and seconds < QUICK * self.conf.lease.total_seconds()
            and {row.category for row in batch} <= self.conf.batched_categories
        )

    def goes_together(self, row: Claimed) -> bool:
        return self.room > 0 and row.category in self.conf.batched_categories

    def portions(self, batch: Sequence[Claimed]) -> list[list[Claimed]]:
        """What goes alone is prepared and sent off before what goes together."""
        together = self.conf.batched_categories if self.room else frozenset()
        halves = [[row for row in batch if (row.category in together) is kind] for kind in (False, True)]
        return [half for half in halves if half]

    def close(self, wait: dt.timedelta | None, *, at_most: dt.timedelta) -> None:
        """It may not send now; asked again after `wait`, but soon enough to hear of a person who resumes it."""
        self.is_hungry = self.is_free = False
        self.opens_soon = wait is not None and wait <= at_most
        self.closed_until = time.monotonic() + min(wait or at_most, at_most).total_seconds()

    def add(self, ready: Sequence[Work]) -> None:
        """What may be sent; those that share a text, in groups as large as the provider takes."""
        limit = self.channel.group_limit if isinstance(self.channel, Channel) else 1
        self.grouped_at = time.monotonic()
        for text, work in groupby(sorted(ready, key=_text), key=_text):
            if not text:
                self.ready.extend(work)
                continue
            while group := list(islice(work, limit)):
                self.groups.append(group) if len(group) > 1 else self.ready.extend(group)

    def next_off(self) -> list[Work]:
        """What may be sent off now: half a window at least, or all that is ready, so that one UPDATE marks many."""
        free = self.window - (len(self.flying) - sum(self.flying_groups.values()))
        if free < min(len(self.ready), self.window // 2):
            return []
        return [self.ready.popleft() for _ in range(min(free, len(self.ready)))]

    def next_group(self) -> list[Work]:
        """A group whose turn it is: it waits for single messages, for a while, and for one of those in flight to land."""
        if not self.groups or len(self.flying_groups) >= GROUPS:
            return []
        if self.ready and time.monotonic() < self.grouped_at + PATIENCE * self.conf.lease.total_seconds():
            return []
        self.is_hungry = True
        return self.groups.popleft()

    def took_off(self, work: Sequence[Work], *, together: bool) -> None:
        self.flying |= {claimed.hold: message for claimed, message in work}
        if together and work:
            self.flying_groups[work[0][0].hold] = len(work)

    def landed(self, deliveries: Sequence[Delivery]) -> list[tuple[Delivery, Message]]:
        found = [(delivery, self.flying.pop(delivery.claimed.hold)) for delivery in deliveries]
        self.flying_groups = {hold: n for hold, n in self.flying_groups.items() if hold in self.flying}
        return found


def _text(work: Work) -> int:
    """0 for a text of one's own."""
    rendered = work[1].rendered
    return id(rendered.skeleton) if isinstance(rendered, Personalised) else 0
