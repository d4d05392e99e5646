"""Stop and start a job's schedule: in, a job, who and why; out, a row of `job_pauses`, which is the history too.

A paused job still runs by hand. The schedule rows of django-q2 stay as they are: their slots are handed out and skipped.
"""

import datetime as dt
import logging

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet

from jobs.models import JobPause

logger = logging.getLogger(__name__)

# Who ended a pause whose moment had come.
CLOCK = "clock"
SHOWN = 20


def pause(job: str, *, now: dt.datetime, by: str, reason: str, until: dt.datetime | None = None) -> bool:
    """Skip the job's slots until that moment, or until somebody resumes it. False, and nothing changed, if it is paused."""
    try:
        with transaction.atomic():
            _end_expired(job, now)
            JobPause.objects.create(job_name=job, paused_at=now, paused_by=by, reason=reason, until=until)
    except IntegrityError as error:
        if getattr(getattr(error.__cause__, "diag", None), "constraint_name", "") != "job_pauses_one_open":
            raise
        return False
    end = until.isoformat(timespec="seconds") if until else "resumed"
    logger.warning("job.paused job=%s until=%s by=%s reason=%s", job, end, by, reason)
    return True


def resume(job: str, *, now: dt.datetime, by: str, reason: str) -> bool:
    """Run by schedule again, from the next slot on. False if the job was not paused."""
    with transaction.atomic():
        _end_expired(job, now)
        ended = _open(job).update(resumed_at=now, resumed_by=by, resume_reason=reason)
    if ended:
        logger.info("job.resumed job=%s by=%s reason=%s", job, by, reason)
    return ended == 1


def pause_in_force(job: str, *, now: dt.datetime) -> JobPause | None:
    """What stops the job's schedule at that moment."""
    return _open(job).filter(Q(until__isnull=True) | Q(until__gt=now)).first()


def pauses_of(job: str) -> list[JobPause]:
    """The last pauses of a job, the newest first."""
    return list(JobPause.objects.filter(job_name=job).order_by("-paused_at", "-id")[:SHOWN])


def _open(job: str) -> QuerySet[JobPause]:
    return JobPause.objects.filter(job_name=job, resumed_at__isnull=True)


def _end_expired(job: str, now: dt.datetime) -> None:
    _open(job).filter(until__lte=now).update(resumed_at=F("until"), resumed_by=CLOCK)
