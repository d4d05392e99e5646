"""Have a run seen from outside: in, an order; out, its ids on each line of the log, a transaction in Sentry, and its result counted."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import sentry_sdk

from jobs.checkins import check_in
from jobs.ledger import Order
from jobs.report import Outcome
from jobs.spec import JobSpec
from notifications import tally
from notifications.log_ids import log_ids
from notifications.series import JOB_RUNS

_STATUS = {Outcome.SUCCESS: "ok", Outcome.FAILED: "internal_error", Outcome.SKIPPED: "cancelled"}


@contextmanager
def observed(spec: JobSpec, order: Order, *, dry_run: bool) -> Iterator[Callable[[Outcome], None]]:
    """Call what it yields with the run's outcome; without that it failed. A dry run is no run, and is not counted."""
    outcome = Outcome.FAILED

    def end(found: Outcome) -> None:
        nonlocal outcome
        outcome = found

    ids = {"job": order.job, "run": str(order.id)} | ({"slot": order.slot.isoformat()} if order.slot else {})
    with log_ids(**ids), traced(order.job) as transaction:
        checked_in = check_in(spec, order)
        try:
            yield end
        finally:
            checked_in(outcome is not Outcome.FAILED)
            transaction.set_status(_STATUS[outcome])
            transaction.set_tag("dry_run", str(dry_run).lower())
            if not dry_run:
                JOB_RUNS.add(order.job, outcome.value)
            tally.write()


@contextmanager
def traced(name: str) -> Iterator[sentry_sdk.tracing.Span]:
    """A transaction of Sentry's under this name, if it takes any; what is reported inside belongs to it."""
    with (
        sentry_sdk.isolation_scope(),
        sentry_sdk.start_transaction(op="task", name=name, source="task") as transaction,
    ):
        yield transaction
