"""What the tables say of each job: in, jobs with their schedules' names; out, a Standing each, in one query.

Its cost does not grow with the runs: a few index look-ups a job, and failures counted up to 1,000.
"""

import datetime as dt
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection

STANDING = """
SELECT job.name, last.id, last.started_at, last.finished_at, last.status, last.duration, last.error_message,
       last.trigger, last.summary, progress.done, progress.total,
       success.started_at, success.finished_at, failures.count, failures.crashes,
       (SELECT min(started_at) FROM job_runs WHERE job_name = job.name),
       (SELECT since FROM known_jobs WHERE job_name = job.name),
       (SELECT min(next_run) FROM django_q_schedule WHERE name = job.schedule),
       pause.paused_at, pause.paused_by, pause.reason, pause.until, pause.resumed_at
FROM unnest(%s::text[], %s::text[]) AS job(name, schedule)
LEFT JOIN LATERAL (
    SELECT id, started_at, finished_at, duration, error_message, trigger, summary,
           CASE WHEN status = 'running' AND lease_until < now() THEN 'crashed' ELSE status END AS status
    FROM job_runs WHERE job_name = job.name ORDER BY started_at DESC LIMIT 1
) AS last ON true
LEFT JOIN LATERAL (
    SELECT started_at, finished_at FROM job_runs WHERE job_name = job.name AND status = 'success'
    ORDER BY started_at DESC LIMIT 1
) AS success ON true
LEFT JOIN LATERAL (
    SELECT count(*), count(*) FILTER (WHERE status <> 'failed') AS crashes FROM (
        SELECT status FROM job_runs
        WHERE job_name = job.name AND started_at > COALESCE(success.started_at, '-infinity')
          AND (status IN ('failed', 'crashed') OR (status = 'running' AND lease_until < now()))
        ORDER BY started_at DESC LIMIT 1000
    ) AS counted
) AS failures ON true
LEFT JOIN LATERAL (
    SELECT paused_at, paused_by, reason, until, resumed_at FROM job_pauses WHERE job_name = job.name
    ORDER BY paused_at DESC LIMIT 1
) AS pause ON true
LEFT JOIN job_progress AS progress
    ON progress.job_name = job.name AND progress.run_id = last.id AND last.status = 'running'
ORDER BY job.name
"""


@dataclass(frozen=True, slots=True)
class LastRun:
    """The newest run of a job. Without an end its duration is None; `done` of `total` is how far a long one is."""

    id: uuid.UUID
    started_at: dt.datetime
    finished_at: dt.datetime | None
    status: str
    duration: dt.timedelta | None
    error: str
    trigger: str
    summary: Mapping[str, Any]
    done: int | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class LastPause:
    """The newest pause of a job's schedule."""

    paused_at: dt.datetime
    paused_by: str
    reason: str
    until: dt.datetime | None
    resumed_at: dt.datetime | None

    def in_force(self, now: dt.datetime) -> bool:
        return self.resumed_at is None and (self.until is None or self.until > now)

    @property
    def end(self) -> dt.datetime | None:
        return self.resumed_at or self.until


@dataclass(frozen=True, slots=True)
class Standing:
    """The facts. `failures` and `crashes` (which are among them) count from the last success on."""

    last_run: LastRun | None
    succeeded_at: dt.datetime | None
    success_ended_at: dt.datetime | None
    failures: int
    crashes: int
    first_run_at: dt.datetime | None
    known_since: dt.datetime | None
    next_run_at: dt.datetime | None
    pause: LastPause | None


def standings(schedules: Mapping[str, str]) -> dict[str, Standing]:
    """By job, in the order of their names. `schedules` names the schedule row of each job."""
    with connection.cursor() as cursor:
        cursor.execute(STANDING, [list(schedules), list(schedules.values())])
        return {name: _standing(*row) for name, *row in cursor.fetchall()}


def _standing(*row: Any) -> Standing:
    succeeded_at, success_ended_at, failures, crashes, first_run_at, known_since, next_run_at = row[10:17]
    return Standing(
        last_run=_last_run(*row[:10]),
        succeeded_at=succeeded_at,
        success_ended_at=success_ended_at,
        failures=failures,
        crashes=crashes,
        first_run_at=first_run_at,
        known_since=known_since,
        next_run_at=next_run_at,
        pause=LastPause(*row[17:]) if row[17] else None,
    )


def _last_run(run_id: uuid.UUID | None, *row: Any) -> LastRun | None:
    if run_id is None:
        return None
    started_at, finished_at, status, duration, error, trigger, summary, done, total = row
    # Django leaves jsonb of a plain cursor as text.
    facts = json.loads(summary or "{}")
    return LastRun(
        run_id, started_at, finished_at, status, duration, error or "", trigger, facts, done, total
    )
