"""django-q2's schedule rows, owned by code: in, the catalogue; out, one row a job and what had to change.

Only rows whose name starts with our prefix are ours. A row carries the job's name and timeout, nothing else: one bad
literal in one row stops every schedule of django-q2, silently.
"""

import datetime as dt
from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction
from django_q.models import Schedule

from jobs import catalog
from jobs.cron import next_slot, problem
from jobs.known import forget_unknown, note_known
from jobs.spec import JobSpec

PREFIX = "postroom:"
DRAIN = f"{PREFIX}process_notifications"
FEEDBACK = f"{PREFIX}apply_feedback"
TRAFFIC = f"{PREFIX}fold_traffic"
ACTS = f"{PREFIX}work_off_acts"
# The same watch from each cluster, so that one of them is there to tell when the other is not.
WATCHES = {f"{PREFIX}watch_jobs": "notify", f"{PREFIX}watch_drain": "jobs"}
# Any number, as long as it is ours: two deploys at once must not both insert.
ADVISORY_LOCK = 8_025_001


@dataclass(frozen=True, slots=True)
class Wanted:
    """A schedule row as it should be."""

    name: str
    func: str
    cron: str
    cluster: str
    args: str | None = None
    kwargs: str | None = None
    intended_date_kwarg: str | None = None
    schedule_type: str = "C"
    repeats: int = -1
    hook: str | None = None


@dataclass(frozen=True, slots=True)
class Drift:
    """One row that is not as it should be: `action` create, update or delete, and what differs."""

    action: str
    name: str
    detail: str


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What differed (and, unless only checked, was set right), and the rows that are not ours."""

    drift: tuple[Drift, ...]
    foreign: tuple[str, ...]


def schedule_name(job: str) -> str:
    return f"{PREFIX}{job}"


def wanted_schedules() -> dict[str, Wanted]:
    """One row a job, the drain's, the feedback's, the counts', the acts', and the watch's in each cluster, by name. Raises ValueError for a cron line that never fires."""
    rows = [_of_job(spec) for spec in catalog.CATALOG.values()]
    rows.append(Wanted(name=DRAIN, func="jobs.tasks.drain", cron="* * * * *", cluster="notify"))
    rows.append(Wanted(name=FEEDBACK, func="jobs.tasks.apply_feedback", cron="* * * * *", cluster="notify"))
    # Beside the jobs, so that counting never keeps a worker from sending.
    rows.append(Wanted(name=TRAFFIC, func="jobs.tasks.fold_traffic", cron="* * * * *", cluster="jobs"))
    rows.append(Wanted(name=ACTS, func="jobs.tasks.work_off_acts", cron="* * * * *", cluster="jobs"))
    rows.extend(
        Wanted(name=name, func="jobs.tasks.watch_all", cron="*/5 * * * *", cluster=cluster)
        for name, cluster in WATCHES.items()
    )
    for row in rows:
        if wrong := problem(row.cron):
            raise ValueError(f"The schedule of {row.name} cannot be written: {wrong}")
    return {row.name: row for row in rows}


def sync_schedules(*, now: dt.datetime, check: bool = False) -> SyncReport:
    """Make the schedule rows what the catalogue says, one caller at a time; with `check`, only tell the difference."""
    wanted = wanted_schedules()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])
        # The scheduler moves next_run under the same row locks, so neither overwrites the other.
        rows = list(Schedule.objects.select_for_update().order_by("pk"))
        drift: list[Drift] = []
        seen: set[str] = set()
        for row in (row for row in rows if (row.name or "").startswith(PREFIX)):
            if row.name not in wanted or row.name in seen:
                drift.append(
                    Drift("delete", row.name, "is a second row" if row.name in seen else "has no job")
                )
                _delete(row, check)
                continue
            seen.add(row.name)
            if differences := _differences(row, wanted[row.name], now):
                drift.append(Drift("update", row.name, ", ".join(differences)))
                _write(row, wanted[row.name], now, check)
        for name in sorted(wanted.keys() - seen):
            drift.append(Drift("create", name, wanted[name].cron))
            _write(Schedule(), wanted[name], now, check)
        if not check:
            forget_unknown(catalog.CATALOG)
            note_known(catalog.CATALOG, now=now)
    foreign = tuple(row.name or f"#{row.pk}" for row in rows if not (row.name or "").startswith(PREFIX))
    return SyncReport(tuple(drift), foreign)


def _of_job(spec: JobSpec) -> Wanted:
    return Wanted(
        name=schedule_name(spec.name),
        func="jobs.tasks.run_scheduled",
        cron=spec.cron,
        cluster="jobs",
        args=repr(spec.name),
        kwargs=repr({"q_options": {"timeout": int(spec.timeout.total_seconds())}}),
        intended_date_kwarg="slot",
    )


def _differences(row: Schedule, wanted: Wanted, now: dt.datetime) -> list[str]:
    fields = [
        f for f in Wanted.__dataclass_fields__ if (getattr(row, f) or None) != (getattr(wanted, f) or None)
    ]
    found = [f"{f} is {getattr(row, f)!r}, should be {getattr(wanted, f)!r}" for f in fields]
    # A slot in the past is late and will run; one beyond the next would be waited for in vain.
    if row.next_run is None or row.next_run > next_slot(wanted.cron, now, tz=settings.TIME_ZONE):
        found.append(f"next_run is {row.next_run}, past the next slot")
    return found


def _write(row: Schedule, wanted: Wanted, now: dt.datetime, check: bool) -> None:
    if check:
        return
    moved = row.cron != wanted.cron or row.next_run is None
    for name in Wanted.__dataclass_fields__:
        setattr(row, name, getattr(wanted, name))
    upcoming = next_slot(wanted.cron, now, tz=settings.TIME_ZONE)
    row.next_run = upcoming if moved or row.next_run > upcoming else row.next_run
    row.save()


def _delete(row: Schedule, check: bool) -> None:
    if not check:
        row.delete()
