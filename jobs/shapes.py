"""How runs and jobs read as JSON: in, a RunReport, JobStatus or JobRun; out, the one shape that API and command share."""

import datetime as dt
import uuid
from typing import Any

from ninja import Schema
from pydantic import Field

from jobs.models import JobRun
from jobs.report import RunReport
from jobs.standing import LastRun


class MessageShape(Schema):
    """One message that a dry run would have queued or withheld."""

    recipient: str = Field(description="Masked")
    channel: str
    template: str
    scheduled_at: dt.datetime
    status: str = Field(description="queued, or cancelled where it would be withheld")
    reason: str


class RowShape(Schema):
    """One row of the business that a dry run would insert, update or delete."""

    table: str
    id: str
    action: str = Field(description="insert, update or delete")
    columns: dict[str, tuple[str | None, str | None]] = Field(
        description="Before and after; a value that may name somebody reads •••"
    )


class ReportShape(Schema):
    """What became of a run."""

    run_id: uuid.UUID
    job: str
    status: str = Field(description="success, failed or skipped")
    reason: str = Field(
        description="Why it was skipped: already_running, slot_taken, gave_up, paused, no_dry_run"
    )
    error: str
    moment: dt.datetime = Field(description="The job's «now»")
    started_at: dt.datetime
    finished_at: dt.datetime
    duration_seconds: float
    dry_run: bool
    summary: dict[str, Any] | None = Field(
        description="Counts: found, queued, existing, withheld, changed; and times in seconds"
    )
    messages: list[MessageShape] = Field(description="Of a dry run, the first 1,000")
    message_count: int
    rows: list[RowShape] = Field(description="What a dry run would change in the tables, the first 1,000")
    row_counts: dict[str, dict[str, int]] = Field(description="How many, by table and action")

    @staticmethod
    def resolve_duration_seconds(report: RunReport) -> float:
        return round(report.duration.total_seconds(), 3)

    @staticmethod
    def resolve_summary(report: RunReport) -> dict[str, Any] | None:
        return report.result.summary() if report.result else None


class LastRunShape(Schema):
    """The newest run of a job."""

    id: uuid.UUID
    status: str = Field(description="running, success, failed or crashed")
    trigger: str
    started_at: dt.datetime
    finished_at: dt.datetime | None
    duration_seconds: float | None
    error: str
    summary: dict[str, Any]
    done: int | None = Field(description="How far a long run is: so many of `total`")
    total: int | None

    @staticmethod
    def resolve_duration_seconds(run: LastRun) -> float | None:
        return round(run.duration.total_seconds(), 3) if run.duration else None


class PauseShape(Schema):
    """Who stopped the job's schedule, and why."""

    paused_at: dt.datetime
    paused_by: str
    reason: str
    until: dt.datetime | None = Field(description="None: until somebody resumes it")


class JobShape(Schema):
    """How one job stands."""

    name: str
    description: str
    cron: str
    schedule: str = Field(description="The cron line in words")
    state: str = Field(description="ok, failing, overdue, paused or never (has not run yet)")
    overdue: bool
    consecutive_failures: int
    crashes: int = Field(description="Of the failures in a row, the runs whose worker died")
    last_success_at: dt.datetime | None
    next_run_at: dt.datetime | None
    pause: PauseShape | None
    last_run: LastRunShape | None


class RunShape(Schema):
    """One row of the history."""

    id: uuid.UUID
    job: str
    status: str
    trigger: str
    actor: str
    slot: dt.datetime | None
    moment: dt.datetime
    started_at: dt.datetime
    finished_at: dt.datetime | None
    duration_seconds: float | None
    error: str
    summary: dict[str, Any]

    @staticmethod
    def resolve_job(run: JobRun) -> str:
        return run.job_name

    @staticmethod
    def resolve_error(run: JobRun) -> str:
        return run.error_message or ""

    @staticmethod
    def resolve_duration_seconds(run: JobRun) -> float | None:
        return round(run.duration.total_seconds(), 3) if run.duration else None
