"""May this message go out now? In: candidates; out, one Decision each, by the same rules at enqueue and at delivery.

The order is fixed: expired → reachable → suppressed → consent → still relevant → category stopped → frequency cap →
quiet hours. A constant
number of queries for any number of candidates, and none for a gate that has nothing to ask.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from consent.addresses import AddressError, blind_index
from consent.gate import Subject, check_many
from consent.policy import Decision
from consent.presume import presume
from notifications.candidate import Candidate, Held
from notifications.category_stop import not_stopped
from notifications.frequency import under_cap
from notifications.recipient_hours import in_hours
from notifications.relevance import still_relevant

# What is refused or held, by id, of those that passed so far.
Gate = Callable[[Sequence[Candidate]], Mapping[uuid.UUID, Decision]]


def check(
    candidates: Sequence[Candidate], *, now: dt.datetime, delivering: bool = False, presuming: bool = False
) -> list[Decision]:
    """A Decision for each candidate, in order. `allowed` False means withhold, with `rule` and `reason` on the row,
    or, where it is a Held, put it back until then. `delivering`: the candidates are claimed rows of the queue.
    `presuming`: consent is not asked where it is usual; those decisions are Presumed, and the caller asks."""
    decisions = _consented(candidates, now, presuming=presuming)
    claimed = [candidate.id for candidate in candidates] if delivering else None
    gates: tuple[Gate, ...] = (
        partial(still_relevant, now=now),
        partial(not_stopped, now=now),
        partial(under_cap, now=now, claimed=claimed),
        partial(in_hours, now=now),
    )
    for gate in gates:
        left = [c for c, decision in zip(candidates, decisions, strict=True) if decision.allowed]
        answers = gate(left) if left else {}
        if answers:
            decisions = [
                _then(decision, answers.get(c.id)) for c, decision in zip(candidates, decisions, strict=True)
            ]
    return decisions


def _then(before: Decision, answer: Decision | None) -> Decision:
    """A later gate's answer; a hold keeps what allowed it so far, the proof of consent."""
    if answer is None:
        return before
    return replace(answer, passed=before) if isinstance(answer, Held) else answer


def _consented(candidates: Sequence[Candidate], now: dt.datetime, *, presuming: bool) -> list[Decision]:
    early = [_before_consent(candidate, now) for candidate in candidates]
    if presuming:
        early = [(presume(one) or one) if isinstance(one, Subject) else one for one in early]
    asked = [subject for subject in early if isinstance(subject, Subject)]
    answers = iter(check_many(asked, now=now))
    return [next(answers) if isinstance(one, Subject) else one for one in early]


def _before_consent(candidate: Candidate, now: dt.datetime) -> Decision | Subject:
    """What is refused without a look at consent; or the question to ask."""
    if candidate.expires_at is not None and candidate.expires_at <= now:
        return Decision(
            False, "expired", f"It was no longer useful after {candidate.expires_at:%Y-%m-%d %H:%M %Z}."
        )
    if "erased" in candidate.metadata:
        return Decision(False, "erased", "The recipient asked to be forgotten.")
    if candidate.reach is None:
        return Decision(False, "recipient.unknown", "Nobody has this id any more.")
    if not candidate.reach.reachable(candidate.channel):
        return Decision(False, f"recipient.no_{candidate.channel}", _NO_ADDRESS[candidate.channel])
    index = None
    if candidate.channel in ("email", "sms"):
        try:
            index = blind_index(candidate.channel, candidate.reach.addresses[candidate.channel])
        except AddressError as error:
            return Decision(False, f"recipient.bad_{candidate.channel}", str(error))
    return Subject(candidate.reach.customer_id, candidate.channel, candidate.category, index)


_NO_ADDRESS = {
    "email": "The recipient has no e-mail address.",
    "sms": "The recipient has no phone number.",
    "push": "The recipient has no browser that takes push messages.",
}
