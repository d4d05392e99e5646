"""Stop a run between two of its steps: in, a POST by staff with the permission and a reason; out, the run's worker told."""

import uuid
from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _

from jobs import catalog
from jobs.admin.page import actor, audit
from jobs.admin.run_page import run_page
from jobs.models import JobRun
from jobs.progress import ask_to_stop
from notifications.admin.reason import ResumeForm

if TYPE_CHECKING:
    from jobs.admin.runs import JobRunAdmin


def stop_view(admin: "JobRunAdmin", request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """`run/<id>/stop/`."""
    if not admin.has_view_permission(request) or not request.user.has_perm("jobs.run_job"):
        raise PermissionDenied
    run = get_object_or_404(JobRun, pk=pk)
    back = HttpResponseRedirect(reverse("admin:jobs_jobrun_change", args=[pk]))
    if request.method != "POST":
        return back
    form = ResumeForm(request.POST)
    if not form.is_valid():
        return run_page(admin, request, run, stop_form=form)
    reason = form.cleaned_data["reason"]
    spec = catalog.CATALOG.get(run.job_name)
    if spec is None or not spec.stoppable:
        messages.warning(request, _("%s cannot be stopped half-way.") % run.job_name)
        return back
    with transaction.atomic():
        asked = ask_to_stop(run.pk, by=actor(request), reason=reason)
        if asked:
            audit(request, run.job_name, JobRun, str(run.pk), f"stop: {reason}")
    if asked:
        messages.success(request, _("The run ends at its next step. What it has done until then stays."))
    else:
        messages.warning(request, _("It does not run any more, or somebody asked it to stop before you."))
    return back
