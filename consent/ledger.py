"""How decisions become a state: in, changes in any order; out, which of them are news and what now stands. No database.

Of the latest grant and the latest revocation the later one stands, and at the same moment the revocation. So the
state depends on the set of events alone, not on the order in which they were heard of: an old grant that is
imported today cannot undo last week's unsubscribe.
"""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from consent.models import Category, CustomerConsent, Source
from consent.policy import OPTIONAL

# Who says no once more after this long has said it again; before, it is a mail program that repeats its post.
AGAIN_AFTER = dt.timedelta(days=1)

Key = tuple[str, str, str]  # customer, channel, category
Fact = tuple[Key, bool, dt.datetime]

CHANNELS: tuple[str, ...] = ("email", "sms", "push")


class ConsentError(ValueError):
    """A change that makes no sense. `code` is stable; the message says what would."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Change:
    """What a person decided, when and where, and the proof of it.

    `wording` is the exact text they read, `locale` its language (empty: the one that is active when it is recorded).
    `action` is what it is called in the ledger, if not simply granted or revoked. `id` becomes the event's.
    """

    customer_id: str
    channel: str
    category: str
    enabled: bool
    source: str
    actor: str
    at: dt.datetime
    wording: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    locale: str = ""
    action: str = ""
    id: uuid.UUID = field(default_factory=uuid.uuid4, compare=False)

    @property
    def key(self) -> Key:
        return (self.customer_id, self.channel, self.category)

    @property
    def fact(self) -> Fact:
        return (self.key, self.enabled, self.at)

    def check(self) -> None:
        """Raises ConsentError where the change can't be recorded."""
        if self.channel not in CHANNELS:
            raise ConsentError(
                "consent.no_channel", f"Consent is kept for {CHANNELS}, not for {self.channel!r}."
            )
        if self.category not in Category.values:
            raise ConsentError("consent.no_category", f"{self.category!r} is none of {Category.values}.")
        if self.source not in Source.values:
            raise ConsentError("consent.no_source", f"{self.source!r} is none of {Source.values}.")
        if not self.enabled and self.category not in OPTIONAL:
            raise ConsentError(
                "consent.mandatory",
                f"{self.category.capitalize()} messages can't be switched off; {sorted(OPTIONAL)} can.",
            )
        if not self.customer_id or not self.actor:
            raise ConsentError("consent.nobody", "A change of consent names the customer and the actor.")
        if self.at.tzinfo is None:
            raise ConsentError("consent.naive_time", "`at` needs a time zone.")


@dataclass(frozen=True, slots=True)
class State:
    """What stands for one customer, channel and category."""

    granted_at: dt.datetime | None = None
    revoked_at: dt.datetime | None = None
    source: str = ""
    event_id: uuid.UUID | None = field(default=None, compare=False)  # the event that decides

    @property
    def enabled(self) -> bool:
        return self.granted_at is not None and (self.revoked_at is None or self.granted_at > self.revoked_at)

    @property
    def decided_at(self) -> dt.datetime | None:
        return self.granted_at if self.enabled else self.revoked_at

    def outlasts(self, change: Change) -> bool:
        """Does the state stand as it is, because the change is older than the last decision?"""
        return self.decided_at is not None and (
            change.at < self.decided_at or (change.at == self.decided_at and not self.enabled)
        )

    def after(self, change: Change) -> "State":
        dates = [date for date in (self.granted_at if change.enabled else self.revoked_at, change.at) if date]
        after = (
            replace(self, granted_at=max(dates)) if change.enabled else replace(self, revoked_at=max(dates))
        )
        return after if self.outlasts(change) else replace(after, source=change.source, event_id=change.id)


def state_of(row: CustomerConsent) -> State:
    return State(row.granted_at, row.revoked_at, row.source, row.event_id)


def fold(
    states: Mapping[Key, State],
    changes: Iterable[Change],
    *,
    known: Iterable[Fact] = (),
    asked: Mapping[Key, dt.datetime] | None = None,
) -> tuple[dict[Key, State], list[Change]]:
    """The states after the changes, and the changes that are news, oldest first.

    A change is no news when it repeats what stood at its moment (a one-click POST that is sent twice). For one that is older
    than what stands now, that takes what the ledger has of its key (`known`). A no that is said again is news where it
    matters later: after we `asked` (the latest question without an answer, by key), or when the customer says it on another day.
    """
    after, news = dict(states), list[Change]()
    heard: defaultdict[Key, list[tuple[dt.datetime, bool]]] = defaultdict(list)
    for key, enabled, at in known:
        heard[key].append((at, enabled))
    for change in sorted(changes, key=lambda change: change.at):
        state = after.get(change.key, State())
        if state.outlasts(change):
            repeated = _stood(heard[change.key], change)
        else:
            repeated = state.decided_at is not None and state.enabled == change.enabled
            repeated = repeated and not _says_no_again(state, change, (asked or {}).get(change.key))
        if repeated:
            continue
        heard[change.key].append((change.at, change.enabled))
        news.append(change)
        after[change.key] = state.after(change)
    return after, news


def _stood(heard: Iterable[tuple[dt.datetime, bool]], change: Change) -> bool:
    """Had the ledger this very decision, or the same one before it and none in between?"""
    before = [(at, not enabled) for at, enabled in heard if at <= change.at]
    return (change.at, not change.enabled) in before or (
        bool(before) and max(before)[1] is not change.enabled
    )


def _says_no_again(state: State, change: Change, asked_at: dt.datetime | None) -> bool:
    if change.enabled or state.revoked_at is None:
        return False
    is_after_asking = asked_at is not None and state.revoked_at < asked_at <= change.at
    return is_after_asking or (change.actor == "customer" and change.at - state.revoked_at >= AGAIN_AFTER)
