"""What a row keeps of a gate's answer: in, a Decision; out, the entry in its metadata, with the ids of what it rests on.

`why.py` reads it back. Pure.
"""

import datetime as dt
from dataclasses import dataclass

from consent.policy import Decision


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision, and when the gate made it."""

    decision: Decision
    at: dt.datetime


def entry(decision: Decision, *, stage: str, now: dt.datetime) -> dict[str, str]:
    """JSON: rule, reason and moment, and the consent event or the suppression where there is one."""
    kept = {
        "stage": stage,
        "rule": decision.rule,
        "reason": decision.reason,
        "at": now.astimezone(dt.UTC).isoformat(),
    }
    if decision.consent_event_id is not None:
        kept["consent_event"] = str(decision.consent_event_id)
    if decision.suppression_id is not None:
        kept["suppression"] = str(decision.suppression_id)
    return kept
