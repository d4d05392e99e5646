"""The jobs' past days in the demo: in, the moment; out, a run for each slot that has gone by, as the clock would have left it."""

import datetime as dt
import random
from collections.abc import Iterator

from croniter import croniter
from django.utils import timezone

from jobs.catalog import CATALOG
from jobs.models import JobRun
from jobs.spec import JobResult, JobSpec

# What marks them, so that they can go again.
ACTOR = "sample"
DAYS = 7
# Of a job that runs every few minutes, more would only be more of the same.
MOST_RUNS = 4 * 24 * DAYS
# A run that is younger might have messages on their way.
SETTLED = dt.timedelta(minutes=2)
# Median seconds of a run; what is not named takes one.
TYPICAL = {
    "refresh_materialized_views": 6.0,
    "payout_reconciliation": 9.0,
    "segment_refresh": 4.0,
    "sla_monitor": 0.6,
}
# One night on which Stripe did not answer; the next one made good for it.
BROKEN = ("payout_reconciliation", 3, "503: Stripe is not available")


def make_sample_runs(*, now: dt.datetime, rng: random.Random) -> list[JobRun]:
    """The newest runs of each job up to `now`, unsaved, oldest first. Their summaries are still to be filled."""
    runs = [run for spec in CATALOG.values() for run in _runs(spec, now, rng)]
    return sorted(runs, key=lambda run: run.started_at)


def filled(run: JobRun, *, queued: int, withheld: int) -> JobRun:
    """The run with what it did."""
    if run.status == JobRun.Status.SUCCESS:
        run.summary = JobResult(queued=queued, withheld=withheld).summary()
    return run


def _runs(spec: JobSpec, now: dt.datetime, rng: random.Random) -> Iterator[JobRun]:
    slots = croniter(spec.cron, timezone.localtime(now, timezone.get_default_timezone()))
    for place in range(MOST_RUNS):
        slot = slots.get_prev(dt.datetime).astimezone(dt.UTC)
        if now - slot > dt.timedelta(days=DAYS):
            return
        broken = (spec.name, place) == BROKEN[:2]
        took = dt.timedelta(seconds=TYPICAL.get(spec.name, 1.0) * rng.lognormvariate(0, 0.3))
        began = slot + dt.timedelta(seconds=rng.uniform(1, 12))
        if began + took > now - SETTLED:
            continue
        yield JobRun(
            job_name=spec.name,
            slot=slot,
            moment=slot,
            started_at=began,
            finished_at=began + took,
            duration=took,
            status=JobRun.Status.FAILED if broken else JobRun.Status.SUCCESS,
            error_message=BROKEN[2] if broken else None,
            trigger=JobRun.Trigger.SCHEDULE,
            actor=ACTOR,
            lease_until=began + spec.timeout,
        )
