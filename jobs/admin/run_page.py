"""One run's page: in, its row; out, what it did, where it broke, who asked for it and why, and its messages."""

import re
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from consent.staff_names import staff_names
from jobs import catalog
from jobs.admin.summary import RUN_TONE, groups, took
from jobs.models import JobProgress, JobRequest, JobRun
from notifications.admin.reason import ResumeForm

if TYPE_CHECKING:
    from jobs.admin.runs import JobRunAdmin

FRAME = re.compile(r'^  File "(?P<path>[^"]+)", line (?P<line>\d+), in (?P<name>.+)$', re.MULTILINE)
QUEUE = "admin:notifications_notification_changelist"


def run_page(
    admin: "JobRunAdmin", request: HttpRequest, run: JobRun, *, stop_form: Form | None = None
) -> HttpResponse:
    """`stop_form` is one that came back with errors."""
    request.current_app = admin.admin_site.name
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "title": str(run),
        **run_context(request, run),
        "earlier": _neighbour(run, older=True),
        "later": _neighbour(run, older=False),
        "stop_form": stop_form or ResumeForm(),
        "stop_failed": stop_form is not None,
    }
    return TemplateResponse(request, "jobs/admin/run.html", context)


def run_context(request: HttpRequest, run: JobRun) -> dict[str, Any]:
    """What the page shows, and its live part again."""
    if run.status == JobRun.Status.RUNNING and run.lease_until < timezone.now():
        run.status = JobRun.Status.CRASHED  # nobody has buried it yet
    is_running = run.status == JobRun.Status.RUNNING
    progress = JobProgress.objects.filter(pk=run.job_name, run_id=run.pk).first() if is_running else None
    asked = JobRequest.objects.filter(pk=run.pk).first()
    spec = catalog.CATALOG.get(run.job_name)
    stopper = progress.stop_by if progress else ""
    names = staff_names([run.actor, stopper])
    return {
        "run": run,
        "tone": RUN_TONE[run.status],
        "took": took(run.duration),
        "limit": spec.timeout if spec else None,
        "is_known": spec is not None,
        "actor": names.get(run.actor, ""),
        "asked": asked,
        "groups": groups(run.summary),
        "place": place_of(run.error_trace),
        "messages_url": messages_url(request, run),
        "is_running": is_running,
        "progress": progress,
        "stopper": names.get(stopper, ""),
        "may_stop": is_running
        and not stopper
        and spec is not None
        and spec.stoppable
        and request.user.has_perm("jobs.run_job"),
        "time_zone": timezone.get_current_timezone_name(),
    }


def messages_url(request: HttpRequest, run: JobRun) -> str:
    """The queue, filtered by this run; empty where its reader may not see messages or the run made none."""
    made = run.summary.get("queued", 0) or run.summary.get("withheld", 0)
    if not made or not request.user.has_perm("notifications.view_notification"):
        return ""
    return f"{reverse(QUEUE)}?{urlencode({'job': run.job_name, 'run': str(run.pk)})}"


def place_of(trace: str) -> str:
    """«jobs/catalog/sla_monitor.py:88, in run»: the last frame of our own code, or the last of all."""
    frames = list(FRAME.finditer(trace))
    home = f"{settings.BASE_DIR}/"
    ours = [
        frame for frame in frames if frame["path"].startswith(home) and "site-packages" not in frame["path"]
    ]
    if not frames:
        return ""
    last = (ours or frames)[-1]
    return f"{last['path'].removeprefix(home)}:{last['line']}, {last['name']}()"


def _neighbour(run: JobRun, *, older: bool) -> JobRun | None:
    runs = JobRun.objects.filter(job_name=run.job_name)
    if older:
        return runs.filter(started_at__lt=run.started_at).order_by("-started_at").first()
    return runs.filter(started_at__gt=run.started_at).order_by("started_at").first()
