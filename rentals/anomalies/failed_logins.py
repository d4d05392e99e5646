"""Bursts of refused logins: in, the refusals of a window in order of time; out, a Finding for each burst. Pure."""

import datetime as dt
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from rentals.anomalies.finding import KEPT, Event, Finding, concealed, network
from rentals.anomalies.thresholds import Thresholds

BY_ADDRESS, BY_ACCOUNT = "failed_logins_by_address", "failed_logins_by_account"
# Until when the refusals of a subject were evidence of an earlier incident.
Told = Mapping[str, dt.datetime]


def by_address(events: Iterable[Event], limits: Thresholds, *, told: Told) -> Iterator[Finding]:
    """Somebody tries many passwords, or many accounts, from one address."""
    for burst in _bursts(events, _address, limits.logins_per_address, limits.login_window, told):
        where = network(burst.sample.ip_address or "")
        what = f"{burst.count} failed logins from one address of the network {where}"
        yield burst.finding(BY_ADDRESS, what, limits.login_window, network=where)


def by_account(events: Iterable[Event], limits: Thresholds, *, told: Told) -> Iterator[Finding]:
    """Somebody tries many passwords of one account, maybe from many addresses."""
    for burst in _bursts(events, _account, limits.logins_per_account, limits.login_window, told):
        what = f"{burst.count} failed logins of one account"
        yield burst.finding(BY_ACCOUNT, what, limits.login_window, actor=burst.subject)


@dataclass(slots=True)
class _Burst:
    """Refusals of one subject that follow each other closely. `at` is when they became too many."""

    subject: str
    sample: Event
    at: dt.datetime
    count: int
    first_at: dt.datetime
    last_at: dt.datetime
    events: list[str] = field(default_factory=list)
    after: dt.datetime | None = None

    def add(self, event: Event) -> None:
        self.count += 1
        self.last_at = event.occurred_at
        if len(self.events) < KEPT:
            self.events.append(str(event.id))

    def finding(self, incident_type: str, what: str, bucket: dt.timedelta, **evidence: str) -> Finding:
        minutes = max(1, -(-(self.last_at - self.first_at) // dt.timedelta(minutes=1)))
        return Finding(
            incident_type,
            "high",
            self.subject,
            self.at,
            f"{what} within {minutes} min",
            {
                "subject": self.subject,
                "count": self.count,
                "first_at": self.first_at.isoformat(),
                "last_at": self.last_at.isoformat(),
                "events": self.events,
                **evidence,
            },
            bucket=bucket,
            after=self.after,
        )


def _bursts(
    events: Iterable[Event],
    subject_of: Callable[[Event], str],
    least: int,
    within: dt.timedelta,
    told: Told,
) -> list[_Burst]:
    """`least` refusals of a subject `within` a time, and those that follow without a gap as long as that.

    Only the last `least` refusals of a subject are kept, so that an attack of a million needs no more memory.
    """
    recent: dict[str, deque[Event]] = {}
    running: dict[str, _Burst] = {}
    ended: list[_Burst] = []
    for event in events:
        subject = subject_of(event)
        if not subject or (subject in told and event.occurred_at <= told[subject]):
            continue
        burst = running.get(subject)
        if burst and event.occurred_at - burst.last_at <= within:
            burst.add(event)
            continue
        if burst:
            ended.append(running.pop(subject))
        last = recent.setdefault(subject, deque(maxlen=least))
        last.append(event)
        if len(last) == least and event.occurred_at - last[0].occurred_at <= within:
            first_at = last[0].occurred_at
            ids = [str(one.id) for one in last][:KEPT]
            running[subject] = _Burst(
                subject, event, event.occurred_at, least, first_at, event.occurred_at, ids, told.get(subject)
            )
            recent[subject].clear()
    return [*ended, *running.values()]


def _address(event: Event) -> str:
    return concealed(event.ip_address) if event.ip_address else ""


def _account(event: Event) -> str:
    return event.actor_id
