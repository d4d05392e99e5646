"""What was promised against what happened: in, what was committed, received and struck; out, a line by policy and channel,
and each promise that was broken, with the message's id.

An extra copy needs two things: a cause that the soak knows of (its own journal of calls in flight at a strike, or an
answer that was cut), and a reason on the message's record (an attempt whose outcome is unknown).
"""

import uuid
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from notifications.models import DeliveryAttempt, InboxItem, Notification
from tests.chaos.faults import Strike


@dataclass(slots=True)
class Line:
    """`copies` are receptions beyond a message's first, `allowed` the most that there may be; `unknown` are failed with
    outcome_unknown, `unknown_received` those of them that the provider has."""

    policy: str
    channel: str
    committed: int = 0
    once: int = 0
    copies: int = 0
    allowed: int = 0
    unknown: int = 0
    unknown_received: int = 0
    failed: int = 0
    withheld: int = 0
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Breach:
    id: uuid.UUID
    what: str


@dataclass(slots=True)
class Evidence:
    """All that is known from outside of the engine."""

    committed: Collection[uuid.UUID]
    rolled_back: Collection[uuid.UUID]
    received: Mapping[uuid.UUID, int]
    strikes: Collection[Strike]


@dataclass(slots=True)
class _Known:
    """What there is about each message, by id."""

    received: Mapping[uuid.UUID, int]
    struck: Counter[uuid.UUID] = field(default_factory=Counter)
    cut: Counter[uuid.UUID] = field(default_factory=Counter)
    doubts: Counter[uuid.UUID] = field(default_factory=Counter)

    def causes(self, one: uuid.UUID) -> int:
        return self.struck[one] + self.cut[one]


def compare(evidence: Evidence) -> tuple[list[Line], list[Breach]]:
    known = _know(evidence)
    rows = {row.pk: row for row in Notification.objects.iterator()}
    breaches = [
        Breach(one, "committed, and no longer in the queue") for one in evidence.committed if one not in rows
    ]
    breaches += [
        Breach(one, "rolled back, and yet in the queue") for one in evidence.rolled_back if one in rows
    ]
    breaches += [Breach(one, "received, and never committed") for one in known.received if one not in rows]
    lines: dict[tuple[str, str], Line] = {}
    for row in rows.values():
        key = policy_of(row), row.channel
        line = lines.setdefault(key, Line(*key))
        breaches += _enter(line, row, known)
    if missing := sum(one not in rows for one in evidence.committed):
        lines["?", "?"] = Line("vanished", "", committed=missing, lost=missing)
    return [lines[key] for key in sorted(lines)], breaches


def policy_of(row: Notification) -> str:
    """As docs/delivery-guarantees.md promises it; not asked of the engine, which may be wrong."""
    if row.channel == "inapp":
        return "exactly once"
    is_once_at_most = row.channel == "sms" or row.category == "marketing"
    return "at most once" if is_once_at_most and row.category != "security" else "at least once"


def struck_calls(strikes: Collection[Strike]) -> Counter[uuid.UUID]:
    """How many calls of each message were in flight at a strike. One call counts once, however often it was struck."""
    lives = {id(life): life for strike in strikes for life in strike.lives}
    return Counter(
        span.id
        for life in lives.values()
        for span in life.spans()
        if any(strike.hits(life, span.start, span.end) for strike in strikes)
    )


def _know(evidence: Evidence) -> _Known:
    items = Counter(InboxItem.objects.values_list("notification_id", flat=True))
    known = _Known(Counter(evidence.received) + items, struck_calls(evidence.strikes))
    unknown = DeliveryAttempt.objects.filter(outcome="unknown")
    for one, code in unknown.values_list("notification_id", "provider_code"):
        known.doubts[one] += 1
        # «worker_lost» is the engine's word for what our strikes must explain; all others are answers that were cut.
        known.cut[one] += code != "worker_lost"
    return known


def _enter(line: Line, row: Notification, known: _Known) -> Iterator[Breach]:
    """Count one message in its line; answers what is wrong with it."""
    copies = known.received.get(row.pk, 0)
    extra = max(copies - 1, 0)
    is_unknown = row.status == "failed" and bool(row.metadata.get("outcome_unknown"))
    line.committed += 1
    line.copies += extra
    line.allowed += known.causes(row.pk) if line.policy == "at least once" else 0
    line.unknown += is_unknown
    line.unknown_received += is_unknown and copies > 0
    line.failed += row.status == "failed" and not is_unknown
    line.withheld += row.status == "cancelled"
    if row.status == "sent" and copies == 1:
        line.once += 1
    if row.status in ("queued", "processing") or (row.status == "sent" and not copies):
        line.lost += 1
        yield Breach(row.pk, f"lost: {row.status}, and nobody received it")
    if extra and line.policy != "at least once":
        yield Breach(row.pk, f"received {copies} times, though {line.policy}")
    elif extra > known.causes(row.pk):
        yield Breach(row.pk, f"received {copies} times, with {known.causes(row.pk)} causes")
    if extra > known.doubts[row.pk]:
        yield Breach(row.pk, f"received {copies} times, with {known.doubts[row.pk]} reasons on record")
    if is_unknown and line.policy != "at most once":
        yield Breach(row.pk, f"failed as unknown, though {line.policy}")
    if is_unknown and not known.causes(row.pk):
        yield Breach(row.pk, "failed as unknown, without a cause")
    if row.status == "failed" and not is_unknown:
        yield Breach(row.pk, f"failed, though nothing here is beyond repair: {row.error}")
    if row.status == "cancelled" and copies:
        yield Breach(row.pk, "withheld, and yet received")
