"""Pause and resume: in, a POST by staff with the permission and a reason; out, the job's schedule stopped or started."""

from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from jobs.admin.launch import blank_launch
from jobs.admin.page import actor, audit, job_page, refuse_strangers
from jobs.models import JobPause
from jobs.pause import pause, resume
from notifications.admin.reason import PauseForm, ResumeForm

if TYPE_CHECKING:
    from jobs.admin.runs import JobRunAdmin


def pause_view(admin: "JobRunAdmin", request: HttpRequest, name: str) -> HttpResponse:
    """`job/<name>/pause/`."""
    form = PauseForm(request.POST)
    if refused := _refusal(admin, request, name, form):
        return refused
    until, reason = form.cleaned_data["until"], form.cleaned_data["reason"]
    with transaction.atomic():  # the pause and its entry stand together or not at all
        done = pause(name, now=timezone.now(), until=until, by=actor(request), reason=reason)
        if done:
            end = until.isoformat(timespec="minutes") if until else "resumed"
            audit(request, name, JobPause, name, f"pause until {end}: {reason}")
    if done:
        messages.success(request, _("%s is paused. By hand it can still be run.") % name)
    else:
        messages.warning(request, _("%s is paused already. Resume it first.") % name)
    return _back(name)


def resume_view(admin: "JobRunAdmin", request: HttpRequest, name: str) -> HttpResponse:
    """`job/<name>/resume/`."""
    form = ResumeForm(request.POST)
    if refused := _refusal(admin, request, name, form):
        return refused
    reason = form.cleaned_data["reason"]
    with transaction.atomic():
        done = resume(name, now=timezone.now(), by=actor(request), reason=reason)
        if done:
            audit(request, name, JobPause, name, f"resume: {reason}")
    if done:
        messages.success(request, _("%s runs by schedule again.") % name)
    else:
        messages.warning(request, _("%s was not paused.") % name)
    return _back(name)


def _refusal(admin: "JobRunAdmin", request: HttpRequest, name: str, form: ResumeForm) -> HttpResponse | None:
    refuse_strangers(admin, request, name)
    if not request.user.has_perm("jobs.pause_job"):
        raise PermissionDenied
    if request.method != "POST":
        return _back(name)
    if form.is_valid():
        return None
    return job_page(admin, request, name, launch=blank_launch(), posted=form)


def _back(name: str) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:jobs_jobrun_job", args=[name]))
