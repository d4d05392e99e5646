"""The runs and, above them, the catalogue: in, filters; out, how each job stands, and what each run did."""

from collections.abc import Callable
from functools import partial
from typing import Any, cast

from django.contrib import admin
from django.contrib.admin import DateFieldListFilter, SimpleListFilter
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.functional import cached_property
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from consent.admin_lists import CappedPaginator
from jobs import catalog
from jobs.admin.launch import job_view
from jobs.admin.pausing import pause_view, resume_view
from jobs.admin.run_page import run_page
from jobs.admin.standing import job_part, jobs_context, jobs_part, run_part
from jobs.admin.stop import stop_view
from jobs.admin.summary import RUN_TONE, did, took
from jobs.models import JobRun
from notifications.admin.cells import badge, moment
from notifications.admin.private import PrivateAdmin


class ShortPaginator(CappedPaginator):
    """Nobody turns twenty pages of runs: older ones are found by a filter, and no page counts what it does not show."""

    LIMIT = 1_000

    @cached_property
    def count(self) -> int:
        return min(self._seen, self.LIMIT)

    @property
    def has_more(self) -> bool:
        return self._seen > self.LIMIT

    @cached_property
    def _seen(self) -> int:
        rows = cast("QuerySet[JobRun]", self.object_list)
        # In its order, which an index has: without it the planner may read them all.
        return rows[: self.LIMIT + 1].count()


class JobFilter(SimpleListFilter):
    """By job, from the catalogue: reading the names from the history would read all of it."""

    title = _("job")
    parameter_name = "job"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in sorted(catalog.CATALOG)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[JobRun]) -> QuerySet[JobRun]:
        return queryset.filter(job_name=self.value()) if self.value() else queryset


class ResultFilter(SimpleListFilter):
    """By how it ended; what went wrong through its own index (job_runs_wrong)."""

    title = _("result")
    parameter_name = "result"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(JobRun.Status.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[JobRun]) -> QuerySet[JobRun]:
        status = self.value()
        if status in (JobRun.Status.FAILED, JobRun.Status.CRASHED):
            queryset = queryset.filter(error_message__isnull=False)
        return queryset.filter(status=status) if status in JobRun.Status.values else queryset


@admin.register(JobRun)
class JobRunAdmin(PrivateAdmin[JobRun]):
    """The log: every run, newest first, by job, result, trigger and date."""

    nothing_yet = _("No job has run yet. The workers start each at its time; or run one now from its page.")
    list_display = ("job", "state", "started", "took", "asked_by", "did")
    list_filter = (JobFilter, ResultFilter, "trigger", ("started_at", DateFieldListFilter))
    ordering = ("-started_at", "-id")
    paginator = ShortPaginator

    def leads(self, name: str, value: str) -> bool:
        return name == "job" or (name, value) == ("result", JobRun.Status.FAILED)

    def get_urls(self) -> list[URLPattern]:
        def page(route: str, name: str, view: Callable[..., HttpResponse]) -> URLPattern:
            wrapped: Callable[..., HttpResponse] = self.admin_site.admin_view(partial(view, self))
            return path(route, wrapped, name=f"jobs_jobrun_{name}")

        return [
            page("live/", "live", jobs_part),
            page("job/<slug:name>/", "job", job_view),
            page("job/<slug:name>/live/", "job_live", job_part),
            page("job/<slug:name>/pause/", "pause", pause_view),
            page("job/<slug:name>/resume/", "resume", resume_view),
            page("run/<uuid:pk>/live/", "run_live", run_part),
            page("run/<uuid:pk>/stop/", "stop", stop_view),
            *super().get_urls(),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The catalogue stands above the unfiltered list; it is asked for only by who may see it."""
        context = dict(extra_context or {})
        if not request.GET and self.has_view_permission(request):
            context |= jobs_context(request)
        return super().changelist_view(request, context)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """A run's page; nobody edits one."""
        if request.method not in ("GET", "HEAD") or object_id is None:
            raise PermissionDenied
        run = self.get_object(request, unquote(object_id))
        if run is None:
            raise Http404
        if not self.has_view_permission(request, run):
            raise PermissionDenied
        return run_page(self, request, run)

    @admin.display(description=_("Job"), ordering="job_name")
    def job(self, run: JobRun) -> str:
        return run.job_name

    @admin.display(description=_("Status"))
    def state(self, run: JobRun) -> SafeString:
        return badge(JobRun.Status(run.status).label, RUN_TONE[run.status])

    @admin.display(description=_("Started"))
    def started(self, run: JobRun) -> SafeString:
        return moment(run.started_at)

    @admin.display(description=_("Took"))
    def took(self, run: JobRun) -> str:
        return took(run.duration)

    @admin.display(description=_("Asked for by"))
    def asked_by(self, run: JobRun) -> str:
        label = str(JobRun.Trigger(run.trigger).label)
        return f"{label}, {run.actor}" if run.actor else label

    @admin.display(description=_("What it did"))
    def did(self, run: JobRun) -> SafeString:
        return did(status=run.status, error=run.error_message, summary=run.summary)
