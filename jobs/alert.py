"""What the security centre hears: in, escalations; out, one message to its members however many jobs are in trouble.

A dead cluster makes every job overdue at once: twelve text messages would say no more than one.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from jobs.links import admin_page
from jobs.models import JobEscalation
from jobs.trouble import Trouble
from notifications.enqueue import notify
from notifications.message import Group
from notifications.origin import origin

CENTRE = Group("security_centre")
CHANNELS = ("email", "sms", "push", "inapp")
Kind = JobEscalation.Kind


def tell_trouble(found: Sequence[tuple[JobEscalation, Trouble]], *, now: dt.datetime) -> None:
    """Queue it, in the caller's transaction; raises EnqueueError."""
    by_kind: dict[str, list[Trouble]] = {kind: [] for kind in Kind.values}
    for _row, trouble in found:
        by_kind[trouble.kind].append(trouble)
    _notify(
        "system.job_alert",
        [row for row, _trouble in found],
        payload={
            "failing": [{"job": t.job, "failures": t.failures} for t in by_kind[Kind.FAILING]],
            "crashed": [t.job for t in by_kind[Kind.CRASHED]],
            "overdue": [t.job for t in by_kind[Kind.OVERDUE]],
        },
        now=now,
    )


def tell_recovery(rows: Sequence[JobEscalation], *, now: dt.datetime) -> None:
    """The same, once they succeed again."""
    jobs = sorted({row.job_name for row in rows})
    _notify("system.job_recovered", rows, payload={"jobs": jobs}, now=now)


def _notify(
    template: str, rows: Sequence[JobEscalation], *, payload: Mapping[str, Any], now: dt.datetime
) -> None:
    # The rows are locked by us, so the first of them and how often it was told name this telling alone.
    first = min(rows, key=lambda row: row.pk)
    with origin(watch="jobs"):
        notify(
            template,
            to=CENTRE,
            channel=CHANNELS,
            payload={**payload, "runs_url": admin_page("jobs_jobrun_changelist")},
            idempotency_key=f"{template}:{first.pk}:{first.told}",
            metadata={"escalations": [row.pk for row in rows]},
            now=now,
        )
