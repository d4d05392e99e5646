"""What a job is and what a run answers: in, nothing; out, frozen dataclasses. Pure: no Django, no clock."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


class Progress(Protocol):
    """Told by a long job how far it is; shown on a terminal, kept on the run."""

    def __call__(self, done: int, total: int) -> None: ...


@dataclass(frozen=True, slots=True)
class JobResult:
    """What one run did. Counts by kind, so that an operator can read the run at a glance.

    `found` is what the rule selected, `queued` the messages that are new, `existing` those queued by an earlier run,
    `withheld` those that a gate refused. `changed` are rows of the business, by what was done: {"alerts opened": 2}; which
    rows a dry run would change, triggers record (`row_changes.py`). `measured` are times, by what took so long or was so old.
    """

    found: Mapping[str, int] = field(default_factory=dict)
    queued: int = 0
    existing: int = 0
    withheld: int = 0
    changed: Mapping[str, int] = field(default_factory=dict)
    measured: Mapping[str, dt.timedelta] = field(default_factory=dict)

    def summary(self) -> dict[str, Any]:
        """The run's row in `job_runs.summary`: counts and seconds only, no ids of people."""
        return {
            "found": dict(self.found),
            "queued": self.queued,
            "existing": self.existing,
            "withheld": self.withheld,
            "changed": dict(self.changed),
            "seconds": {what: round(time.total_seconds(), 3) for what, time in self.measured.items()},
        }


class JobFunction(Protocol):
    """The rule of a job. It takes `now` and never reads the clock; twice at the same moment changes nothing more."""

    def __call__(self, *, now: dt.datetime, progress: Progress) -> JobResult: ...


@dataclass(frozen=True, slots=True)
class JobSpec:
    """One line of the catalogue. `cron` is five fields in the project's TIME_ZONE."""

    name: str
    description: str
    run: JobFunction
    cron: str
    timeout: dt.timedelta = dt.timedelta(minutes=5)
    # One transaction around the whole run, so that a failure half-way leaves nothing half done.
    atomic: bool = True
    # A job that commits by itself can be rehearsed in one transaction all the same, because nothing it does escapes it.
    rehearsable: bool = False
    # It tells how far it is, and commits what it has done: a person may stop it between two steps.
    stoppable: bool = False
    # Without a success for this many slots in a row the job is overdue.
    overdue_after: int = 3

    @property
    def dry_runs(self) -> bool:
        """Can a run be rolled back as a whole?"""
        return self.atomic or self.rehearsable


def silent(done: int, total: int) -> None:
    """The Progress of a run that nobody watches."""
