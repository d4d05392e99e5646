"""The runs and, above them, the catalogue: in, filters; out, how each job stands, and what each run did."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from jobs import catalog
from jobs.admin.launch import job_view
from jobs.admin.pausing import pause_view, resume_view
from jobs.admin.strip import strips
from jobs.admin.summary import JOB_STATES, RUN_TONE, did, times, took
from jobs.models import JobRun
from jobs.status import JobStatus, job_statuses
from notifications.admin.cells import NOTHING, badge, moment
from notifications.admin.private import PrivateAdmin


class JobFilter(SimpleListFilter):
    """By job, from the catalogue: reading the names from the history would read all of it."""

    title = _("job")
    parameter_name = "job"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in sorted(catalog.CATALOG)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[JobRun]) -> QuerySet[JobRun]:
        return queryset.filter(job_name=self.value()) if self.value() else queryset


@admin.register(JobRun)
class JobRunAdmin(PrivateAdmin[JobRun]):
    nothing_yet = _("No job has run yet. The workers start each at its time; or run one now from its page.")
    list_display = ("job_name", "state", "started", "took", "asked_by", "did")
    list_filter = (JobFilter, "status", "trigger")
    fields = (
        "job_name",
        "state",
        "started",
        "ended",
        "took",
        "now",
        "for_slot",
        "asked_by",
        "did",
        "measured",
        "why",
        "run_id",
    )
    readonly_fields = fields
    ordering = ("-started_at", "-id")

    def get_urls(self) -> list[URLPattern]:
        def wrapped(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
            return self.admin_site.admin_view(partial(view, self))

        views = (("", "job", job_view), ("pause/", "pause", pause_view), ("resume/", "resume", resume_view))
        own = [
            path(f"job/<slug:name>/{tail}", wrapped(view), name=f"jobs_jobrun_{verb}")
            for tail, verb, view in views
        ]
        return [*own, *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The catalogue stands above the unfiltered list; it is asked for only by who may see it."""
        context = dict(extra_context or {})
        if not request.GET and self.has_view_permission(request):
            now = timezone.now()
            statuses = job_statuses(now=now)
            drawn = strips([job.name for job in statuses], now=now)
            context["catalogue"] = [_row(job) | {"strip": drawn[job.name]} for job in statuses]
            context["may_run"] = request.user.has_perm("jobs.run_job")
        return super().changelist_view(request, context)

    @admin.display(description=_("Status"))
    def state(self, run: JobRun) -> SafeString:
        return badge(JobRun.Status(run.status).label, RUN_TONE[run.status])

    @admin.display(description=_("Started"))
    def started(self, run: JobRun) -> SafeString:
        return moment(run.started_at)

    @admin.display(description=_("Ended"))
    def ended(self, run: JobRun) -> SafeString:
        return moment(run.finished_at)

    @admin.display(description=_("Took"))
    def took(self, run: JobRun) -> str:
        return took(run.duration)

    @admin.display(description=_("For the moment"))
    def now(self, run: JobRun) -> SafeString:
        return moment(run.moment)

    @admin.display(description=_("For the slot"))
    def for_slot(self, run: JobRun) -> SafeString:
        return moment(run.slot)

    @admin.display(description=_("Asked for by"))
    def asked_by(self, run: JobRun) -> str:
        label = str(JobRun.Trigger(run.trigger).label)
        return f"{label}, {run.actor}" if run.actor else label

    @admin.display(description=_("What it did"))
    def did(self, run: JobRun) -> SafeString:
        return did(status=run.status, error=run.error_message, summary=run.summary)

    @admin.display(description=_("Times"))
    def measured(self, run: JobRun) -> SafeString:
        return times(run.summary)

    @admin.display(description=_("Error"))
    def why(self, run: JobRun) -> str:
        return run.error_message or NOTHING

    @admin.display(description=_("Id"))
    def run_id(self, run: JobRun) -> SafeString:
        return format_html("<code>{}</code>", run.pk)


def _row(job: JobStatus) -> dict[str, Any]:
    """A line of the catalogue."""
    last = job.last_run
    return {
        "job": job,
        "state": JOB_STATES[job.state][0],
        "tone": JOB_STATES[job.state][1],
        "last_status": JobRun.Status(last.status).label if last else "",
        "took": took(last.duration) if last else "",
        "did": did(status=last.status, error=last.error, summary=last.summary) if last else "",
    }
