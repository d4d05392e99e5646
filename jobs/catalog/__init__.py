"""The one table of the jobs: in, nothing; out, each job's name, schedule, time limit and function.

`cron` is in the project's TIME_ZONE; `sync_schedules` writes it to django-q2. A new job is a module and a line here.
"""

import datetime as dt
from collections.abc import Mapping

from jobs.catalog import booking_reminders, maintenance_reminders, promotion_scheduler
from jobs.spec import JobSpec

_JOBS = (
    JobSpec(
        name="booking_reminders",
        description="Deposit, delivery, pick-up and return reminders of bookings.",
        run=booking_reminders.run,
        cron="0 * * * *",
        timeout=dt.timedelta(minutes=10),
    ),
    JobSpec(
        name="maintenance_reminders",
        description="Services that are due or overdue and faults, for the workshop.",
        run=maintenance_reminders.run,
        cron="30 6 * * *",
        timeout=dt.timedelta(minutes=10),
    ),
    JobSpec(
        name="promotion_scheduler",
        description="Promotions that begin and end, and their announcement to the segment.",
        run=promotion_scheduler.run,
        cron="*/15 * * * *",
        timeout=dt.timedelta(minutes=30),
    ),
)

CATALOG: Mapping[str, JobSpec] = {job.name: job for job in _JOBS}
