"""What the queue should do, told a second time: in, what happened to a row; out, the state it must be in. Pure.

It shares no code with the engine, so that a mistake there is not repeated here; the state machine compares the two.
"""

import datetime as dt
import uuid
from dataclasses import dataclass, field

LIMIT = 3  # attempts of the default policy
FIRST_WAIT = dt.timedelta(seconds=30)
POISON = 2  # deaths
RESENT_IF_UNKNOWN = frozenset({"email", "inapp"})  # an SMS may be paid for and read twice
FOREVER = dt.datetime.max.replace(tzinfo=dt.UTC)


@dataclass
class Row:
    """One message as it must stand. `tries` counts its delivery attempts on record, whoever recorded them."""

    id: uuid.UUID
    channel: str
    priority: int
    scheduled_at: dt.datetime
    expires_at: dt.datetime | None = None
    status: str = "queued"
    attempts: int = 0
    tries: int = 0
    released: int = 0  # how many workers died with it in their hands
    token: uuid.UUID | None = None
    is_dispatched: bool = False
    has_run_out: bool = False  # the lease
    # Its last holder died while calling, or nobody will send it again to find out: a late yes settles it.
    is_in_doubt: bool = False
    inbox: int = 0

    def is_due(self, now: dt.datetime) -> bool:
        return self.status == "queued" and self.scheduled_at <= now

    def has_expired(self, now: dt.datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now

    def take(self, token: uuid.UUID) -> None:
        assert self.status == "queued", f"a {self.status} row was claimed"
        self.status, self.token = "processing", token
        self.attempts += 1
        self.is_dispatched = self.has_run_out = False

    def is_held_by(self, token: uuid.UUID) -> bool:
        return self.status == "processing" and self.token == token

    def dispatch(self) -> None:
        self.is_dispatched, self.has_run_out = True, False

    def end(self, status: str, *, refund: bool = False) -> None:
        assert self.status == "processing"
        self.status, self.token = status, None
        self.is_dispatched = self.has_run_out = self.is_in_doubt = False
        self.attempts -= refund

    def forget(self) -> None:
        """The server crashed, and takes back the claim that nobody had acted on."""
        was_in_doubt = self.is_in_doubt
        self.end("queued", refund=True)
        self.is_in_doubt = was_in_doubt

    def settle_late(self, attempt: int) -> None:
        """One who lost the row while it called says: yes, the provider has it."""
        if self.is_in_doubt and self.status in ("queued", "failed") and self.attempts == attempt:
            self.status, self.is_in_doubt = "sent", False

    def answer(self, outcome: str, now: dt.datetime, retry_after: dt.timedelta | None = None) -> None:
        """The provider answered one who still held it; the try itself is counted by the caller."""
        is_left_to_a_person = outcome == "unknown" and self.channel not in RESENT_IF_UNKNOWN
        if outcome == "sent":
            self.end("sent")
            self.inbox += self.channel == "inapp"
        elif outcome == "misconfigured":
            self.end("queued", refund=True)
        elif outcome == "permanent" or is_left_to_a_person or self.attempts >= LIMIT:
            self.end("failed")
            self.is_in_doubt = is_left_to_a_person
        else:
            self._wait(now, retry_after)

    def _wait(self, now: dt.datetime, retry_after: dt.timedelta | None) -> None:
        # The machine's dice always show the middle of U(0.5, 1).
        due = now + max(FIRST_WAIT * 2 ** (self.attempts - 1) * 0.75, retry_after or dt.timedelta())
        if self.has_expired(due):
            self.end("cancelled")
        else:
            self.end("queued")
            self.scheduled_at = due

    def release(self, now: dt.datetime) -> None:
        """Its holder died."""
        if self.is_dispatched:
            self.tries += 1
            self.answer("unknown", now)
            self.is_in_doubt = self.is_in_doubt or self.status == "queued"
            return
        self.released += 1
        if self.released >= POISON:
            self.end("failed")
        else:
            self.end("queued", refund=True)

    def replay(self, now: dt.datetime) -> bool:
        if self.status != "failed" or self.has_expired(now):
            return False
        self.status, self.attempts, self.released, self.scheduled_at = "queued", 0, 0, now
        self.is_in_doubt = False
        return True

    def cancel(self) -> bool:
        if self.status != "queued":
            return False
        self.status = "cancelled"
        return True

    def reschedule(self, to: dt.datetime) -> bool:
        if self.status != "queued" or self.has_expired(to):
            return False
        self.scheduled_at = to
        return True

    def prioritise(self, priority: int) -> bool:
        if self.status != "queued" or self.priority == priority:
            return False
        self.priority = priority
        return True

    def settle(self, *, was_sent: bool) -> bool:
        """A person knows what no answer told."""
        if self.status != "failed" or not self.is_in_doubt:
            return False
        self.status, self.is_in_doubt = "sent" if was_sent else "failed", False
        return True


@dataclass
class Queue:
    """All rows by id in the order of their making, the keys that are taken, and what is paused until when."""

    rows: dict[uuid.UUID, Row] = field(default_factory=dict)
    keys: dict[tuple[str, str], uuid.UUID] = field(default_factory=dict)
    paused: dict[str, dt.datetime] = field(default_factory=dict)

    def add(self, row: Row, key: str | None = None) -> None:
        assert row.id not in self.rows
        self.rows[row.id] = row
        if key is not None:
            assert (row.channel, key) not in self.keys, "a key was used twice"
            self.keys[row.channel, key] = row.id

    def next_due(self, channel: str, limit: int, now: dt.datetime) -> list[uuid.UUID]:
        if self.paused.get(channel, now) > now:
            return []
        due = [row for row in self.rows.values() if row.channel == channel and row.is_due(now)]
        due.sort(key=lambda row: (row.priority, row.scheduled_at, row.id))
        return [row.id for row in due[:limit]]

    def orphans(self) -> list[Row]:
        return [row for row in self.rows.values() if row.status == "processing" and row.has_run_out]

    def pause(self, channel: str, until: dt.datetime) -> None:
        self.paused[channel] = max(until, self.paused.get(channel, until))
