"""The one table of the jobs: in, nothing; out, each job's name, schedule, time limit and function.

`cron` is in the project's TIME_ZONE; `sync_schedules` writes it to django-q2. A new job is a module and a line here.
Descriptions are looked up in the reader's language where they are shown.
"""

import datetime as dt
from collections.abc import Mapping

from django.utils.translation import gettext_noop as _

from jobs.catalog import (
    audit_anomaly_detector,
    booking_reminders,
    contract_reminders,
    generate_dashboard_alerts,
    installment_reminders,
    insurance_reminders,
    maintenance_reminders,
    message_retention,
    payout_reconciliation,
    promotion_scheduler,
    refresh_materialized_views,
    segment_refresh,
    sla_monitor,
)
from jobs.spec import JobSpec

# The others read what it refreshes: whoever runs several for one moment begins with it.
FIRST = refresh_materialized_views.NAME

_JOBS = (
    JobSpec(
        name="audit_anomaly_detector",
        description=_("Suspicious events of the audit trail, as incidents for the security centre."),
        run=audit_anomaly_detector.run,
        cron="5 * * * *",
        timeout=dt.timedelta(minutes=10),
    ),
    JobSpec(
        name="booking_reminders",
        description=_("Deposit, delivery, pick-up and return reminders of bookings."),
        run=booking_reminders.run,
        cron="0 * * * *",
        timeout=dt.timedelta(minutes=10),
    ),
    JobSpec(
        name="contract_reminders",
        description=_("Reminders of contracts to those who have not signed."),
        run=contract_reminders.run,
        cron="0 * * * *",
        timeout=dt.timedelta(minutes=10),
    ),
    JobSpec(
        name="generate_dashboard_alerts",
        description=_("One open alert for each matter that staff should look at, and word of it to them."),
        run=generate_dashboard_alerts.run,
        # Two minutes after the views, from which it reads.
        cron="2-59/5 * * * *",
        timeout=dt.timedelta(minutes=4),
    ),
    JobSpec(
        name="installment_reminders",
        description=_(
            "Reminders of instalments that are due or overdue, their alerts, and finance's digest."
        ),
        run=installment_reminders.run,
        cron="5 * * * *",
        timeout=dt.timedelta(minutes=10),
    ),
    JobSpec(
        name="insurance_reminders",
        description=_("Reminders of proofs of insurance that run out or lack something."),
        run=insurance_reminders.run,
        cron="0 9 * * *",
        timeout=dt.timedelta(minutes=10),
    ),
    JobSpec(
        name="maintenance_reminders",
        description=_("Services that are due or overdue and faults, for the workshop."),
        run=maintenance_reminders.run,
        cron="30 6 * * *",
        timeout=dt.timedelta(minutes=10),
    ),
    # Housekeeping, beside the blueprint's twelve.
    JobSpec(
        name="message_retention",
        description=_("Old messages lose recipient and text, and what nobody needs any more is deleted."),
        run=message_retention.run,
        cron="25 * * * *",
        timeout=dt.timedelta(minutes=25),
        # In batches, each of which commits by itself: other transactions see copies before rows go.
        atomic=False,
        rehearsable=True,
        stoppable=True,
    ),
    JobSpec(
        name="payout_reconciliation",
        description=_("Compare Stripe’s payouts with our payments, and tell finance what differs."),
        run=payout_reconciliation.run,
        cron="30 4 * * *",
        timeout=dt.timedelta(minutes=25),
        # Stripe is asked between short transactions, a payout each; an interrupted run leaves whole payouts.
        atomic=False,
        rehearsable=True,
    ),
    JobSpec(
        name="promotion_scheduler",
        description=_("Promotions that begin and end, and their announcement to the segment."),
        run=promotion_scheduler.run,
        cron="*/15 * * * *",
        timeout=dt.timedelta(minutes=30),
    ),
    JobSpec(
        name=FIRST,
        description=_("The dashboards' views, each by its own rhythm or when it was asked for."),
        run=refresh_materialized_views.run,
        cron="*/5 * * * *",
        # The time limits of all eight views together; the views that are due every five minutes come first.
        timeout=dt.timedelta(minutes=25),
        # View by view: one that fails takes none of the others with it.
        atomic=False,
        rehearsable=True,
        stoppable=True,
    ),
    JobSpec(
        name="segment_refresh",
        description=_("Members of the customer segments that follow a rule."),
        run=segment_refresh.run,
        cron="45 4 * * *",
        timeout=dt.timedelta(minutes=20),
        # A segment commits by itself, so that a broken one does not hold up the others.
        atomic=False,
        rehearsable=True,
        stoppable=True,
    ),
    JobSpec(
        name="sla_monitor",
        description=_(
            "Promised times of support tickets: warnings before they pass, alerts and messages after."
        ),
        run=sla_monitor.run,
        cron="*/5 * * * *",
        timeout=dt.timedelta(minutes=4),
    ),
)

CATALOG: Mapping[str, JobSpec] = {job.name: job for job in _JOBS}


def in_order() -> list[str]:
    """The jobs' names in the order in which they run for one moment."""
    return sorted(CATALOG, key=lambda name: (name != FIRST, name))
