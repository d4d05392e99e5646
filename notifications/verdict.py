"""What becomes of a row: in, an outcome (or a gate's refusal); out, the next state. Pure: clock and chance are passed in."""

import datetime as dt
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from consent.policy import Decision
from notifications.backoff import delay
from notifications.candidate import Held
from notifications.conf import RetryPolicy
from notifications.decision import Decided, entry
from notifications.errors import Misconfigured, Outcome, Permanent, Sent, Transient, Unknown
from notifications.message import Claimed


@dataclass(frozen=True, slots=True)
class Verdict:
    """The columns that change. `scheduled_at` None leaves it; `refund` gives the attempt back: nothing was sent."""

    status: str
    scheduled_at: dt.datetime | None = None
    error: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    refund: bool = False


def after_delivery(
    claimed: Claimed,
    outcome: Outcome,
    *,
    policy: RetryPolicy,
    resends_unknown: bool,
    now: dt.datetime,
    rng: random.Random,
    decided: Decided | None = None,
) -> Verdict:
    """The state after one call to a provider. `decided` is what let it go out, kept with `sent`."""
    text = f"{outcome.code}: {outcome.error}".rstrip(": ") if not isinstance(outcome, Sent) else None
    kept = {"push_accepted": _accepted(claimed, outcome)} if claimed.channel == "push" else {}
    match outcome:
        case Sent(reference=reference):
            sent = {"sent_at": now.isoformat(), "provider_reference": reference}
            why = (
                {"sent_decision": entry(decided.decision, stage="delivery", now=decided.at)}
                if decided
                else {}
            )
            return Verdict("sent", metadata={**kept, **sent, **why})
        case Transient():
            return _again(claimed, text, outcome.retry_after, policy, now, rng, kept)
        case Misconfigured():
            return Verdict("queued", error=text, metadata=kept, refund=True)
        case Unknown() if resends_unknown:
            return _again(claimed, text, None, policy, now, rng, kept)
        case Unknown():
            return Verdict(
                "failed", error=f"outcome_unknown: {text}", metadata={**kept, "outcome_unknown": True}
            )
        case Permanent():
            return Verdict("failed", error=text, metadata=kept)


def withheld(decision: Decision, *, now: dt.datetime) -> Verdict:
    """A gate refused at the last moment. No attempt was made."""
    kept = entry(decision, stage="delivery", now=now)
    return Verdict("cancelled", metadata={"withheld": kept}, refund=True)


def held(decision: Held, *, now: dt.datetime) -> Verdict:
    """A gate says: not before then. It waits in the queue, and no attempt was made."""
    kept = held_entry(decision, stage="delivery", now=now)
    return Verdict("queued", scheduled_at=decision.until, metadata={"held": kept}, refund=True)


def held_entry(decision: Held, *, stage: str, now: dt.datetime) -> dict[str, str]:
    """What a row keeps of a hold."""
    return {**entry(decision, stage=stage, now=now), "until": decision.until.isoformat()}


def unrenderable(error: str) -> Verdict:
    """Its text cannot be made. A person must mend the template or the payload; trying again would change nothing."""
    return Verdict("failed", error=f"render: {error}", refund=True)


def put_back() -> Verdict:
    """Claimed, but the worker has no time left for it."""
    return Verdict("queued", refund=True)


def _again(
    claimed: Claimed,
    text: str | None,
    retry_after: dt.timedelta | None,
    policy: RetryPolicy,
    now: dt.datetime,
    rng: random.Random,
    kept: Mapping[str, Any],
) -> Verdict:
    if claimed.attempts >= policy.limit:
        return Verdict("failed", error=text, metadata=kept)
    wait = delay(attempt=claimed.attempts, base=policy.base, cap=policy.cap, retry_after=retry_after, rng=rng)
    due = now + wait
    if claimed.expires_at is not None and due >= claimed.expires_at:
        reason = f"The next try would come after it expires. The last one failed: {text}"
        end = entry(Decision(False, "expired", reason), stage="delivery", now=now)
        return Verdict("cancelled", error=text, metadata={**kept, "withheld": end})
    return Verdict("queued", scheduled_at=due, error=text, metadata=kept)


def _accepted(claimed: Claimed, outcome: Outcome) -> list[str]:
    before = claimed.metadata.get("push_accepted", [])
    return sorted({*before, *outcome.detail.get("accepted", [])})
