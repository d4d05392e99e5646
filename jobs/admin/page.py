"""One job's page: in, a job and the forms that came back; out, how it stands, its last runs and pauses, and what may be done."""

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from consent.staff_names import staff_names
from jobs.admin.dry import dry_context
from jobs.admin.moments import presets, warnings
from jobs.admin.standing import standing_context
from jobs.admin.summary import RUN_TONE, did, took
from jobs.admin.trend import CHARTED, chart_data, compare, trend
from jobs.last_runs import last_runs
from jobs.models import JobRun
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
    question: Form | None = None,
    at: dt.datetime | None = None,
) -> HttpResponse:
    """`posted` is a pause or resume form that came back with errors, `report` that of a dry run, `question` the form that asks
    whether to run the job for the moment `at`."""
    now = timezone.now()
    [job] = job_statuses(now=now, names=[name])
    spec = find_job(name)
    runs = last_runs([name], count=CHARTED)[name]
    pauses = pauses_of(name)
    names = staff_names(
        [
            *(run.actor for run in runs[-LAST:]),
            *(who for row in pauses for who in (row.paused_by, row.resumed_by)),
        ]
    )
    drawn = trend(runs, limit=spec.timeout)
    request.current_app = admin.admin_site.name
    context: dict[str, Any] = {
        **admin.admin_site.each_context(request),
        **standing_context(job, runs, now=now),
        "opts": admin.opts,
        "title": name,
        "spec": spec,
        "form": launch,
        "presets": presets(job, now=now),
        "question": question,
        "at": at,
        "warnings": warnings(job, at=at, now=now) if question else [],
        "may_run": request.user.has_perm("jobs.run_job"),
        "may_pause": request.user.has_perm("jobs.pause_job"),
        "stop_form": posted or (ResumeForm() if job.pause else PauseForm()),
        "stop_failed": posted is not None,
        "last_runs": [_line(run, names.get(run.actor, "")) for run in reversed(runs[-LAST:])],
        "trend": drawn,
        "chart": chart_data(drawn),
        "comparison": compare(runs),
        "pauses": [(row, names.get(row.paused_by, ""), names.get(row.resumed_by, "")) for row in pauses],
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


def _line(run: JobRun, who: str) -> dict[str, Any]:
    return {
        "run": run,
        "tone": RUN_TONE[run.status],
        "took": took(run.duration),
        "did": did(status=run.status, error=run.error_message, summary=run.summary),
        "who": who,
    }
