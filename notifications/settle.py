"""What a drain does about outcomes: in, deliveries and verdicts; out, rows recorded, their consequences drawn, a report.

Every step may be repeated over a new connection (`reconnect.py`): it is fenced by the lease or by a unique key.
"""

import datetime as dt
import logging
import random
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from django.db import DataError, IntegrityError, transaction
from django.utils import timezone

from notifications.aftermath import follow_up
from notifications.channel_state import give_back, open_channels, report
from notifications.channels.base import TransactionalChannel
from notifications.conf import Conf
from notifications.courier import OVER
from notifications.deliver import deliver_here
from notifications.drain_report import DrainReport
from notifications.errors import Sent
from notifications.lane import Lane
from notifications.measure import note_recorded
from notifications.message import Claimed, Delivery, Message, Work
from notifications.reconnect import keep_trying
from notifications.record import record
from notifications.verdict import Verdict, after_delivery, put_back, unrenderable

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")
Landed = Sequence[tuple[Delivery, Message]]


class Settlement:
    """The books of one drain."""

    def __init__(self, settings: Conf, *, now: dt.datetime | None, rng: random.Random) -> None:
        self.conf, self.now, self.rng = settings, now, rng
        self.report = DrainReport()

    def moment(self) -> dt.datetime:
        return self.now or timezone.now()

    def persist(self, step: Callable[[], Answer]) -> Answer:
        return keep_trying(step, patience=self.conf.lease, rng=self.rng)

    def record(
        self, verdicts: Sequence[tuple[Claimed, Verdict]], deliveries: Sequence[Delivery] = ()
    ) -> None:
        """Settle rows; those that somebody else holds by now are counted as stale."""
        held = self.persist(lambda: record(verdicts, deliveries))
        note_recorded(verdicts, deliveries, held=held)
        all_held = len(held) == len(verdicts)
        self.report.counts.update(
            (claimed.channel, verdict.status if all_held or claimed.hold in held else "stale")
            for claimed, verdict in verdicts
        )

    def finish_all(self, landed: Iterable[tuple[Lane, Landed]]) -> None:
        """Every channel's answers. All have landed and nobody waits for them any more, so each is recorded, whatever befalls
        the record of another; the first failure is raised at the end."""
        failures = []
        for lane, group in list(landed):
            try:
                self.finish(lane, group)
            except Exception as error:  # noqa: BLE001 (raised below)
                failures.append(error)
        if failures:
            raise failures[0]

    def finish(self, lane: Lane, landed: Landed) -> None:
        """Record what a provider answered, and draw the consequences for addresses, browsers and the channel."""
        deliveries = [delivery for delivery, _ in landed]
        self.record(self._verdicts(deliveries), deliveries)
        self.persist(lambda: follow_up(landed))
        # A request that failed is one answer, however many messages it carried; one that was not made is none.
        told = {id(d.outcome): d.outcome for d in deliveries if d.outcome is not OVER}
        outcomes = list(told.values())
        self.persist(lambda: report(lane.name, outcomes, probe=lane.is_trial, now=self.now))
        lane.is_trial = False
        if any(not isinstance(outcome, Sent) for outcome in outcomes) and not self.is_open(lane):
            self.hand_back(lane)

    def write_here(self, channel: TransactionalChannel, ready: Sequence[Work]) -> None:
        """Deliver and record in one transaction; if that fails, each in its own, so that one bad message fails alone."""

        def write() -> None:
            with transaction.atomic():
                deliveries = deliver_here(ready, channel=channel, lease=self.conf.lease)
                self.record(self._verdicts(deliveries), deliveries)

        try:
            self.persist(write)
        except (DataError, IntegrityError):
            if len(ready) == 1:
                self.record([(ready[0][0], unrenderable("the database refuses it (see the log)"))])
                logger.exception("notification.refused id=%s", ready[0][0].id)
                return
            for item in ready:
                self.write_here(channel, [item])

    def hand_back(self, lane: Lane) -> None:
        """What was claimed and not begun waits again, with its attempt and its share of the rate."""
        lane.is_hungry = False
        waiting = [(claimed, put_back()) for work in (lane.ready, *lane.groups) for claimed, _ in work]
        if waiting:
            lane.ready.clear()
            lane.groups.clear()
            self.record(waiting)
            self.return_permits(lane, len(waiting))

    def return_permits(self, lane: Lane, count: int, *, trial_over: bool = True) -> None:
        """What was permitted and not used, and the trial if it came to nothing."""
        trial = lane.is_trial and trial_over and not lane.flying
        if trial:
            lane.is_trial = False
        if count or trial:
            self.persist(lambda: give_back(lane.name, count, probe=trial))

    def is_open(self, lane: Lane) -> bool:
        return bool(self.persist(lambda: open_channels([lane.name])))

    def _verdicts(self, deliveries: Sequence[Delivery]) -> list[tuple[Claimed, Verdict]]:
        now = self.moment()
        kinds = {(d.claimed.channel, d.claimed.category) for d in deliveries}
        policies = {kind: self.conf.retry_policy(kind[1]) for kind in kinds}
        resends = {kind: self.conf.resends_unknown(channel=kind[0], category=kind[1]) for kind in kinds}
        return [
            (
                delivery.claimed,
                after_delivery(
                    delivery.claimed,
                    delivery.outcome,
                    policy=policies[kind],
                    resends_unknown=resends[kind],
                    now=now,
                    rng=self.rng,
                    decided=delivery.decided,
                ),
            )
            for delivery in deliveries
            for kind in ((delivery.claimed.channel, delivery.claimed.category),)
        ]
