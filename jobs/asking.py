"""A run that a person asks for: in, a job, who and why; out, a request that waits for a worker, or the one that stands already.

The table decides, not a look beforehand: one request a job waits, and one has a run's id. So a double click, and two operators
at once, ask for one run.
"""

import datetime as dt
import uuid
from dataclasses import dataclass

from django.db import IntegrityError, transaction

from jobs.models import JobRequest

State = JobRequest.State
# A request that no worker took for so long stands in nobody's way: its task may be gone.
GIVEN_UP_AFTER = dt.timedelta(minutes=15)


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


def take(run_id: uuid.UUID) -> None:
    """A worker has it in hand."""
    JobRequest.objects.filter(pk=run_id, state__in=[State.WAITING, State.LOST]).update(state=State.TAKEN)


def refuse(run_id: uuid.UUID, why: str) -> None:
    """The worker was not let: there is no run."""
    JobRequest.objects.filter(pk=run_id, state=State.TAKEN).update(state=State.REFUSED, refusal=why)


def last_request(job: str) -> JobRequest | None:
    """The newest of a job."""
    return JobRequest.objects.filter(job_name=job).order_by("-asked_at").first()


def _standing(job: str, run_id: uuid.UUID) -> JobRequest:
    """What was in the way. Between the refusal and this look a worker may have taken it: then it is the newest."""
    same = JobRequest.objects.filter(pk=run_id).first()
    waiting = JobRequest.objects.filter(job_name=job, state=State.WAITING).first()
    return same or waiting or JobRequest.objects.filter(job_name=job).latest("asked_at")
