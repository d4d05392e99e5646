"""Tell the security centre, once: in, what is wrong and what went well; out, rows of `job_escalations`, and messages.

open (a row that only one can make) → tell those that are due (again after a pause that grows) → resolve, and say so.
"""

import datetime as dt
import logging
from collections.abc import Collection, Mapping, Sequence

from django.db import DatabaseError, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Greatest

from jobs.alert import tell_recovery, tell_trouble
from jobs.models import JobEscalation
from jobs.trouble import Trouble
from notifications.errors import EnqueueError

logger = logging.getLogger(__name__)

# After the first telling, the second, the third and each later one.
PAUSES = (dt.timedelta(hours=1), dt.timedelta(hours=4), dt.timedelta(hours=24))


def escalate(
    troubles: Collection[Trouble], *, succeeded: Mapping[str, dt.datetime], now: dt.datetime
) -> None:
    """`succeeded` says when each of the jobs looked at last ended well. Two callers at once tell once.

    The message and the note that it was told commit together. A telling that fails leaves its row open and untold, so
    that the next watch tries again.
    """
    known = {(trouble.job, trouble.kind): trouble for trouble in troubles}
    _open(known.values(), now)
    try:
        with transaction.atomic():
            _tell(known, now)
    except (EnqueueError, DatabaseError) as error:
        logger.critical("job.alert_untold jobs=%s error=%s", sorted({t.job for t in troubles}), _code(error))
    try:
        with transaction.atomic():
            _resolve(known.keys(), succeeded, now)
    except (EnqueueError, DatabaseError) as error:
        logger.error("job.recovery_untold jobs=%s error=%s", sorted(succeeded), _code(error))


def forget(*, known: Collection[str], now: dt.datetime) -> None:
    """End, in silence, what is open of jobs that are no longer there."""
    gone = JobEscalation.objects.filter(resolved_at__isnull=True).exclude(job_name__in=known)
    gone.update(resolved_at=Greatest(now, F("opened_at")))


def is_due(row: JobEscalation, *, now: dt.datetime) -> bool:
    """At once, then after 1 h, 4 h, and every 24 h."""
    if row.last_told_at is None:
        return True
    return row.last_told_at + PAUSES[min(row.told, len(PAUSES)) - 1] <= now


def _open(troubles: Collection[Trouble], now: dt.datetime) -> None:
    """Rows for what is new, by the partial unique index. They stand even if the telling fails."""
    open_already = set(_open_rows({t.job for t in troubles}).values_list("job_name", "kind"))
    fresh = [t for t in troubles if (t.job, t.kind) not in open_already]
    rows = [JobEscalation(job_name=t.job, kind=t.kind, opened_at=now) for t in fresh]
    JobEscalation.objects.bulk_create(rows, ignore_conflicts=True)
    for trouble in fresh:
        logger.error("job.escalated job=%s kind=%s failures=%d", trouble.job, trouble.kind, trouble.failures)


def _tell(known: Mapping[tuple[str, str], Trouble], now: dt.datetime) -> None:
    rows = [row for row in _locked({job for job, _kind in known}) if (row.job_name, row.kind) in known]
    due = [row for row in rows if is_due(row, now=now)]
    if not due:
        return
    tell_trouble([(row, known[row.job_name, row.kind]) for row in due], now=now)
    for row in due:
        row.told += 1
        row.last_told_at = now
    JobEscalation.objects.bulk_update(due, ["told", "last_told_at"])


def _resolve(
    troubled: Collection[tuple[str, str]], succeeded: Mapping[str, dt.datetime], now: dt.datetime
) -> None:
    """What is over: a success ended since. What was never told ends in silence."""
    over = [
        row
        for row in _locked(succeeded.keys())
        if (row.job_name, row.kind) not in troubled and succeeded[row.job_name] > row.opened_at
    ]
    if told := [row for row in over if row.told]:
        tell_recovery(told, now=now)
    for row in over:
        row.resolved_at = now
        logger.info("job.recovered job=%s kind=%s", row.job_name, row.kind)
    JobEscalation.objects.bulk_update(over, ["resolved_at"])


def _open_rows(jobs: Collection[str]) -> QuerySet[JobEscalation]:
    return JobEscalation.objects.filter(resolved_at__isnull=True, job_name__in=jobs)


def _locked(jobs: Collection[str]) -> Sequence[JobEscalation]:
    """Who comes second finds nothing to do: the first one has told it by the time the rows are free."""
    return list(_open_rows(jobs).select_for_update(skip_locked=True).order_by("id"))


def _code(error: Exception) -> str:
    return getattr(error, "code", "") or type(error).__name__
