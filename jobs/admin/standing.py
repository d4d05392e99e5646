"""The parts that keep themselves up to date: in, a request; out, how all jobs stand, or one of them, or one run, as HTML."""

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone

from consent.staff_names import staff_names
from jobs import catalog
from jobs.admin.run_page import run_context
from jobs.admin.strip import RUNS, strip, strips
from jobs.admin.summary import JOB_STATES, did, took
from jobs.asking import GIVEN_UP_AFTER, last_request
from jobs.last_runs import last_runs
from jobs.models import JobEscalation, JobRequest, JobRun
from jobs.status import JobStatus, job_statuses

if TYPE_CHECKING:
    from jobs.admin.runs import JobRunAdmin


def jobs_part(admin: "JobRunAdmin", request: HttpRequest) -> HttpResponse:
    """`live/`: the table of the jobs."""
    if not admin.has_view_permission(request):
        raise PermissionDenied
    return render(request, "jobs/admin/jobs_table.html", jobs_context(request))


def job_part(admin: "JobRunAdmin", request: HttpRequest, name: str) -> HttpResponse:
    """`job/<name>/live/`: how it stands."""
    if not admin.has_view_permission(request):
        raise PermissionDenied
    if name not in catalog.CATALOG:
        raise Http404
    now = timezone.now()
    [job] = job_statuses(now=now, names=[name])
    runs = last_runs([name], count=RUNS)[name]
    return render(request, "jobs/admin/job_facts.html", standing_context(job, runs, now=now))


def run_part(admin: "JobRunAdmin", request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """`run/<id>/live/`: the facts of a run."""
    if not admin.has_view_permission(request):
        raise PermissionDenied
    run = get_object_or_404(JobRun, pk=pk)
    return render(request, "jobs/admin/run_facts.html", run_context(request, run))


def jobs_context(request: HttpRequest) -> dict[str, Any]:
    """The catalogue. In two queries."""
    now = timezone.now()
    statuses = job_statuses(now=now)
    drawn = strips([job.name for job in statuses], now=now)
    return {
        "catalogue": [_row(job) | {"strip": drawn[job.name]} for job in statuses],
        "may_run": request.user.has_perm("jobs.run_job"),
    }


def standing_context(job: JobStatus, runs: Sequence[JobRun], *, now: dt.datetime) -> dict[str, Any]:
    """One job: its state, its next and last run, who waits for a run of it. `runs` are its last, oldest first."""
    asked = last_request(job.name, now=now)
    pauser = job.pause.paused_by if job.pause else ""
    names = staff_names([asked.asked_by if asked else "", pauser])
    return _row(job) | {
        "strip": strip(job.name, runs[-RUNS:], now=now),
        "asked": asked if asked and _is_news(asked, job, now) else None,
        "asker": names.get(asked.asked_by, "") if asked else "",
        "pauser": names.get(pauser, ""),
        "escalations": JobEscalation.objects.filter(job_name=job.name, resolved_at__isnull=True),
        "time_zone": timezone.get_current_timezone_name(),
    }


def _is_news(asked: JobRequest, job: JobStatus, now: dt.datetime) -> bool:
    """Waiting, or it came to nothing a short while ago; what became a run is among the runs. That its worker died is news
    until the job runs again."""
    if asked.state == JobRequest.State.DIED:
        last = job.last_run
        return last is None or last.id == asked.pk or last.started_at < (asked.taken_at or asked.asked_at)
    if asked.state == JobRequest.State.TAKEN:
        return False
    return asked.state == JobRequest.State.WAITING or now - asked.asked_at < 4 * GIVEN_UP_AFTER


def _row(job: JobStatus) -> dict[str, Any]:
    last = job.last_run
    return {
        "job": job,
        "state": JOB_STATES[job.state][0],
        "tone": JOB_STATES[job.state][1],
        "last_status": JobRun.Status(last.status).label if last else "",
        "took": took(last.duration) if last else "",
        "did": did(status=last.status, error=last.error, summary=last.summary) if last else "",
    }
