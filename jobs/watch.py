"""Look at the jobs from outside: in, the moment; out, crashed runs buried, the security centre told, or told that it is over.

It needs no job to work: a schedule in each cluster runs it every few minutes, and so may any cron (`manage.py watch_jobs`).
The runner calls it for one job after a run that failed, or that ended what was told.
"""

import datetime as dt
import logging
from collections.abc import Collection
from dataclasses import dataclass

from jobs import catalog
from jobs.asking import bury_taken
from jobs.escalation import escalate, forget
from jobs.known import note_known
from jobs.ledger import bury_dead
from jobs.models import JobEscalation
from jobs.status import JobStatus, job_statuses
from jobs.trouble import DRAIN, Trouble, drain_trouble, is_drain_alive, job_troubles

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WatchReport:
    """What is wrong now, and how many dead runs were found."""

    troubles: tuple[Trouble, ...]
    buried: int

    @property
    def is_drain_overdue(self) -> bool:
        return any(trouble.job == DRAIN for trouble in self.troubles)


def watch(*, now: dt.datetime) -> WatchReport:
    """Look at every job, and at the drain."""
    note_known(catalog.CATALOG, now=now)
    buried = bury_dead(*catalog.CATALOG)
    bury_taken(now=now)
    statuses = job_statuses(now=now)
    stands_still = drain_trouble(now=now)
    troubles = tuple(job_troubles(statuses)) + ((stands_still,) if stands_still else ())
    succeeded = _succeeded(statuses)
    # That nothing is late proves no recovery: where nobody drains, the watch itself sends what it finds.
    if not stands_still and is_drain_alive():
        succeeded[DRAIN] = now
    escalate(troubles, succeeded=succeeded, now=now)
    forget(known=[*catalog.CATALOG, DRAIN], now=now)
    return WatchReport(troubles, buried)


def notice(job: str, *, failed: bool, now: dt.datetime) -> None:
    """A run of this job ended, or was found dead. Never raises: the run's outcome stands, whoever can be told of it."""
    try:
        if failed or _is_open(job):
            statuses = job_statuses(now=now, names=[job])
            escalate(tuple(job_troubles(statuses)), succeeded=_succeeded(statuses), now=now)
    except Exception:
        logger.exception("job.notice_failed job=%s", job)


def _succeeded(statuses: Collection[JobStatus]) -> dict[str, dt.datetime]:
    """When each job last ended well, of those that may be told about."""
    return {job.name: job.success_ended_at for job in statuses if job.success_ended_at and not job.pause}


def _is_open(job: str) -> bool:
    """One index look-up, so that a run that went well costs no more."""
    return JobEscalation.objects.filter(job_name=job, resolved_at__isnull=True).exists()
