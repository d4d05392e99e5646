"""What the jobs cost at scale: in, how many bookings; out, each job beside the bare SQL that writes the same rows, and
how soon a run that finds nothing is over.

A job works in a transaction that is rolled back, and so does its limit: each run meets the same business.
"""

import datetime as dt
import io
from collections.abc import Callable, Iterator
from functools import partial

from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from benchmarks.cost import alternate, timed
from benchmarks.figures import Figure, Run, Target, against, alone
from benchmarks.seed import empty_queue
from benchmarks.stage import StageError, Step, nobody_drains
from jobs.catalog import CATALOG
from jobs.spec import silent
from rentals.models import CustomerSegment, CustomerSegmentMember
from rentals.sample.load import load
from rentals.sample.plan import Plan
from rentals.sample.staff import hire_staff
from rentals.segments.compile import members
from rentals.segments.parse import parse
from rentals.segments.refresh import WORK_MEM

GROUP = "jobs"
RUNS = 1, 6  # once, and in each repetition: for the progress bar
TELLING = ("booking_reminders", "installment_reminders")
IDLE = (*TELLING, "contract_reminders", "audit_anomaly_detector")
CUSTOMERS, AUDITED = 5, 5  # bookings a customer; audit events a booking
WITHIN = Target(most=2.5)
AT_ONCE = Target(most=1.0)
LITTLE_MORE = Target(most=1.5)
BARE_SEGMENT = """
INSERT INTO customer_segment_members (segment_id, customer_id, added_at)
SELECT %s, matching.id, %s FROM ({members}) AS matching
"""
# Before the history of the sample business begins.
LONG_AGO = dt.timedelta(days=5 * 365)


def measure(*, count: int, times: int, seed: int, step: Step) -> Iterator[Figure]:
    """`count` bookings, with all that belongs to them."""
    now = _morning()
    with step(f"jobs: building a business of {count:,} bookings"):
        built = timed(
            partial(
                _build,
                Plan(
                    at=now,
                    customers=max(count // CUSTOMERS, 1),
                    bookings=count,
                    audit_events=count * AUDITED,
                    seed=seed,
                ),
            )
        )
    with nobody_drains():
        for name in TELLING:
            yield from _telling(name, now=now, times=times, step=step)
        yield from _segments(now=now, times=times, step=step)
        for name in IDLE:
            yield _idle(name, now=now - LONG_AGO, times=times)
    yield alone([built.seconds], " s", group=GROUP, name="building that business")


def _telling(name: str, *, now: dt.datetime, times: int, step: Step) -> Iterator[Figure]:
    """The messages of one run beside one INSERT … SELECT of the very rows that it writes."""
    queued = _save_what_it_queues(name, now)
    label, limit_name = f"{name}, {queued:,} messages", "one bare INSERT … SELECT of its rows"
    pairs = alternate(partial(_run, name, now), _bare, name=label, times=times, step=step)
    if any(run.count != queued or limit.count < queued for run, limit in pairs):
        raise StageError(f"{name} did not queue the same messages each time.")
    for by, unit in ((_seconds, ""), (_cpu, ", CPU time")):
        ours, limits = ([by(pair[side]) for pair in pairs] for side in (0, 1))
        yield against(
            ours, limits, " s", group=GROUP, name=label + unit, limit_name=limit_name, target=WITHIN
        )
    grown = [run.grown_bytes / 1e6 for run, _ in pairs if run.grown_bytes is not None]
    if grown:
        yield alone(grown, " MB", group=GROUP, name=f"memory that {name} grew by")


def _segments(*, now: dt.datetime, times: int, step: Step) -> Iterator[Figure]:
    """Every segment that follows a rule, from no members to all, beside one bare INSERT … SELECT of each rule's SQL."""
    rules = dict(CustomerSegment.objects.filter(auto_refresh=True).values_list("pk", "filter"))

    def bare() -> int:
        with connection.cursor() as cursor:
            for key, rule in rules.items():
                found = members(parse(rule))
                cursor.execute(BARE_SEGMENT.format(members=found.sql), [key, now, *found.params])
        return len(rules)

    def ours() -> int:
        CATALOG["segment_refresh"].run(now=now, progress=silent)
        return len(rules)

    label, limit_name = f"segment_refresh, {len(rules)} segments", "one bare INSERT … SELECT of each rule"
    pairs = alternate(
        partial(_without_members, ours), partial(_without_members, bare), name=label, times=times, step=step
    )
    for by, unit in ((_seconds, ""), (_cpu, ", CPU time")):
        taken, limits = ([by(pair[side]) for pair in pairs] for side in (0, 1))
        yield against(
            taken, limits, " s", group=GROUP, name=label + unit, limit_name=limit_name, target=LITTLE_MORE
        )


def _without_members(work: Callable[[], int]) -> Run:
    with transaction.atomic():
        CustomerSegmentMember.objects.filter(segment__auto_refresh=True).delete()
        with connection.cursor() as cursor:
            # For both alike: as much as the job allows itself.
            cursor.execute("SELECT set_config('work_mem', %s, true)", [WORK_MEM])
        run = timed(work)
        transaction.set_rollback(True)
    return run


def _idle(name: str, *, now: dt.datetime, times: int) -> Figure:
    runs = [_run(name, now) for _ in range(times)]
    if any(run.count for run in runs):
        raise StageError(f"{name} queued something years before the business began.")
    return alone(
        [run.seconds for run in runs], " s", group=GROUP, name=f"{name}, nothing due", target=AT_ONCE
    )


def _build(plan: Plan) -> int:
    call_command("load_templates", overwrite=True, stdout=io.StringIO())
    hire_staff()
    counts = load(plan, replace=True, advance=_ignore)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
    return counts["bookings"]


def _ignore(_count: int) -> None:
    pass


def _run(name: str, now: dt.datetime) -> Run:
    return _rolled_back(lambda: CATALOG[name].run(now=now, progress=silent).queued)


def _bare() -> Run:
    def insert() -> int:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO notification_queue SELECT * FROM saved_queue")
            return int(cursor.rowcount)

    return _rolled_back(insert)


def _rolled_back(work: Callable[[], int]) -> Run:
    empty_queue()
    with transaction.atomic():
        run = timed(work)
        transaction.set_rollback(True)
    return run


def _save_what_it_queues(name: str, now: dt.datetime) -> int:
    """Its messages in a table of their own; all that the run did is undone."""
    empty_queue()
    rows = io.BytesIO()
    with transaction.atomic():
        CATALOG[name].run(now=now, progress=silent)
        with connection.cursor() as cursor, cursor.copy("COPY notification_queue TO STDOUT") as copy:
            for part in copy:
                rows.write(part)
        transaction.set_rollback(True)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS saved_queue")
        cursor.execute("CREATE TABLE saved_queue (LIKE notification_queue)")
        with cursor.copy("COPY saved_queue FROM STDIN") as copy:
            copy.write(rows.getvalue())
        cursor.execute("VACUUM (ANALYZE) saved_queue")
        cursor.execute("SELECT count(*) FROM saved_queue WHERE status <> 'cancelled'")
        queued: int = cursor.fetchone()[0]
    return queued


def _morning() -> dt.datetime:
    """Ten o'clock of today: the hour at which everything that a day brings is due."""
    return timezone.localtime().replace(hour=10, minute=0, second=0, microsecond=0)


def _seconds(run: Run) -> float:
    return run.seconds


def _cpu(run: Run) -> float:
    return run.cpu_seconds + (run.database_cpu_seconds or 0.0)
