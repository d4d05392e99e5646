"""The gates in their order, and what each said: in, a row and the answers that it keeps; out, a rung a gate, for both times.

A row keeps the answer that decided, not each gate's own (`decision.py`). The gates before it let the message pass, those
after it were not reached. Whether a gate has anything to ask follows from the settings as they are now.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from consent.models import Channel
from notifications.category_stop import STOPPABLE
from notifications.conf import conf
from notifications.models import DeliveryAttempt, Notification
from notifications.relevance import callback_path
from notifications.why import GateAnswer


class Gate(StrEnum):
    """In the order of `gate.check`."""

    EXPIRED = "expired"
    REACHABLE = "reachable"
    SUPPRESSED = "suppressed"
    CONSENT = "consent"
    RELEVANT = "relevant"
    STOPPED = "stopped"
    FREQUENCY = "frequency"
    HOURS = "hours"


class Said(StrEnum):
    PASSED = "passed"
    HELD = "held"
    WITHHELD = "withheld"
    NOT_ASKED = "not_asked"  # it has nothing to ask of such a message
    NOT_REACHED = "not_reached"  # another one decided before it, or the message never came so far
    NOT_YET = "not_yet"
    NOT_KEPT = "not_kept"  # from before answers were kept


@dataclass(frozen=True, slots=True)
class Step:
    """One gate, asked once. `answer` is what the row keeps of it, where it decided or let the consent pass."""

    said: Said
    answer: GateAnswer | None = None


@dataclass(frozen=True, slots=True)
class Rung:
    gate: Gate
    enqueue: Step
    delivery: Step


_RULES: Mapping[str, Gate] = {
    "expired": Gate.EXPIRED,
    "erased": Gate.REACHABLE,
    "recipient": Gate.REACHABLE,
    "suppressed": Gate.SUPPRESSED,
    "consent": Gate.CONSENT,
    "relevance": Gate.RELEVANT,
    "category_stopped": Gate.STOPPED,
    "frequency_cap": Gate.FREQUENCY,
    "quiet_hours": Gate.HOURS,
}
# A hold for longer than a message lives is an expiry, by the gate that would have held it (`candidate.hold`).
_LATE: Mapping[str, Gate] = {
    "It was never confirmed.": Gate.RELEVANT,
    "Its category was stopped.": Gate.STOPPED,
    "It waited for another one.": Gate.FREQUENCY,
    "Quiet hours came first.": Gate.HOURS,
}


def ladder(
    row: Notification, answers: Sequence[GateAnswer], attempts: Sequence[DeliveryAttempt]
) -> list[Rung]:
    """A rung a gate. No query."""
    enqueue, delivery = _asked(answers, "enqueue"), _asked(answers, "delivery")
    tried = max((attempt.started_at for attempt in attempts), default=None)
    at_enqueue = Said.NOT_ASKED if row.parent_id else Said.NOT_KEPT
    at_delivery = _unanswered(row, is_withheld=enqueue is not None and enqueue.answer == "withheld")
    if tried and (delivery is None or (delivery.answer == "held" and delivery.at <= tried)):
        delivery, at_delivery = None, Said.PASSED
    steps = (
        _steps(row, enqueue, _consent(answers, "enqueue"), at_enqueue),
        _steps(row, delivery, _consent(answers, "delivery"), at_delivery),
    )
    return [Rung(gate, *pair) for gate, *pair in zip(Gate, *steps, strict=True)]


def gate_of(answer: GateAnswer) -> Gate | None:
    """The gate that gave it; None for a rule that is no gate's."""
    for beginning, gate in _LATE.items():
        if answer.rule == "expired" and answer.reason.startswith(beginning):
            return gate
    return _RULES.get(answer.rule.partition(".")[0])


def _asked(answers: Sequence[GateAnswer], stage: str) -> GateAnswer | None:
    """The last answer of that time; a hold is kept beside what allowed it so far, with the same moment."""
    at_stage = [answer for answer in answers if answer.stage == stage]
    return max(at_stage, key=_weight, default=None)


def _weight(answer: GateAnswer) -> tuple[dt.datetime, bool]:
    return answer.at, answer.answer != "allowed"


def _consent(answers: Sequence[GateAnswer], stage: str) -> GateAnswer | None:
    allowed = [answer for answer in answers if answer.stage == stage and answer.answer == "allowed"]
    return max(allowed, key=_weight, default=None)


def _unanswered(row: Notification, *, is_withheld: bool) -> Said:
    if row.status in ("queued", "processing"):
        return Said.NOT_YET
    is_over = is_withheld or row.status == "cancelled" or (row.error or "").startswith("render:")
    return Said.NOT_REACHED if is_over else Said.NOT_KEPT


def _steps(
    row: Notification, decided: GateAnswer | None, allowed: GateAnswer | None, otherwise: Said
) -> Iterator[Step]:
    by = gate_of(decided) if decided else None
    is_over = False
    for gate in Gate:
        if decided and decided.answer != "allowed" and gate == by:
            is_over = True
            yield Step(Said(decided.answer), decided)
        elif is_over:
            yield Step(Said.NOT_REACHED)
        elif not _ASKS[gate](row):
            yield Step(Said.NOT_ASKED)
        elif decided:
            yield Step(Said.PASSED, allowed if gate == Gate.CONSENT else None)
        else:
            yield Step(otherwise)


def _is_asked_whether_relevant(row: Notification) -> bool:
    name = row.template.name if row.template else ""
    return callback_path(name, conf().relevance) is not None


# The history keeps no expiry.
_ASKS: Mapping[Gate, Callable[[Notification], bool]] = {
    Gate.EXPIRED: lambda row: row.expires_at is not None or row.kept is not None,
    Gate.REACHABLE: lambda _row: True,
    Gate.SUPPRESSED: lambda row: row.channel in (Channel.EMAIL, Channel.SMS),
    Gate.CONSENT: lambda _row: True,
    Gate.RELEVANT: _is_asked_whether_relevant,
    Gate.STOPPED: lambda row: row.category in STOPPABLE,
    Gate.FREQUENCY: lambda row: bool(conf().caps.get(row.category)) and row.channel != Channel.INAPP,
    Gate.HOURS: lambda row: row.channel in conf().quiet_hours.get(row.category, {}),
}
