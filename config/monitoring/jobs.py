"""The jobs' gauges: in, the moment; out, when each last did well, how long it took, and whether it is late."""

import datetime as dt
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from jobs.status import job_statuses

_FAMILIES = {
    "postroom_job_last_success_timestamp_seconds": "Start of the last success",
    "postroom_job_last_duration_seconds": "How long the last run took that ended",
    "postroom_job_next_run_timestamp_seconds": "When its schedule is due",
    "postroom_job_consecutive_failures": "Failures since the last success",
    "postroom_job_overdue": "1 if slots passed without a success",
    "postroom_job_paused": "1 while somebody stopped its schedule",
}


def job_metrics(*, now: dt.datetime) -> Iterator[Metric]:
    """One query."""
    families = {name: GaugeMetricFamily(name, text, labels=["job"]) for name, text in _FAMILIES.items()}
    for job in job_statuses(now=now):
        lasted = job.last_run.duration if job.last_run else None
        found: tuple[float | None, ...] = (
            job.last_success_at.timestamp() if job.last_success_at else None,
            lasted.total_seconds() if lasted else None,
            job.next_run_at.timestamp() if job.next_run_at else None,
            job.consecutive_failures,
            int(job.overdue),
            int(job.pause is not None),
        )
        for family, value in zip(families.values(), found, strict=True):
            if value is not None:
                family.add_metric([job.name], value)
    yield from families.values()
