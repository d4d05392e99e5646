"""The one table of the jobs: in, nothing; out, each job's name, schedule, time limit and function.

`cron` is in the project's TIME_ZONE; `sync_schedules` writes it to django-q2. A new job is a module and a line here.
"""

import datetime as dt
from collections.abc import Mapping

from jobs.catalog import audit_anomaly_detector, booking_reminders, segment_refresh
from jobs.spec import JobSpec

_JOBS = (
    JobSpec(
        name="audit_anomaly_detector",
        description="Suspicious events of the audit trail, as incidents for the security centre.",
        run=audit_anomaly_detector.run,
        cron="5 * * * *",
        timeout=dt.timedelta(minutes=10),
    ),
    JobSpec(
        name="booking_reminders",
        description="Deposit, delivery, pick-up and return reminders of bookings.",
        run=booking_reminders.run,
        cron="0 * * * *",
        timeout=dt.timedelta(minutes=10),
    ),
    JobSpec(
        name="segment_refresh",
        description="Members of the customer segments that follow a rule.",
        run=segment_refresh.run,
        cron="45 4 * * *",
        timeout=dt.timedelta(minutes=20),
        # A segment commits by itself, so that a broken one does not hold up the others.
        atomic=False,
        rehearsable=True,
    ),
)

CATALOG: Mapping[str, JobSpec] = {job.name: job for job in _JOBS}
