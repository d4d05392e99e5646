"""A run that a person asks for: in, a job, who and why; out, a request that waits for a worker, or the one that stands already.

The table decides, not a look beforehand: one request a job waits, and one has a run's id. So a double click, and two operators
at once, ask for one run.
"""

import datetime as dt
import uuid
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from jobs.models import JobRequest, JobRun

State = JobRequest.State
# A request that no worker took for so long stands in nobody's way: its task may be gone.
GIVEN_UP_AFTER = dt.timedelta(minutes=15)
# A worker that took one begins its run within seconds; silent for so long, it is dead.
SILENT_FOR = dt.timedelta(minutes=5)
# Its run, and that run once it is known to be lost.
_RUN = JobRun.objects.filter(pk=OuterRef("pk"))
_LOST_RUN = _RUN.filter(
    Q(status=JobRun.Status.CRASHED) | Q(status=JobRun.Status.RUNNING, lease_until__lt=Now())
)


@dataclass(frozen=True, slots=True)
class Asked:
    """`is_new`: it was made now. Else `request` is the one that stood before."""

    request: JobRequest
    is_new: bool


def ask(
    job: str, *, run_id: uuid.UUID, by: str, reason: str, now: dt.datetime, moment: dt.datetime | None = None
) -> Asked:
    """Make the request, unless this one was made before or another one of the job waits. In the caller's transaction: whoever
    hands the run to a worker does it in the same."""
    JobRequest.objects.filter(job_name=job, state=State.WAITING, asked_at__lt=now - GIVEN_UP_AFTER).update(
        state=State.LOST
    )
    try:
        with transaction.atomic():
            made = JobRequest.objects.create(
                run_id=run_id, job_name=job, moment=moment, asked_at=now, asked_by=by, reason=reason
            )
    except IntegrityError:
        return Asked(_standing(job, run_id), is_new=False)
    return Asked(made, is_new=True)


def take(run_id: uuid.UUID, *, now: dt.datetime) -> None:
    """A worker has it in hand. One whose worker died before there was a run may be handed out again."""
    free = Q(state__in=[State.WAITING, State.LOST]) | Q(~Exists(_RUN), state=State.DIED)
    JobRequest.objects.filter(free, pk=run_id).update(state=State.TAKEN, taken_at=now)


def refuse(run_id: uuid.UUID, why: str) -> None:
    """The worker was not let: there is no run."""
    JobRequest.objects.filter(pk=run_id, state=State.TAKEN).update(state=State.REFUSED, refusal=why)


def bury_taken(*, now: dt.datetime) -> int:
    """Say of the requests whose worker died that it did; answers how many."""
    return _dead(JobRequest.objects.filter(state=State.TAKEN), now).update(state=State.DIED)


def last_request(job: str, *, now: dt.datetime) -> JobRequest | None:
    """The newest of a job, as it stands now: nobody may have buried it yet. `has_run` says whether it became a run."""
    rows = JobRequest.objects.filter(job_name=job).order_by("-asked_at").annotate(has_run=Exists(_RUN))
    last = rows.first()
    if last and last.state == State.TAKEN and _dead(rows.filter(pk=last.pk), now).exists():
        last.state = State.DIED
    return last


def _dead(taken: QuerySet[JobRequest], now: dt.datetime) -> QuerySet[JobRequest]:
    """Those whose run is lost, or that became none in time."""
    return taken.filter(Exists(_LOST_RUN) | Q(~Exists(_RUN), taken_at__lt=now - SILENT_FOR))


def _standing(job: str, run_id: uuid.UUID) -> JobRequest:
    """What was in the way. Between the refusal and this look a worker may have taken it: then it is the newest."""
    same = JobRequest.objects.filter(pk=run_id).first()
    waiting = JobRequest.objects.filter(job_name=job, state=State.WAITING).first()
    return same or waiting or JobRequest.objects.filter(job_name=job).latest("asked_at")
