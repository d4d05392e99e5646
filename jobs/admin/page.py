"""One job's page: in, a job and the forms that came back; out, how it stands, its last runs and pauses, and what may be done."""

from typing import TYPE_CHECKING, Any

from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from jobs.admin.dry import dry_context
from jobs.admin.summary import JOB_STATES, RUN_TONE, did, took
from jobs.models import JobEscalation, JobRun
from jobs.pause import pauses_of
from jobs.report import RunReport
from jobs.runner import UnknownJob, find_job
from jobs.status import job_statuses
from notifications.admin.reason import PauseForm, ResumeForm

if TYPE_CHECKING:
    from jobs.admin.runs import JobRunAdmin

LAST = 10


def refuse_strangers(admin: "JobRunAdmin", request: HttpRequest, name: str) -> None:
    """Only who may see jobs gets as far as this one, if there is such a job."""
    if not admin.has_view_permission(request):
        raise PermissionDenied
    try:
        find_job(name)
    except UnknownJob as error:
        raise Http404(str(error)) from None


def job_page(
    admin: "JobRunAdmin",
    request: HttpRequest,
    name: str,
    *,
    launch: Form,
    posted: Form | None = None,
    report: RunReport | None = None,
) -> HttpResponse:
    """`posted` is a pause or resume form that came back with errors; `report` that of a dry run."""
    [job] = job_statuses(now=timezone.now(), names=[name])
    request.current_app = admin.admin_site.name
    stops = posted or (ResumeForm() if job.pause else PauseForm())
    context: dict[str, Any] = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "title": name,
        "spec": find_job(name),
        "job": job,
        "state": JOB_STATES[job.state][0],
        "tone": JOB_STATES[job.state][1],
        "last_status": JobRun.Status(job.last_run.status).label if job.last_run else "",
        "form": launch,
        "may_run": request.user.has_perm("jobs.run_job"),
        "may_pause": request.user.has_perm("jobs.pause_job"),
        "stop_form": stops,
        "stop_failed": posted is not None,
        "last_runs": [
            _line(run) for run in JobRun.objects.filter(job_name=name).order_by("-started_at")[:LAST]
        ],
        "pauses": pauses_of(name),
        "escalations": JobEscalation.objects.filter(job_name=name, resolved_at__isnull=True),
        "time_zone": timezone.get_current_timezone_name(),
        "report": report,
    }
    if report is not None:
        context |= dry_context(report)
    return TemplateResponse(request, "jobs/admin/job.html", context)


def actor(request: HttpRequest) -> str:
    return f"staff:{request.user.pk}"


def audit(request: HttpRequest, name: str, about: type[Model], key: str, message: str) -> None:
    """Who did what, in Django's own log."""
    LogEntry.objects.create(
        user_id=str(request.user.pk),
        content_type=ContentType.objects.get_for_model(about),
        object_id=key,
        object_repr=name,
        action_flag=ADDITION,
        change_message=message,
    )


def _line(run: JobRun) -> dict[str, Any]:
    return {
        "run": run,
        "tone": RUN_TONE[run.status],
        "took": took(run.duration),
        "did": did(status=run.status, error=run.error_message, summary=run.summary),
    }
