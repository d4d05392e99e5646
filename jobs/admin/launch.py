"""One job's page: in, a POST by staff with the permission; out, a dry run's table, or a run handed to a worker.

Opening the page changes nothing: it is the confirmation. Both kinds of run are in the audit log.
"""

import datetime as dt
import uuid
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jobs.models import JobRun
from jobs.moment import parse_moment
from jobs.report import Outcome, RunReport
from jobs.runner import UnknownJob, find_job, run
from jobs.status import job_statuses
from jobs.tasks import run_later

if TYPE_CHECKING:
    from jobs.admin.runs import JobRunAdmin

# Rows of a dry run on the page; the rest is counted.
SHOWN = 200


class LaunchForm(forms.Form):
    """For which moment; empty is now."""

    at = forms.CharField(
        label=gettext_lazy("Moment"),
        required=False,
        help_text=gettext_lazy("What the job takes for now, in local time. Empty: the present."),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "class": "pr-input"}),
    )

    def clean_at(self) -> dt.datetime | None:
        text: str = self.cleaned_data["at"]
        try:
            return parse_moment(text) if text else None
        except ValueError as error:
            raise ValidationError(str(error)) from None


def job_view(admin: "JobRunAdmin", request: HttpRequest, name: str) -> HttpResponse:
    """`job/<name>/`: GET shows the job and asks, POST with `act` dry or run does it."""
    if not admin.has_view_permission(request):
        raise PermissionDenied
    try:
        find_job(name)
    except UnknownJob as error:
        raise Http404(str(error)) from None
    form = LaunchForm(request.POST or None, label_suffix="")
    if request.method != "POST":
        return _page(admin, request, name, form)
    if not request.user.has_perm("jobs.run_job"):
        raise PermissionDenied
    act = request.POST.get("act")
    if not form.is_valid() or act not in ("dry", "run"):
        return _page(admin, request, name, form)
    if act == "dry":
        return _page(admin, request, name, form, report=_dry_run(request, name, form.cleaned_data["at"]))
    _hand_over(request, name, form.cleaned_data["at"])
    return HttpResponseRedirect(reverse("admin:jobs_jobrun_changelist"))


def _dry_run(request: HttpRequest, name: str, at: dt.datetime | None) -> RunReport:
    moment = at or timezone.now()
    report = run(name, now=moment, trigger=JobRun.Trigger.ADMIN, actor=_actor(request), dry_run=True)
    _audit(
        request, name, report.run_id, f"dry run for {moment.isoformat(timespec='minutes')}: {report.status}"
    )
    return report


def _hand_over(request: HttpRequest, name: str, at: dt.datetime | None) -> None:
    run_id = uuid.uuid4()
    _audit(request, name, run_id, f"run for {at.isoformat(timespec='minutes') if at else 'now'}")
    run_later(name, trigger=JobRun.Trigger.ADMIN, actor=_actor(request), moment=at, run_id=run_id)
    text = _("%(job)s is handed to a worker as run %(run)s. It is listed here once it has started.")
    messages.success(request, text % {"job": name, "run": run_id})


def _actor(request: HttpRequest) -> str:
    return f"staff:{request.user.pk}"


def _audit(request: HttpRequest, name: str, run_id: uuid.UUID, message: str) -> None:
    LogEntry.objects.create(
        user_id=str(request.user.pk),
        content_type=ContentType.objects.get_for_model(JobRun),
        object_id=str(run_id),
        object_repr=name,
        action_flag=ADDITION,
        change_message=message,
    )


def _page(
    admin: "JobRunAdmin", request: HttpRequest, name: str, form: LaunchForm, report: RunReport | None = None
) -> HttpResponse:
    spec = find_job(name)
    [job] = [status for status in job_statuses(now=timezone.now()) if status.name == name]
    request.current_app = admin.admin_site.name
    context: dict[str, Any] = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "title": name,
        "spec": spec,
        "job": job,
        "form": form,
        "may_run": request.user.has_perm("jobs.run_job"),
        "time_zone": timezone.get_current_timezone_name(),
        "report": report,
    }
    if report is not None:
        context |= {
            "succeeded": report.status is Outcome.SUCCESS,
            "rows": report.messages[:SHOWN],
            "changes": report.result.changed[:SHOWN] if report.result else (),
            "change_count": len(report.result.changed) if report.result else 0,
        }
    return TemplateResponse(request, "jobs/admin/job.html", context)
