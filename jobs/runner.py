"""Run one job once: in, its name, its moment and who asks; out, a RunReport, and a row of `job_runs`.

reserve (a row that only one run can have) → work (the job's rule) → finish (the row says how it ended) → notice (whoever
must hear of it does).
"""

import datetime as dt
import difflib
import logging
import time
import uuid
from dataclasses import replace

from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from jobs import catalog
from jobs.failure import Failure, tell_failure
from jobs.ledger import Lost, Order, Refused, bury_dead, finish, hold, refuse_if_paused, reserve
from jobs.limit import Limited
from jobs.models import JobRun
from jobs.observe import observed
from jobs.progress import StoredProgress
from jobs.rehearsal import messages_of
from jobs.report import Outcome, RunReport
from jobs.row_changes import recorded_changes, start_recording
from jobs.spec import JobResult, JobSpec, Progress, silent
from jobs.watch import notice
from notifications.origin import origin

logger = logging.getLogger(__name__)


class UnknownJob(LookupError):  # noqa: N818
    """No job of that name; the text names the nearest."""


def find_job(name: str) -> JobSpec:
    """The catalogue's entry of that name; raises UnknownJob."""
    if name in catalog.CATALOG:
        return catalog.CATALOG[name]
    near = difflib.get_close_matches(name, catalog.CATALOG, n=3)
    hint = (
        f"Did you mean {' or '.join(near)}?"
        if near
        else f"The jobs are: {', '.join(sorted(catalog.CATALOG))}."
    )
    raise UnknownJob(f"There is no job “{name}”. {hint}")


def run(
    name: str,
    *,
    now: dt.datetime,
    trigger: str,
    slot: dt.datetime | None = None,
    dry_run: bool = False,
    actor: str = "",
    run_id: uuid.UUID | None = None,
    progress: Progress = silent,
) -> RunReport:
    """Run the job for the moment `now`, unless it runs already, the slot had its run, or the clock asks while the job is
    paused. Not inside a transaction.

    A failure of the job is an answer, not an exception: the report says it. A timeout (SystemExit) and Ctrl-C are
    recorded and raised again. A dry run does all of it in a transaction that is rolled back, and leaves no row.
    """
    spec = find_job(name)
    if timezone.is_naive(now):
        raise ValueError("now must have a time zone.")
    order = Order(
        run_id or uuid.uuid4(), spec.name, now, JobRun.Trigger(trigger).value, actor, slot, spec.timeout
    )
    blank = RunReport(
        order.id, spec.name, Outcome.SKIPPED, now, timezone.now(), timezone.now(), dry_run=dry_run
    )
    if bury_dead(spec.name):
        notice(spec.name, failed=True, now=timezone.now())
    with observed(spec, order, dry_run=dry_run) as end:
        try:
            refuse_if_paused(order, now=timezone.now())
            report = (
                _rehearse(spec, order, blank, progress) if dry_run else _perform(spec, order, blank, progress)
            )
        except Refused as refusal:
            logger.info("job.skipped job=%s run=%s reason=%s", spec.name, order.id, refusal.reason)
            report = replace(blank, reason=refusal.reason, error=str(refusal))
        end(report.status)
    return replace(report, finished_at=timezone.now())


def _perform(spec: JobSpec, order: Order, blank: RunReport, progress: Progress) -> RunReport:
    reserve(order)
    began = time.monotonic()
    logger.info("job.started job=%s run=%s moment=%s", spec.name, order.id, order.moment.isoformat())
    try:
        with StoredProgress(order, progress) as told:
            result = _work_atomically(spec, order, told) if spec.atomic else _work(spec, order, told)
    except BaseException as error:
        sentence = _record_failure(order, error, began)
        notice(spec.name, failed=True, now=timezone.now())
        if not isinstance(error, Exception):
            raise
        return replace(blank, status=Outcome.FAILED, error=sentence)
    logger.info(
        "job.succeeded job=%s run=%s seconds=%.3f queued=%d withheld=%d",
        spec.name,
        order.id,
        time.monotonic() - began,
        result.queued,
        result.withheld,
    )
    notice(spec.name, failed=False, now=timezone.now())
    return replace(blank, status=Outcome.SUCCESS, result=result)


def _work_atomically(spec: JobSpec, order: Order, progress: Progress) -> JobResult:
    """The work and its `success` commit together: a run that nobody recorded has changed nothing."""
    with transaction.atomic():
        hold(order)
        return _work(spec, order, progress)


def _work(spec: JobSpec, order: Order, progress: Progress) -> JobResult:
    with origin(job=spec.name, run=str(order.id), trigger=order.trigger):
        result = spec.run(now=order.moment, progress=Limited(order, progress))
    if not finish(order, status=JobRun.Status.SUCCESS, summary=result.summary()):
        raise Lost(f"{spec.name} took longer than its timeout and was declared dead.")
    return result


def _rehearse(spec: JobSpec, order: Order, blank: RunReport, progress: Progress) -> RunReport:
    if not spec.dry_runs:
        sentence = f"{spec.name} commits as it goes, so it cannot be rolled back: it has no dry run."
        return replace(blank, reason="no_dry_run", error=sentence)
    began = time.monotonic()
    try:
        with transaction.atomic():
            reserve(order, durable=False)  # the same rule for all: one run at a time
            start_recording()
            result = _work(spec, order, progress)
            connection.check_constraints()  # what a commit would have found
            messages, count, groups = messages_of(order.id)
            rows, row_counts = recorded_changes()
            transaction.set_rollback(True)
    except Refused:
        raise
    except Exception as error:  # noqa: BLE001 (told, and answered)
        return replace(blank, status=Outcome.FAILED, error=_tell(order, error, began).sentence)
    return replace(
        blank,
        status=Outcome.SUCCESS,
        result=result,
        messages=messages,
        message_count=count,
        groups=groups,
        rows=rows,
        row_counts=row_counts,
    )


def _record_failure(order: Order, error: BaseException, began: float) -> str:
    """Write the failed row; never raises, so that the job's own error stays the news."""
    failure = _tell(order, error, began)
    try:
        if not finish(order, status=JobRun.Status.FAILED, error=failure.sentence, trace=failure.trace):
            logger.warning("job.stale_finish job=%s run=%s", order.job, order.id)
    except DatabaseError as second:
        logger.error("job.finish_failed job=%s run=%s error=%s", order.job, order.id, type(second).__name__)
    return failure.sentence


def _tell(order: Order, error: BaseException, began: float) -> Failure:
    return tell_failure(order, error, seconds=time.monotonic() - began)
