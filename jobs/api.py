"""The jobs over HTTP: in, a caller's request; out, how they stand, their history, or a run's report."""

import datetime as dt
import uuid
from typing import Annotated, Literal

from django.db.models import Q
from django.utils import timezone
from ninja import Query, Router, Schema
from ninja.responses import Status
from pydantic import ConfigDict, Field

from jobs.models import JobRun
from jobs.report import Outcome, RunReport
from jobs.runner import UnknownJob, find_job, run
from jobs.shapes import JobShape, ReportShape, RunShape
from jobs.status import healthy, job_statuses
from jobs.tasks import run_later
from notifications.api.auth import ApiRequest, allow
from notifications.api.envelope import Answer, ApiError, answer, refusals
from notifications.api.shapes import Body, Moment

router = Router(tags=["jobs"])
READ = {"scope": "jobs:read", "permission": "jobs.view_jobrun"}
RUN = {"scope": "jobs:run", "permission": "jobs.run_job"}

JobName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=100)]


class AllJobsShape(Schema):
    """How every job stands."""

    state: Literal["ok", "failing"] = Field(
        description="failing: a job that is not paused is overdue, or failed more than 3 times in a row"
    )
    jobs: list[JobShape]


class RunBody(Body):
    """How to run it."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{}, {"dry_run": True}, {"wait": False}]}
    )

    at: Moment | None = Field(default=None, description="The moment the job takes for now, with an offset")
    dry_run: bool = Field(
        default=False, description="Roll everything back, and answer what it would send and change"
    )
    wait: bool = Field(
        default=True, description="False: a worker runs it, and the answer is 202 with the id of its run"
    )


class AcceptedShape(Schema):
    """A run handed to a worker. Its row appears when the worker starts it, under this id."""

    run_id: uuid.UUID
    job: str


class History(Schema):
    """Which runs to list, newest first."""

    job: JobName | None = None
    status: Literal["running", "success", "failed", "crashed"] | None = None
    trigger: Literal["schedule", "command", "api", "admin"] | None = None
    limit: int = Field(default=50, ge=1, le=200)
    cursor: str | None = Field(
        default=None, max_length=80, description="`meta.next_cursor` of the page before"
    )


@router.get(
    "/status",
    auth=allow(**READ),
    response={200: Answer[AllJobsShape], 503: Answer[AllJobsShape], **refusals(422)},
    summary="Show how every job stands",
)
def status(request: ApiRequest, probe: bool = False) -> Status[object]:  # noqa: ARG001
    """Last run, failures in a row, next run, overdue or not. Scope `jobs:read`. With `probe=1` a failing state is a 503."""
    jobs = job_statuses(now=timezone.now())
    well = healthy(jobs)
    found = {"state": "ok" if well else "failing", "jobs": jobs}
    return Status(503 if probe and not well else 200, answer(found))


@router.get(
    "/runs", auth=allow(**READ), response={200: Answer[list[RunShape]], **refusals(422)}, summary="List runs"
)
def runs(request: ApiRequest, history: Query[History]) -> object:  # noqa: ARG001
    """The history, newest first, in pages: `meta.next_cursor` leads to the older ones. Scope `jobs:read`."""
    rows = JobRun.objects.order_by("-started_at", "-id")
    wanted = {"job_name": history.job, "status": history.status, "trigger": history.trigger}
    rows = rows.filter(**{field: value for field, value in wanted.items() if value is not None})
    if history.cursor:
        rows = rows.filter(_older(history.cursor))
    page = list(rows[: history.limit + 1])
    more = len(page) > history.limit
    page = page[: history.limit]
    return answer(page, next_cursor=_cursor(page[-1]) if more else None)


@router.post(
    "/{name}/run",
    auth=allow(**RUN),
    response={200: Answer[ReportShape], 202: Answer[AcceptedShape], **refusals(404, 409, 411, 413, 422)},
    summary="Run a job",
)
def start(
    request: ApiRequest, name: str, body: RunBody | None = None, dry_run: bool = False
) -> Status[object]:
    """Run it now, or for another moment, and answer its report. Scope `jobs:run`. `?dry_run=1` stands for the body's.

    The run takes place inside the request; a job that fails answers 200 too, with `data.status` "failed". Hand a long
    one to a worker with `wait: false`. While another run of the job goes on the answer is 409.
    """
    order = body or RunBody()
    dry = order.dry_run or dry_run
    try:
        find_job(name)
    except UnknownJob as error:
        raise ApiError(404, "unknown_job", str(error)) from None
    if not order.wait and not dry:
        run_id = run_later(name, trigger=JobRun.Trigger.API, actor=request.auth.name, moment=order.at)
        return Status(202, answer({"run_id": run_id, "job": name}))
    report = run(
        name,
        now=order.at or timezone.now(),
        trigger=JobRun.Trigger.API,
        actor=request.auth.name,
        dry_run=dry,
    )
    if report.status is Outcome.SKIPPED:
        raise _refused(report)
    return Status(200, answer(report))


def _refused(report: RunReport) -> ApiError:
    if report.reason == "no_dry_run":
        return ApiError(422, report.reason, report.error, {"dry_run": report.error})
    return ApiError(409, report.reason, report.error)


def _cursor(row: JobRun) -> str:
    return f"{row.started_at.isoformat()}_{row.pk}"


def _older(cursor: str) -> Q:
    moment, _, run_id = cursor.partition("_")
    try:
        at, key = dt.datetime.fromisoformat(moment), uuid.UUID(run_id)
        at.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise ApiError(422, "invalid", "Correct cursor.", {"cursor": "is not one that we gave"}) from None
    return Q(started_at__lt=at) | Q(started_at=at, id__lt=key)
