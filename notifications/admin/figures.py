"""How the queue stands: in, a moment; out, frozen figures for the first page, read through indexes."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count

from consent.models import Channel
from notifications.channel_state import Kind, Stop, states
from notifications.models import Notification
from notifications.stats import queue_stats

PERIOD = dt.timedelta(hours=24)
# A backlog is a backlog: counting it to the end would take longer the worse it is.
COUNT_LIMIT = 10_000

Status = Notification.Status


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is due on one channel. `waiting` stops at COUNT_LIMIT; `oldest_age` is None when nothing is due."""

    channel: str
    waiting: int
    oldest_age: dt.timedelta | None
    stops: tuple[Stop, ...]


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """`counts` is by (channel, status) for what was asked for in the last PERIOD."""

    counts: Mapping[tuple[str, str], int]
    backlogs: tuple[Backlog, ...]

    def total(self, status: str) -> int:
        return sum(count for (_, of), count in self.counts.items() if of == status)

    @property
    def oldest_age(self) -> dt.timedelta | None:
        """How long the oldest due message has waited, where no person paused the channel: there, waiting was asked for."""
        ages = [
            backlog.oldest_age
            for backlog in self.backlogs
            if backlog.oldest_age is not None and all(stop.kind is not Kind.PAUSED for stop in backlog.stops)
        ]
        return max(ages, default=None)


def queue_figures(*, now: dt.datetime) -> QueueFigures:
    """Four queries, and one more for each channel with something due."""
    recent = Notification.objects.filter(created_at__gte=now - PERIOD).order_by()
    counts = {
        (channel, status): count
        for channel, status, count in recent.values_list("channel", "status").annotate(count=Count("pk"))
    }
    stops = {standing.channel: standing.stops for standing in states(now=now)}
    oldest = queue_stats(now=now).oldest_due_seconds
    backlogs = tuple(_backlog(name, oldest.get(name, 0.0), stops[name], now) for name in Channel.values)
    return QueueFigures(counts, backlogs)


def _backlog(channel: str, seconds: float, stops: tuple[Stop, ...], now: dt.datetime) -> Backlog:
    due = Notification.objects.filter(status=Status.QUEUED, channel=channel, scheduled_at__lte=now)
    return Backlog(
        channel=channel,
        waiting=due.order_by()[:COUNT_LIMIT].count() if seconds else 0,
        oldest_age=dt.timedelta(seconds=seconds) if seconds else None,
        stops=stops,
    )
