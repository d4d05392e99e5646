"""Remember since when each job is to run: in, the jobs of the catalogue; out, a row for each that is new.

Noted with the schedules, and by the watch, which also looks after a deployment whose schedules nobody wrote.
"""

import datetime as dt
from collections.abc import Collection

from jobs.models import KnownJob


def note_known(jobs: Collection[str], *, now: dt.datetime) -> None:
    """From `now` on for jobs that are new; the others keep their moment."""
    KnownJob.objects.bulk_create([KnownJob(job_name=job, since=now) for job in jobs], ignore_conflicts=True)


def forget_unknown(jobs: Collection[str]) -> None:
    """A job that is gone starts anew if it comes back. For a deploy only: an older watch may not know what is new."""
    KnownJob.objects.exclude(job_name__in=jobs).delete()
