"""Pause and resume over HTTP: in, a job, a reason, and who calls; out, the job's pauses, the newest first."""

import datetime as dt

from django.utils import timezone
from ninja import Router, Schema
from pydantic import ConfigDict, Field

from jobs.pause import pause, pauses_of, resume
from jobs.runner import UnknownJob, find_job
from notifications.admin.reason import ReasonForm
from notifications.api.auth import ApiRequest, allow
from notifications.api.envelope import Answer, ApiError, answer, refusals
from notifications.api.shapes import Body, Moment

router = Router(tags=["jobs"])
PAUSE = {"scope": "jobs:pause", "permission": "jobs.pause_job"}
EXAMPLE = "The provider changes its keys tonight"


class ResumeBody(Body):
    """Why it runs again."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": EXAMPLE}]})

    reason: str = Field(min_length=1, max_length=300, description="Kept for good. No addresses, no names")


class PauseBody(ResumeBody):
    """Why, and until when, it does not run by schedule."""

    until: Moment | None = Field(default=None, description="With an offset; none: until somebody resumes it")


class PauseRowShape(Schema):
    """One pause of a job."""

    paused_at: dt.datetime
    paused_by: str
    reason: str
    until: dt.datetime | None
    resumed_at: dt.datetime | None
    resumed_by: str
    resume_reason: str


@router.post(
    "/{name}/pause",
    auth=allow(**PAUSE),
    response={200: Answer[list[PauseRowShape]], **refusals(404, 409, 411, 413, 422)},
    summary="Pause a job's schedule",
)
def pause_job(request: ApiRequest, name: str, body: PauseBody) -> object:
    """Its slots are skipped, and it is not overdue; by hand it still runs. Scope `jobs:pause`."""
    now, job = timezone.now(), _known(name)
    if body.until and body.until <= now:
        raise ApiError(422, "invalid", "Correct until.", {"until": "is in the past"})
    if not pause(job, now=now, by=request.auth.name, reason=_reason(body.reason), until=body.until):
        raise ApiError(409, "already_paused", f"{job} is paused already: resume it first.")
    return answer(pauses_of(job))


@router.post(
    "/{name}/resume",
    auth=allow(**PAUSE),
    response={200: Answer[list[PauseRowShape]], **refusals(404, 409, 411, 413, 422)},
    summary="Resume a job's schedule",
)
def resume_job(request: ApiRequest, name: str, body: ResumeBody) -> object:
    """It runs by schedule again, from the next slot on. Scope `jobs:pause`."""
    job = _known(name)
    if not resume(job, now=timezone.now(), by=request.auth.name, reason=_reason(body.reason)):
        raise ApiError(409, "not_paused", f"{job} is not paused.")
    return answer(pauses_of(job))


def _known(name: str) -> str:
    try:
        return find_job(name).name
    except UnknownJob as error:
        raise ApiError(404, "unknown_job", str(error)) from None


def _reason(text: str) -> str:
    form = ReasonForm({"reason": text})
    if not form.is_valid():
        wrong = " ".join(str(error) for error in form.errors["reason"])
        raise ApiError(422, "invalid", "Correct reason.", {"reason": wrong})
    return str(form.cleaned_data["reason"])
