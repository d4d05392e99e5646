"""The rows of `job_runs`: in, a run about to start or just ended; out, the row, or why it may not start.

Who may run is decided by the table's unique indexes, never by looking first: one running per job, one run per slot.
"""

import datetime as dt
import logging
import uuid
from dataclasses import dataclass
from typing import Any, ClassVar

from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import DurationField, ExpressionWrapper, F
from django.db.models.functions import Now

from jobs.models import JobRun
from jobs.pause import pause_in_force
from notifications import tally
from notifications.series import JOB_RUNS

logger = logging.getLogger(__name__)

# Past the job's timeout, what a worker may still need to write its end.
GRACE = dt.timedelta(minutes=1)
# A slot that killed its worker this often is left alone: django-q2 would hand it out for ever.
MAX_CRASHES = 3
# A dry run holds the job's place in a transaction of its own. A person waits for it so long; the clock, whose slot does not
# come back, for this share of the job's time limit.
PATIENCE = dt.timedelta(seconds=3)
CLOCK_PATIENCE = 0.5


@dataclass(frozen=True, slots=True)
class Order:
    """A run about to start: which job, for which moment, asked for by whom."""

    id: uuid.UUID
    job: str
    moment: dt.datetime
    trigger: str
    actor: str
    slot: dt.datetime | None
    timeout: dt.timedelta


class Refused(Exception):  # noqa: N818 (an answer, not an error)
    """This run may not start. `reason` is stable, the text is for people."""

    reason: ClassVar[str]


class AlreadyRunning(Refused):
    reason = "already_running"


class SlotTaken(Refused):
    reason = "slot_taken"


class GaveUp(Refused):
    reason = "gave_up"


class Paused(Refused):
    reason = "paused"


class Lost(Exception):  # noqa: N818
    """The run was declared dead while it worked; what it did is rolled back."""


def reserve(order: Order, *, durable: bool = True) -> dt.datetime:
    """Insert the running row and answer when it started; raises Refused. Committed at once, unless not `durable`."""
    if order.slot is not None and _crashes(order.job, order.slot) >= MAX_CRASHES:
        raise GaveUp(
            f"{order.job} crashed {MAX_CRASHES} times in the slot {order.slot.isoformat()}; look into it first."
        )
    try:
        with transaction.atomic(durable=durable):
            started_at = _insert(order)
    except IntegrityError as error:
        refusal = _refusal(order, _constraint(error))
        if refusal is None:
            raise
        raise refusal from None
    except OperationalError as error:
        if _sqlstate(error) != "55P03":  # lock_not_available
            raise
        raise AlreadyRunning(f"{order.job} is in a dry run right now; try again in a moment.") from None
    return started_at


def refuse_if_paused(order: Order, *, now: dt.datetime) -> None:
    """Raise Paused where the clock asks for a job whose schedule somebody stopped. People may run it all the same."""
    if order.trigger != JobRun.Trigger.SCHEDULE:
        return
    if pause := pause_in_force(order.job, now=now):
        end = f"until {pause.until.isoformat(timespec='minutes')}" if pause.until else "until it is resumed"
        raise Paused(f"{order.job} is paused {end} by {pause.paused_by}: {pause.reason}")


def hold(order: Order) -> None:
    """Lock the running row until the end of the transaction: while the lock stands, nobody declares the run dead."""
    rows = JobRun.objects.select_for_update(no_key=True).filter(pk=order.id, status=JobRun.Status.RUNNING)
    if rows.first() is None:
        raise Lost(f"{order.job} was declared dead before it began to work.")


def finish(
    order: Order,
    *,
    status: str,
    summary: dict[str, Any] | None = None,
    error: str | None = None,
    trace: str = "",
) -> bool:
    """Write the end of a run. False, and nothing written, if somebody declared it dead in the meantime."""
    lasted = ExpressionWrapper(Now() - F("started_at"), output_field=DurationField())
    written = JobRun.objects.filter(pk=order.id, status=JobRun.Status.RUNNING).update(
        status=status,
        finished_at=Now(),
        duration=lasted,
        summary=summary or {},
        error_message=error,
        error_trace=trace,
    )
    return written == 1


def bury_dead(*jobs: str) -> int:
    """Mark the runs of these jobs as crashed whose lease ran out and whose row nobody holds; answers how many."""
    rows = JobRun.objects.filter(job_name__in=jobs, status=JobRun.Status.RUNNING, lease_until__lt=Now())
    with transaction.atomic():
        dead = dict(rows.select_for_update(skip_locked=True).order_by("pk").values_list("pk", "job_name"))
        if not dead:
            return 0
        buried = JobRun.objects.filter(pk__in=dead).update(
            status=JobRun.Status.CRASHED,
            finished_at=Now(),
            error_message="The worker died or hung: no end was written.",
        )
    for run_id, job in dead.items():
        JOB_RUNS.add(job, JobRun.Status.CRASHED.value)
        logger.error("job.crashed job=%s run=%s", job, run_id)
    tally.write()
    return buried


def _crashes(job: str, slot: dt.datetime) -> int:
    return JobRun.objects.filter(job_name=job, slot=slot, status=JobRun.Status.CRASHED).count()


def _insert(order: Order) -> dt.datetime:
    with connection.cursor() as cursor:
        is_clock = order.trigger == JobRun.Trigger.SCHEDULE
        wait = order.timeout * CLOCK_PATIENCE if is_clock else PATIENCE
        cursor.execute(
            "SELECT set_config('lock_timeout', %s, true)", [str(round(wait / dt.timedelta(milliseconds=1)))]
        )
    row = JobRun.objects.create(
        id=order.id,
        job_name=order.job,
        moment=order.moment,
        slot=order.slot,
        trigger=order.trigger,
        actor=order.actor,
        lease_until=Now() + (order.timeout + GRACE),
    )
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout TO DEFAULT")
    return row.started_at


def _refusal(order: Order, constraint: str) -> Refused | None:
    if constraint == "job_runs_one_running":
        return AlreadyRunning(f"{order.job} is running right now; one run at a time.")
    if constraint == "job_runs_once_a_slot" and order.slot is not None:
        return SlotTaken(f"{order.job} has had its run for the slot {order.slot.isoformat()}.")
    if constraint == "job_runs_pkey":
        return SlotTaken(f"The run {order.id} of {order.job} has started before.")
    return None


def _constraint(error: IntegrityError) -> str:
    return getattr(getattr(error.__cause__, "diag", None), "constraint_name", None) or ""


def _sqlstate(error: OperationalError) -> str:
    return getattr(error.__cause__, "sqlstate", None) or ""
