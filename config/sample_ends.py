"""How each message of the demo's past week ended: in, a message as it was asked for; out, it with its end, and its attempts."""

import datetime as dt
import random
import uuid
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from consent.models import Channel
from consent.policy import Category, Decision, decide
from notifications.decision import entry
from notifications.models import DeliveryAttempt, Feedback, Notification

Status, Outcome = Notification.Status, DeliveryAttempt.Outcome
PROVIDERS = {
    Channel.EMAIL: "sendgrid",
    Channel.SMS: "twilio",
    Channel.PUSH: "webpush",
    Channel.INAPP: "inbox",
}
# Median seconds that the provider takes.
ANSWERS = {Channel.EMAIL: 0.21, Channel.SMS: 0.38, Channel.PUSH: 0.12, Channel.INAPP: 0.008}
# The hour without the e-mail provider: days ago, local clock.
MOST_TRIES = 3
OUTAGE_DAYS_AGO, OUTAGE = 2, (dt.time(10, 40), dt.time(11, 10))
REFUSED = decide(category=Category.MARKETING, enabled=None)
OVER = Decision(False, "relevance.ended", "It no longer holds: The booking is cancelled.")
DEAD = {
    Channel.EMAIL: ("550", "The mailbox refuses mail for good."),
    Channel.SMS: ("30003", "The handset is off, out of reach, or a landline."),
    Channel.PUSH: ("410", "The browser no longer takes push messages."),
}


@dataclass
class Ends:
    """The dice, the moment, and the attempts so far."""

    now: dt.datetime
    rng: random.Random
    attempts: list[DeliveryAttempt] = field(default_factory=list)


def end(ends: Ends, row: Notification, allowed: Decision) -> Notification:
    """Withheld, or tried until the provider takes it or says never. `allowed` says why it may go."""
    chance = ends.rng.random()
    if row.category == Category.MARKETING and chance < 0.35:
        return _withheld(row, "enqueue", REFUSED, row.created_at)
    if row.category == Category.REMINDER and chance < 0.03:
        return _withheld(row, "delivery", OVER, row.created_at + dt.timedelta(seconds=1))
    return _delivered(ends, row, allowed)


def _withheld(row: Notification, stage: str, why: Decision, at: dt.datetime) -> Notification:
    if stage == "enqueue":
        row.metadata.pop("decision")
    row.status, row.metadata["withheld"] = Status.CANCELLED, entry(why, stage=stage, now=at)
    return row


def _delivered(ends: Ends, row: Notification, allowed: Decision) -> Notification:
    """Tried until the provider takes it, or says never."""
    rng, at = ends.rng, row.created_at + dt.timedelta(seconds=ends.rng.lognormvariate(-1.2, 0.7))
    while row.channel == Channel.EMAIL and _is_out(ends, at):
        _attempt(ends, row, at, 10.0, Outcome.TRANSIENT, code="503", error="SendGrid is not available.")
        if row.attempts >= MOST_TRIES:
            row.status, row.error = Status.FAILED, "503: SendGrid is not available."
            return row
        at += dt.timedelta(minutes=4 * 2**row.attempts * rng.uniform(0.5, 1))
    took = ANSWERS[Channel(row.channel)] * rng.lognormvariate(0, 0.6)
    chance = rng.random()
    if row.channel == Channel.SMS and chance < 0.008:
        _attempt(ends, row, at, 30.0, Outcome.UNKNOWN, code="timeout", error="No answer came in time.")
        row.status, row.error = Status.FAILED, "outcome_unknown: timeout: No answer came in time."
        row.metadata["outcome_unknown"] = True
    elif chance < 0.015 and row.channel in DEAD:
        code, error = DEAD[Channel(row.channel)]
        _attempt(ends, row, at, took, Outcome.PERMANENT, code=code, error=error)
        row.status, row.error = Status.FAILED, f"{code}: {error}"
    else:
        reference = uuid.UUID(int=rng.getrandbits(128)).hex[:22]
        ended = _attempt(ends, row, at, took, Outcome.SENT, reference=reference)
        row.status = Status.SENT
        row.metadata |= {
            "sent_at": ended.isoformat(),
            "provider_reference": reference,
            "sent_decision": entry(allowed, stage="delivery", now=at),
        }
        if row.channel in (Channel.EMAIL, Channel.SMS):
            row.feedback, row.feedback_at = (
                Feedback.DELIVERED,
                ended + dt.timedelta(seconds=rng.uniform(1, 5)),
            )
    return row


def _attempt(
    ends: Ends, row: Notification, at: dt.datetime, seconds: float, outcome: Any, *, code: str = "", error: str = "",
    reference: str = "",
) -> dt.datetime:  # fmt: skip
    """One more try; when it ended."""
    ended = at + dt.timedelta(seconds=seconds)
    row.attempts, row.last_attempt_at = row.attempts + 1, at
    ends.attempts.append(
        DeliveryAttempt(
            notification_id=row.pk, number=row.attempts, provider=PROVIDERS[Channel(row.channel)], outcome=outcome,
            provider_code=code, provider_reference=reference, started_at=at, finished_at=ended, error=error,
        )
    )  # fmt: skip
    return ended


def _is_out(ends: Ends, at: dt.datetime) -> bool:
    clock = timezone.get_default_timezone()
    here, today = timezone.localtime(at, clock), timezone.localtime(ends.now, clock).date()
    return (today - here.date()).days == OUTAGE_DAYS_AGO and OUTAGE[0] <= here.time() <= OUTAGE[1]
