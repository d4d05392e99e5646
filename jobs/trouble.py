"""What is wrong with the jobs: in, how they stand; out, Troubles: failing, crashed, overdue."""

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db.models.functions import Now

from jobs.models import JobEscalation
from jobs.status import TOLERATED_FAILURES, JobStatus
from notifications.channel_state import open_channels
from notifications.models import DrainWatch, Notification
from notifications.stats import queue_stats

Kind = JobEscalation.Kind
# The queue's own job, which is in no catalogue.
DRAIN = "process_notifications"
# Messages that wait for longer than this while nobody sends: several of the drain's minutes have gone by.
STANDSTILL = dt.timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Trouble:
    """One reason to tell the security centre."""

    job: str
    kind: str
    failures: int = 0


def job_troubles(statuses: Iterable[JobStatus]) -> Iterator[Trouble]:
    """More failures in a row than tolerated, a crash, no success for too long. Nothing of jobs that are paused."""
    for job in statuses:
        if job.pause:
            continue
        if job.consecutive_failures > TOLERATED_FAILURES:
            yield Trouble(job.name, Kind.FAILING, job.consecutive_failures)
        if job.crashes:
            yield Trouble(job.name, Kind.CRASHED)
        if job.overdue:
            yield Trouble(job.name, Kind.OVERDUE)


def drain_trouble(*, now: dt.datetime) -> Trouble | None:
    """The drain is overdue when messages wait on an open channel, and no drain lives nor holds a message."""
    oldest = queue_stats(now=now).oldest_due_seconds
    late = [channel for channel, seconds in oldest.items() if seconds > STANDSTILL.total_seconds()]
    if not late or not open_channels(late, now=now) or is_drain_alive() or _is_sent_by_somebody():
        return None
    return Trouble(DRAIN, Kind.OVERDUE)


def is_drain_alive() -> bool:
    """Does a drain that stays say so? One that is only called now and then does not count."""
    return DrainWatch.objects.filter(alive_until__gt=Now()).exists()


def _is_sent_by_somebody() -> bool:
    held = Notification.objects.filter(status=Notification.Status.PROCESSING, lease_until__gt=Now())
    return held.exists()
