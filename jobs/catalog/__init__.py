"""The one table of the jobs: in, nothing; out, each job's name, schedule, time limit and function.

`cron` is in the project's TIME_ZONE; `sync_schedules` writes it to django-q2. A new job is a module and a line here.
"""

import datetime as dt
from collections.abc import Mapping

from jobs.catalog import booking_reminders, generate_dashboard_alerts, refresh_materialized_views
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
        name="generate_dashboard_alerts",
        description="One open alert for each matter that staff should look at, and word of it to them.",
        run=generate_dashboard_alerts.run,
        cron="*/5 * * * *",
        timeout=dt.timedelta(minutes=4),
    ),
    JobSpec(
        name="refresh_materialized_views",
        description="The dashboards' views, each by its own rhythm or when it was asked for.",
        run=refresh_materialized_views.run,
        cron="*/5 * * * *",
        # The time limits of all eight views together; the views that are due every five minutes come first.
        timeout=dt.timedelta(minutes=25),
        # View by view: one that fails takes none of the others with it.
        atomic=False,
        rehearsable=True,
    ),
)

CATALOG: Mapping[str, JobSpec] = {job.name: job for job in _JOBS}
