"""How every job stands: in, the moment; out, one JobStatus a job, in one query whose cost does not grow with the runs."""

import datetime as dt
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection

from jobs import catalog
from jobs.cron import in_words, nth_slot
from jobs.schedules import schedule_name
from jobs.spec import JobSpec

# The blueprint's threshold: more failures in a row than this page somebody.
TOLERATED_FAILURES = 3
# The scheduler ticks every 30 seconds, and a run takes its time.
TICK = dt.timedelta(minutes=2)

# Three index look-ups a job: its newest run, its newest success, the failures since (counted up to 1,000).
STATUS = """
SELECT job.name, last.id, last.started_at, last.finished_at, last.status, last.duration, last.error_message,
       last.trigger, last.summary, success.started_at, failures.count,
       (SELECT min(next_run) FROM django_q_schedule WHERE name = job.schedule)
FROM unnest(%s::text[], %s::text[]) AS job(name, schedule)
LEFT JOIN LATERAL (
    SELECT id, started_at, finished_at, duration, error_message, trigger, summary,
           CASE WHEN status = 'running' AND lease_until < now() THEN 'crashed' ELSE status END AS status
    FROM job_runs WHERE job_name = job.name ORDER BY started_at DESC LIMIT 1
) AS last ON true
LEFT JOIN LATERAL (
    SELECT started_at FROM job_runs WHERE job_name = job.name AND status = 'success'
    ORDER BY started_at DESC LIMIT 1
) AS success ON true
LEFT JOIN LATERAL (
    SELECT count(*) FROM (
        SELECT 1 FROM job_runs
        WHERE job_name = job.name AND started_at > COALESCE(success.started_at, '-infinity')
          AND (status IN ('failed', 'crashed') OR (status = 'running' AND lease_until < now()))
        LIMIT 1000
    ) AS counted
) AS failures ON true
ORDER BY job.name
"""


@dataclass(frozen=True, slots=True)
class LastRun:
    """The newest run of a job. Without an end its duration is None."""

    id: uuid.UUID
    started_at: dt.datetime
    finished_at: dt.datetime | None
    status: str
    duration: dt.timedelta | None
    error: str
    trigger: str
    summary: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class JobStatus:
    """How one job stands. `state` is ok, failing (its last run failed), overdue, or never (it has not run yet)."""

    name: str
    description: str
    cron: str
    schedule: str
    state: str
    last_run: LastRun | None
    last_success_at: dt.datetime | None
    consecutive_failures: int
    next_run_at: dt.datetime | None
    overdue: bool


def job_statuses(*, now: dt.datetime) -> list[JobStatus]:
    """The catalogue's jobs, by name."""
    names = sorted(catalog.CATALOG)
    with connection.cursor() as cursor:
        cursor.execute(STATUS, [names, [schedule_name(name) for name in names]])
        rows = cursor.fetchall()
    return [_status(catalog.CATALOG[name], row, now) for name, *row in rows]


def healthy(statuses: Iterable[JobStatus]) -> bool:
    """Is every job on time, with no more failures in a row than one may shrug at?"""
    return not any(job.overdue or job.consecutive_failures > TOLERATED_FAILURES for job in statuses)


def _status(spec: JobSpec, row: Sequence[Any], now: dt.datetime) -> JobStatus:
    *last, success_at, failures, next_run_at = row
    run = _last_run(last)
    overdue = _overdue(spec, success_at or next_run_at, now)
    state = "overdue" if overdue else "failing" if failures else "ok" if run else "never"
    return JobStatus(
        name=spec.name,
        description=spec.description,
        cron=spec.cron,
        schedule=in_words(spec.cron),
        state=state,
        last_run=run,
        last_success_at=success_at,
        consecutive_failures=failures,
        next_run_at=next_run_at,
        overdue=overdue,
    )


def _overdue(spec: JobSpec, since: dt.datetime | None, now: dt.datetime) -> bool:
    """No success for so many slots. A job that never succeeded counts from the slot it waits for."""
    if since is None:
        return False
    return now > nth_slot(spec.cron, since, spec.overdue_after, tz=settings.TIME_ZONE) + TICK


def _last_run(row: Sequence[Any]) -> LastRun | None:
    run_id, started_at, finished_at, status, duration, error, trigger, summary = row
    if run_id is None:
        return None
    # Django leaves jsonb of a plain cursor as text.
    return LastRun(
        run_id, started_at, finished_at, status, duration, error or "", trigger, json.loads(summary or "{}")
    )
