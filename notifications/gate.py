"""May this message go out now? In: candidates; out, one Verdict each, by the same rules at enqueue and at delivery.

The order is fixed: expired → reachable → suppressed → consent. Two queries for any number of candidates.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from consent.addresses import AddressError, blind_index
from consent.gate import Subject, check_many
from consent.policy import Decision
from notifications.reach import Reach


@dataclass(frozen=True, slots=True)
class Candidate:
    """One message as the gate sees it. `reach` None: nobody has that id."""

    channel: str
    category: str
    reach: Reach | None
    expires_at: dt.datetime | None


def check(candidates: Sequence[Candidate], *, now: dt.datetime) -> list[Decision]:
    """A Decision for each candidate, in order. `allowed` False means withhold, with `rule` and `reason` on the row."""
    early = [_before_consent(candidate, now) for candidate in candidates]
    asked = [i for i, decision in enumerate(early) if decision is None]
    answers = iter(check_many([_subject(candidates[i]) for i in asked], now=now))
    return [decision if decision is not None else next(answers) for decision in early]


def _before_consent(candidate: Candidate, now: dt.datetime) -> Decision | None:
    if candidate.expires_at is not None and candidate.expires_at <= now:
        return Decision(
            False, "expired", f"It was no longer useful after {candidate.expires_at:%Y-%m-%d %H:%M %Z}."
        )
    if candidate.reach is None:
        return Decision(False, "recipient.unknown", "Nobody has this id any more.")
    if not candidate.reach.reachable(candidate.channel):
        return Decision(False, f"recipient.no_{candidate.channel}", _NO_ADDRESS[candidate.channel])
    if candidate.channel in ("email", "sms"):
        try:
            blind_index(candidate.channel, candidate.reach.addresses[candidate.channel])
        except AddressError as error:
            return Decision(False, f"recipient.bad_{candidate.channel}", str(error))
    return None


def _subject(candidate: Candidate) -> Subject:
    reach = candidate.reach
    assert reach is not None
    address = reach.addresses.get(candidate.channel, "")
    return Subject(
        customer_id=reach.customer_id,
        channel=candidate.channel,
        category=candidate.category,
        address_hmac=blind_index(candidate.channel, address)
        if candidate.channel in ("email", "sms")
        else None,
    )


_NO_ADDRESS = {
    "email": "The recipient has no e-mail address.",
    "sms": "The recipient has no phone number.",
    "push": "The recipient has no browser that takes push messages.",
}
