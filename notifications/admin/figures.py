"""How the queue stands by channel: in, a moment; out, what is due, for later and in flight, and what stands against sending."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection

from consent.models import Channel
from notifications.backlog import backlog
from notifications.channel_state import Kind, Stop, states
from notifications.stats import CAP, oldest_due

# Few rows are in flight; the status as a literal, for notification_queue_inflight.
IN_FLIGHT = """
SELECT channel, count(*) FROM (
    SELECT channel FROM notification_queue WHERE status = 'processing' ORDER BY id LIMIT %s
) AS held GROUP BY channel
"""


@dataclass(frozen=True, slots=True)
class Backlog:
    """One channel. `waiting` and `later` stop counting at CAP for each priority; `unknown` are failed messages that may have been
    sent; `oldest_age` is None when nothing is due."""

    channel: str
    waiting: int
    later: int
    in_flight: int
    unknown: int
    oldest_age: dt.timedelta | None
    stops: tuple[Stop, ...]

    @property
    def is_paused(self) -> bool:
        """Did a person say that it waits?"""
        return any(stop.kind is Kind.PAUSED for stop in self.stops)

    @property
    def is_capped(self) -> bool:
        """May more be due than were counted?"""
        return self.waiting >= CAP


def backlogs(*, now: dt.datetime) -> tuple[Backlog, ...]:
    """Of every channel, in five statements."""
    stops = {standing.channel: standing.stops for standing in states(now=now)}
    found, in_flight = backlog(now=now), _in_flight()
    ages = {
        channel: dt.timedelta(seconds=seconds) for channel, seconds in oldest_due(now=now).items() if seconds
    }
    return tuple(
        Backlog(
            channel=channel,
            waiting=found.ready.get(channel, 0),
            later=found.scheduled.get(channel, 0),
            in_flight=in_flight.get(channel, 0),
            unknown=found.unknown[channel],
            oldest_age=ages.get(channel),
            stops=stops[channel],
        )
        for channel in Channel.values
    )


def oldest_of(found: Iterable[Backlog]) -> dt.timedelta | None:
    """How long the oldest due message has waited, where no person paused the channel: there, waiting was asked for."""
    ages = [
        backlog.oldest_age for backlog in found if backlog.oldest_age is not None and not backlog.is_paused
    ]
    return max(ages, default=None)


def _in_flight() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(IN_FLIGHT, [CAP])
        return dict(cursor.fetchall())
