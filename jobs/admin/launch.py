"""Run a job: in, a POST by staff with the permission; out, a dry run on the job's page, or a run handed to a worker.

Opening the page changes nothing: it is the confirmation. Both kinds of run are in the audit log.
"""

import datetime as dt
import uuid
from typing import TYPE_CHECKING

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jobs.admin.page import actor, audit, job_page, refuse_strangers
from jobs.models import JobRun
from jobs.moment import parse_moment
from jobs.report import RunReport
from jobs.runner import run
from jobs.tasks import run_later

if TYPE_CHECKING:
    from jobs.admin.runs import JobRunAdmin


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
    refuse_strangers(admin, request, name)
    form = LaunchForm(request.POST or None, label_suffix="")
    if request.method != "POST":
        return job_page(admin, request, name, launch=form)
    if not request.user.has_perm("jobs.run_job"):
        raise PermissionDenied
    act = request.POST.get("act")
    if not form.is_valid() or act not in ("dry", "run"):
        return job_page(admin, request, name, launch=form)
    if act == "dry":
        report = _dry_run(request, name, form.cleaned_data["at"])
        return job_page(admin, request, name, launch=form, report=report)
    _hand_over(request, name, form.cleaned_data["at"])
    return HttpResponseRedirect(reverse("admin:jobs_jobrun_changelist"))


def _dry_run(request: HttpRequest, name: str, at: dt.datetime | None) -> RunReport:
    moment = at or timezone.now()
    report = run(name, now=moment, trigger=JobRun.Trigger.ADMIN, actor=actor(request), dry_run=True)
    told = f"dry run for {moment.isoformat(timespec='minutes')}: {report.status}"
    audit(request, name, JobRun, str(report.run_id), told)
    return report


def _hand_over(request: HttpRequest, name: str, at: dt.datetime | None) -> None:
    run_id = uuid.uuid4()
    told = f"run for {at.isoformat(timespec='minutes') if at else 'now'}"
    audit(request, name, JobRun, str(run_id), told)
    run_later(name, trigger=JobRun.Trigger.ADMIN, actor=actor(request), moment=at, run_id=run_id)
    text = _("%(job)s is handed to a worker as run %(run)s. It is listed here once it has started.")
    messages.success(request, text % {"job": name, "run": run_id})
