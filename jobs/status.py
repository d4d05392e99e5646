"""How every job stands: in, the moment; out, one JobStatus a job: on time or overdue, well, failing or paused."""

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext

from jobs import catalog
from jobs.cron import in_words, nth_slot
from jobs.schedules import schedule_name
from jobs.spec import JobSpec
from jobs.standing import LastPause, LastRun, Standing, standings

__all__ = ["TOLERATED_FAILURES", "JobStatus", "LastRun", "healthy", "job_statuses"]

# The blueprint's threshold: more failures in a row than this page somebody.
TOLERATED_FAILURES = 3
# The scheduler ticks every 30 seconds, and a run takes its time.
TICK = dt.timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class JobStatus:
    """How one job stands. `state` is paused, overdue, failing (its last run failed), ok, or never (it has not run yet).

    `crashes` are among the failures in a row. `pause` is the one in force. A success counts from its start, except
    `success_ended_at`.
    """

    name: str
    description: str
    cron: str
    schedule: str
    state: str
    last_run: LastRun | None
    last_success_at: dt.datetime | None
    success_ended_at: dt.datetime | None
    consecutive_failures: int
    crashes: int
    next_run_at: dt.datetime | None
    overdue: bool
    pause: LastPause | None

    @property
    def is_unwell(self) -> bool:
        """Should somebody be paged? Not while the job stands still because somebody said so."""
        return self.pause is None and (self.overdue or self.consecutive_failures > TOLERATED_FAILURES)


def job_statuses(*, now: dt.datetime, names: Collection[str] | None = None) -> list[JobStatus]:
    """The catalogue's jobs, or some of them, by name. One query."""
    wanted = sorted(catalog.CATALOG if names is None else names)
    found = standings({name: schedule_name(name) for name in wanted})
    return [_status(catalog.CATALOG[name], standing, now) for name, standing in found.items()]


def healthy(statuses: Iterable[JobStatus]) -> bool:
    """Is every job on time, with no more failures in a row than one may shrug at?"""
    return not any(job.is_unwell for job in statuses)


def _status(spec: JobSpec, standing: Standing, now: dt.datetime) -> JobStatus:
    pause = standing.pause if standing.pause and standing.pause.in_force(now) else None
    overdue = pause is None and _is_overdue(spec, standing, now)
    return JobStatus(
        name=spec.name,
        description=gettext(spec.description),
        cron=spec.cron,
        schedule=in_words(spec.cron),
        state=_state(standing, pause=pause, overdue=overdue),
        last_run=standing.last_run,
        last_success_at=standing.succeeded_at,
        success_ended_at=standing.success_ended_at,
        consecutive_failures=standing.failures,
        crashes=standing.crashes,
        next_run_at=standing.next_run_at,
        overdue=overdue,
        pause=pause,
    )


def _state(standing: Standing, *, pause: LastPause | None, overdue: bool) -> str:
    if pause:
        return "paused"
    if overdue:
        return "overdue"
    if standing.failures:
        return "failing"
    return "ok" if standing.last_run else "never"


def _is_overdue(spec: JobSpec, standing: Standing, now: dt.datetime) -> bool:
    """No success for so many slots. A job that never succeeded counts from its first run; one that never ran, from when it
    was first to run, or the slot that it waits for; one that was paused, from the end of the pause."""
    waiting = [moment for moment in (standing.known_since, standing.next_run_at) if moment]
    since = standing.succeeded_at or standing.first_run_at or min(waiting, default=None)
    if since is None:
        return False
    if standing.pause and standing.pause.end:
        since = max(since, standing.pause.end)
    return now > nth_slot(spec.cron, since, spec.overdue_after, tz=settings.TIME_ZONE) + TICK
