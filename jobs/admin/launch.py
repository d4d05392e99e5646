"""Run a job: in, a POST by staff with the permission; out, a dry run on the job's page, a question, or a run handed to a worker.

Asking changes nothing: it shows for which moment and what that means. Every run, dry or not, is in the audit log.
"""

import datetime as dt
import uuid
from typing import TYPE_CHECKING

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from consent.staff_names import staff_name
from jobs.admin.page import actor, audit, job_page, refuse_strangers
from jobs.asking import Asked, ask
from jobs.models import JobRequest, JobRun
from jobs.moment import parse_moment
from jobs.report import RunReport
from jobs.runner import run
from jobs.tasks import run_later
from notifications.admin.reason import ReasonForm

if TYPE_CHECKING:
    from jobs.admin.runs import JobRunAdmin


class MomentField(forms.CharField):
    """What the job takes for now; empty is the present."""

    def clean(self, value: object) -> dt.datetime | None:
        text = str(super().clean(value))
        try:
            return parse_moment(text) if text else None
        except ValueError as error:
            raise ValidationError(str(error)) from None


class LaunchForm(forms.Form):
    """For which moment."""

    at = MomentField(
        label=gettext_lazy("Moment"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "class": "pr-input pr-input--moment"}),
    )


class RunForm(ReasonForm):
    """The answer to the question. Its run has an id from the beginning, so that a second click asks for the same run."""

    at = MomentField(required=False, widget=forms.HiddenInput)
    run_id = forms.UUIDField(widget=forms.HiddenInput)


def job_view(admin: "JobRunAdmin", request: HttpRequest, name: str) -> HttpResponse:
    """`job/<name>/`: GET shows the job; POST with `act` dry rehearses it, ask asks, run does it."""
    refuse_strangers(admin, request, name)
    if request.method != "POST":
        return job_page(admin, request, name, launch=_prefilled(request))
    if not request.user.has_perm("jobs.run_job"):
        raise PermissionDenied
    act = request.POST.get("act")
    if act == "run":
        return _run(admin, request, name)
    launch = LaunchForm(request.POST, label_suffix="")
    if not launch.is_valid() or act not in ("dry", "ask"):
        return job_page(admin, request, name, launch=launch)
    at: dt.datetime | None = launch.cleaned_data["at"]
    if act == "dry":
        return job_page(admin, request, name, launch=launch, report=_dry_run(request, name, at))
    question = RunForm(initial={"at": at.isoformat() if at else "", "run_id": uuid.uuid4()})
    return job_page(admin, request, name, launch=launch, question=question, at=at)


def blank_launch() -> LaunchForm:
    return LaunchForm(label_suffix="")


def _prefilled(request: HttpRequest) -> LaunchForm:
    """A link may bring the moment along; what is none is shown for what it is, once it is sent."""
    return LaunchForm(initial={"at": request.GET.get("at", "")[:16]}, label_suffix="")


def _run(admin: "JobRunAdmin", request: HttpRequest, name: str) -> HttpResponse:
    answer = RunForm(request.POST)
    if not answer.is_valid():
        at = answer.cleaned_data.get("at")
        if "run_id" in answer.errors or "at" in answer.errors:  # a form that is not ours
            return job_page(admin, request, name, launch=blank_launch())
        return job_page(admin, request, name, launch=blank_launch(), question=answer, at=at)
    asked = _hand_over(request, name, answer)
    said = messages.success if asked.is_new else messages.warning
    said(request, _told(name, asked))
    return HttpResponseRedirect(reverse("admin:jobs_jobrun_job", args=[name]))


def _dry_run(request: HttpRequest, name: str, at: dt.datetime | None) -> RunReport:
    moment = at or timezone.now()
    report = run(name, now=moment, trigger=JobRun.Trigger.ADMIN, actor=actor(request), dry_run=True)
    told = f"dry run for {moment.isoformat(timespec='minutes')}: {report.status}"
    audit(request, name, JobRun, str(report.run_id), told)
    return report


def _hand_over(request: HttpRequest, name: str, answer: RunForm) -> Asked:
    """The request, its audit entry and the worker's task stand together or not at all."""
    at, run_id = answer.cleaned_data["at"], answer.cleaned_data["run_id"]
    reason = answer.cleaned_data["reason"]
    with transaction.atomic():
        asked = ask(name, run_id=run_id, by=actor(request), reason=reason, now=timezone.now(), moment=at)
        if asked.is_new:
            when = at.isoformat(timespec="minutes") if at else "now"
            audit(request, name, JobRun, str(run_id), f"run for {when}: {reason}")
            run_later(name, trigger=JobRun.Trigger.ADMIN, actor=actor(request), moment=at, run_id=run_id)
    return asked


def _told(name: str, asked: Asked) -> str:
    """What came of it, for whoever pressed the button."""
    request = asked.request
    if asked.is_new:
        return _("%(job)s is handed to a worker.") % {"job": name}
    words = {
        "job": name,
        "who": staff_name(request.asked_by),
        "at": timezone.localtime(request.asked_at).strftime("%H:%M:%S"),
    }
    if request.state == JobRequest.State.WAITING:
        return (
            _("%(who)s asked for a run of %(job)s at %(at)s, and it still waits. Nothing more was done.")
            % words
        )
    return _("This run of %(job)s was asked for at %(at)s by %(who)s already. Nothing more was done.") % words
