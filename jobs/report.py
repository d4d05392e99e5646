"""What became of a run: in, nothing; out, the frozen RunReport that the command, the API and the admin show. Pure."""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from jobs.spec import JobResult


class Outcome(StrEnum):
    SUCCESS = "success"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class DryMessage:
    """One message that a dry run would have queued, or withheld for a reason. The recipient is masked."""

    recipient: str
    channel: str
    template: str
    scheduled_at: dt.datetime
    status: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DryGroup:
    """Messages of a dry run that differ only in whom they are for: how many, when they are due, the first few recipients.

    `withheld` says why they would not go out; empty where they would.
    """

    template: str
    channel: str
    withheld: str
    count: int
    first_at: dt.datetime
    last_at: dt.datetime
    recipients: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RowChange:
    """One row of the business that a dry run would insert, update or delete: column by column, before and after.

    Values that may name somebody read «•••».
    """

    table: str
    id: str
    action: str
    columns: Mapping[str, tuple[str | None, str | None]]


@dataclass(frozen=True, slots=True)
class RunReport:
    """One run, told to whoever asked for it.

    `reason` is the stable code of a run that was skipped (`already_running`, `slot_taken`, `gave_up`, `paused`, `no_dry_run`);
    `error` is a sentence for people, without addresses. `messages` holds the first of a dry run's messages,
    `message_count` says how many there are, `groups` all of them by template, channel and refusal; so do `rows` and `row_counts` (by table and action) of what it would change.
    """

    run_id: uuid.UUID
    job: str
    status: Outcome
    moment: dt.datetime
    started_at: dt.datetime
    finished_at: dt.datetime
    dry_run: bool = False
    reason: str = ""
    error: str = ""
    result: JobResult | None = None
    messages: tuple[DryMessage, ...] = ()
    message_count: int = 0
    groups: tuple[DryGroup, ...] = ()
    rows: tuple[RowChange, ...] = ()
    row_counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @property
    def row_count(self) -> int:
        return sum(sum(counts.values()) for counts in self.row_counts.values())

    @property
    def duration(self) -> dt.timedelta:
        return self.finished_at - self.started_at
