"""From the queue to the courier: in, a lane; out, rows claimed, gated, rendered, marked, and on their way.

The middle of a drain: `worker.py` says when, `settle.py` keeps the books.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from notifications.channel_state import Permit, permits
from notifications.channels.base import Channel, TransactionalChannel
from notifications.claim import claim
from notifications.courier import Courier, clock
from notifications.deliver import dispatch
from notifications.lane import Lane
from notifications.message import Claimed, Work
from notifications.prepare import prepare
from notifications.series import CLAIM_SECONDS
from notifications.settle import Settlement
from notifications.verdict import put_back


@dataclass(frozen=True, slots=True)
class Intake:
    """Claims and sends off for one drain."""

    books: Settlement
    courier: Courier

    def take(self, lane: Lane, *, room: int) -> None:
        """Claim and prepare a batch of at most `room`, if it is wanted and permitted, and send off what can go."""
        wanted = min(lane.wanted(), room)
        if not lane.wants_more() or not wanted:
            return
        permit = self._permit(lane, wanted)
        if not permit.count:
            lane.close(permit.wait, at_most=self.books.conf.poll)
            return
        lane.is_trial = permit.probe
        began, above = time.monotonic(), lane.above
        batch = self._claim(lane, permit.count, above)
        lane.is_hungry = bool(batch)
        sendable = 0
        for portion in lane.portions(batch):
            sendable += self._prepare(lane, portion)
            self.send_off(lane)
        if above is None:
            lane.note_claim(batch, wanted=permit.count, seconds=time.monotonic() - began)
        self.books.return_permits(lane, permit.count - sendable, trial_over=not sendable)

    def send_off(self, lane: Lane) -> None:
        """Mark what goes next, and give it to the courier: single messages, then a group."""
        if not isinstance(lane.channel, Channel):
            return
        until = clock() + self.books.conf.lease.total_seconds()
        if work := self._mark(lane.next_off()):
            lane.took_off(work, together=False)
            self.courier.send(lane.channel, work, until=until)
        if work := self._mark(lane.next_group()):
            lane.took_off(work, together=True)
            self.courier.send_together(lane.channel, work, until=until)

    def _permit(self, lane: Lane, wanted: int) -> Permit:
        if lane.is_free:
            # The look that found something due has seen that nothing stands against the channel.
            lane.is_free = False
            return Permit(wanted)
        ask = partial(permits, [lane.name], wanted=wanted, now=self.books.now)
        return self.books.persist(ask)[lane.name]

    def _claim(self, lane: Lane, limit: int, above: int | None) -> list[Claimed]:
        conf, books = self.books.conf, self.books
        grab = partial(claim, channel=lane.name, limit=limit, lease=conf.lease, above=above)
        began = time.monotonic()
        batch = books.persist(partial(grab, now=books.now, aging=conf.aging, rng=books.rng))
        CLAIM_SECONDS.observe(lane.name, seconds=[time.monotonic() - began])
        books.report.claimed += len(batch)
        return batch

    def _prepare(self, lane: Lane, batch: list[Claimed]) -> int:
        """Gate and render; answers how many may be sent."""
        room = lane.room if lane.goes_together(batch[0]) else 0
        try:
            step = partial(prepare, batch, now=self.books.moment(), room=room)
            ready, settled = self.books.persist(step)
        except Exception:
            # The directory or the database failed, not these messages: hand them back at once, and be loud.
            self.books.record([(claimed, put_back()) for claimed in batch])
            raise
        self.books.record(settled)
        if isinstance(lane.channel, TransactionalChannel):
            self.books.write_here(lane.channel, ready)
        else:
            lane.add(ready)
        return len(ready)

    def _mark(self, work: Sequence[Work]) -> Sequence[Work]:
        """Those that are still ours, marked as sent off."""
        if not work:
            return []
        lease = self.books.conf.lease
        held = self.books.persist(lambda: dispatch([claimed for claimed, _ in work], lease=lease))
        return work if len(held) == len(work) else [item for item in work if item[0].hold in held]
