"""How far a message got, by its provider's word: in, reports in any order; out, the one fact that stands. Pure.

The facts are a chain, and a message only ever climbs it: whichever order reports come in, the highest stands, with the
first moment at which it was reported. What a person did (opened, clicked, left) says that it was delivered; a bounce after
a delivery says that it was given back; a complaint outranks all, since it stays true whatever comes later.
"""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# Lowest first. docs/feedback.md says of each where it comes from.
CHAIN: tuple[str, ...] = (
    "processed", "deferred", "delivered", "opened", "clicked", "unsubscribed", "dropped", "bounced", "complained",
)  # fmt: skip
RANK: Mapping[str, int] = {word: rank for rank, word in enumerate(CHAIN)}
# Facts that an operator looks for; few messages have one.
TROUBLE = frozenset({"unsubscribed", "dropped", "bounced", "complained"})
# Told by the reader's own doing. Off by default: nobody who gets a reminder has agreed to be watched.
ENGAGEMENT = frozenset({"opened", "clicked"})


@dataclass(frozen=True, slots=True)
class Fact:
    """One report on one message."""

    notification_id: uuid.UUID
    word: str
    at: dt.datetime
    reference: str = ""


def outranks(one: Fact, other: Fact) -> bool:
    """Does it stand against the other? Of the same fact, the earlier report does."""
    return (RANK[one.word], other.at) > (RANK[other.word], one.at)


def highest(facts: Iterable[Fact]) -> dict[uuid.UUID, Fact]:
    """The fact that stands, by message."""
    found: dict[uuid.UUID, Fact] = {}
    for fact in facts:
        known = found.get(fact.notification_id)
        if known is None or outranks(fact, known):
            found[fact.notification_id] = fact
    return found
