"""What django-q2's workers call, and how work is handed to them: in, names and ids; out, a run or a drain.

Nothing personal crosses here: arguments are stored as pickles.
"""

import datetime as dt
import logging
import time
import uuid
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import sentry_sdk
from django.utils import timezone
from django_q.tasks import async_task

from jobs.asking import refuse, take
from jobs.ledger import SlotTaken
from jobs.observe import traced
from jobs.report import Outcome
from jobs.runner import find_job, run
from jobs.stopping import is_stopping
from jobs.trouble import DRAIN
from jobs.watch import watch
from notifications import worker
from notifications.admin.criteria import matching
from notifications.bulk.work import work
from notifications.conf import conf
from notifications.masking import sentence_of
from notifications.polite import leaving_politely
from notifications.traffic.fold import fold
from notifications.webhooks.apply import apply_waiting

logger = logging.getLogger(__name__)

# Seconds; well above the time that it gives itself.
FEEDBACK_TIMEOUT = 120
# So long a task works at acts before it leaves the rest to the next minute's, and the jobs their worker.
ACTS_BUDGET, ACTS_TIMEOUT = 240.0, 600

Arguments = ParamSpec("Arguments")


class TaskFailed(Exception):  # noqa: N818
    """What django-q2 is told of a task that broke: it stores an exception's whole text, which may quote people's rows."""


def kept_short(task: Callable[Arguments, None]) -> Callable[Arguments, None]:
    """The task; what it raises goes to our log and to Sentry, and a sentence of it to django-q2."""

    @wraps(task)
    def guarded(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        try:
            task(*args, **kwargs)
        except Exception as error:
            logger.exception("task.failed task=%s", task.__name__)
            sentry_sdk.capture_exception(error)
            sentence = sentence_of(error)
        else:
            return
        # Out of the handler, so that no context hangs on it.
        raise TaskFailed(sentence)

    return guarded


@kept_short
def run_scheduled(name: str, slot: str) -> None:
    """The clock's run of a job for one slot. `slot` is ISO 8601, from the schedule's `intended_date_kwarg`.

    The job's `now` is the present, not the slot: a run that comes late must not send what is no longer true.
    """
    run(name, now=timezone.now(), trigger="schedule", slot=dt.datetime.fromisoformat(slot))


def run_later(
    name: str,
    *,
    trigger: str,
    actor: str = "",
    moment: dt.datetime | None = None,
    run_id: uuid.UUID | None = None,
) -> uuid.UUID:
    """Hand a run to the jobs cluster and answer the id that its row will have; raises UnknownJob.

    There is no row until a worker starts it, nor ever if another run of the job is going on by then.
    """
    spec = find_job(name)
    chosen = run_id or uuid.uuid4()
    async_task(
        "jobs.tasks.run_requested",
        spec.name,
        trigger,
        actor,
        str(chosen),
        moment.isoformat() if moment else "",
        cluster="jobs",
        timeout=int(spec.timeout.total_seconds()),
    )
    return chosen


@kept_short
def run_requested(name: str, trigger: str, actor: str, run_id: str, moment: str) -> None:
    """A person's run of a job. Handed out twice, it runs once: the run's id is unique."""
    now = dt.datetime.fromisoformat(moment) if moment else timezone.now()
    chosen = uuid.UUID(run_id)
    take(chosen, now=timezone.now())
    report = run(name, now=now, trigger=trigger, actor=actor, run_id=chosen)
    # Handed out twice, the second finds the first one's row: that is no refusal.
    if report.status is Outcome.SKIPPED and report.reason != SlotTaken.reason:
        refuse(chosen, report.error)


@kept_short
def drain() -> None:
    """Send what is due, and stay for it, for a time budget well below the cluster's timeout; leave politely."""
    with leaving_politely() as told, traced(DRAIN):
        worker.drain(resident=True, budget=conf().resident_budget, stop=lambda: told() or is_stopping())


@kept_short
def watch_all() -> None:
    """Look at the jobs and the drain from outside. Where nobody drains, send for a while: the alarm waits in the queue too."""
    if watch(now=timezone.now()).is_drain_overdue:
        with traced(DRAIN):
            worker.drain(stop=is_stopping)


@kept_short
def apply_feedback() -> None:
    """Draw the consequences of what providers reported, until nothing waits or its time is up."""
    apply_waiting(stop=is_stopping)


@kept_short
def fold_traffic() -> None:
    """Count what went through since the last minute."""
    fold(now=timezone.now(), stop=is_stopping)


@kept_short
def work_off_acts() -> None:
    """Go on with what operators asked for, in turns, until nothing waits or its time is up."""
    work(matching=matching, until=time.monotonic() + ACTS_BUDGET, stop=is_stopping)


def kick_acts() -> None:
    """Ask the jobs cluster to take up an act now. Never raises: the next minute's schedule looks in any case."""
    try:
        async_task("jobs.tasks.work_off_acts", cluster="jobs", group="acts", timeout=ACTS_TIMEOUT)
    except Exception:
        logger.exception("acts.kick_failed")


def kick_feedback() -> None:
    """Ask the jobs cluster to apply reports now; the scheduled look is the notify cluster's, so that one of them is free.
    Never raises."""
    try:
        async_task("jobs.tasks.apply_feedback", cluster="jobs", group="feedback", timeout=FEEDBACK_TIMEOUT)
    except Exception:
        logger.exception("feedback.kick_failed")


def kick_drain() -> None:
    """Ask the notify cluster for a drain now. Never raises: the next minute's schedule drains in any case."""
    try:
        async_task("jobs.tasks.drain", cluster="notify", group="kick")
    except Exception:
        logger.exception("drain.kick_failed")
