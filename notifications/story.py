"""Why was this sent, or not? In: a notification; out, its story as a list of events, oldest first, in plain words.

The admin's detail page, `explain_notification` and the API all tell the same story.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils import timezone

from notifications.channel_state import state_of
from notifications.channels.meanings import meaning
from notifications.feedback import RANK
from notifications.masking import masked_recipient
from notifications.models import DeliveryAttempt, Notification, ProviderEvent
from notifications.reported import report_text
from notifications.why import GateAnswer, why


@dataclass(frozen=True, slots=True)
class StoryEvent:
    """One thing that happened. `kind` is stable: asked, allowed, held, withheld, attempt, sent, failed, provider, operator, next."""

    at: dt.datetime
    kind: str
    text: str


def story(notification: Notification, answers: Sequence[GateAnswer] | None = None) -> list[StoryEvent]:
    """Everything on record about one message. Three queries, one more for what is due and not sent, and those of `why`,
    whose answers may be handed in."""
    events = [
        *_asked(notification),
        *_gates(why(notification) if answers is None else answers),
        *(_attempt(attempt) for attempt in notification.tries()),
        *_history(notification),
        *_reports(notification),
    ]
    # The request comes first, whichever clock was ahead; a job's moment may even be simulated.
    first = [event for event in events if event.kind == "asked"]
    rest = sorted((event for event in events if event.kind != "asked"), key=_moment)
    return [*first, *rest, _now(notification)]


def _moment(event: StoryEvent) -> dt.datetime:
    """A provider's clock has no fractions: its 12:00:07 may be any moment of that second, and comes after ours."""
    is_whole = event.kind == "provider" and not event.at.microsecond
    return event.at + dt.timedelta(seconds=1) if is_whole else event.at


def _asked(row: Notification) -> Iterator[StoryEvent]:
    origin = row.metadata.get("origin", {})
    who = ", ".join(f"{name} {value}" for name, value in origin.items()) or "a call of notify()"
    template = f"template {row.template.name}" if row.template else "an inline text"
    text = f"Asked for by {who}: {template}, {row.channel} to {masked_recipient(row.to)}, category {row.category}."
    yield StoryEvent(row.created_at, "asked", text)
    if row.parent_id:
        yield StoryEvent(row.created_at, "asked", f"It sends {row.parent_id} again.")


def _gates(answers: Sequence[GateAnswer]) -> Iterator[StoryEvent]:
    stages = {
        "enqueue": "when it was queued",
        "delivery": "just before sending",
        "erasure": "when they were forgotten",
    }
    for answer in answers:
        if answer.stage == "operator":  # told by the history
            continue
        stage = stages.get(answer.stage, answer.stage)
        text = f"{answer.answer.capitalize()} {stage}: {answer.reason} (rule {answer.rule})"
        yield StoryEvent(answer.at, answer.answer, f"{text}{_ground(answer)}")


def _ground(answer: GateAnswer) -> str:
    """What it rests on, for who wants to look it up."""
    if said := answer.consent:
        text = f" By consent event {said.event_id}: {said.action} on {_clock(said.occurred_at)} by {said.source}."
        return f"{text} Wording {said.wording_sha256[:12]} was shown." if said.wording_sha256 else text
    if dead := answer.suppression:
        report = f", asked for by report {dead.source_event}" if dead.source_event else ""
        return f" By suppression {dead.suppression_id} of {_clock(dead.created_at)}{report}."
    return ""


def _attempt(attempt: DeliveryAttempt) -> StoryEvent:
    ms = (attempt.finished_at - attempt.started_at).total_seconds() * 1000
    answer = f"{attempt.provider_code} {attempt.error}".strip() or attempt.provider_reference or "accepted"
    text = f"Attempt {attempt.number} through {attempt.provider}, {ms:.0f} ms: {attempt.outcome} ({answer})."
    means = meaning(provider=attempt.provider, code=attempt.provider_code)
    return StoryEvent(attempt.started_at, "attempt", text if means in attempt.error else f"{text} {means}")


def _history(row: Notification) -> Iterator[StoryEvent]:
    for entry in row.metadata.get("history", []):
        text = f"{entry['what'].replace('_', ' ').capitalize()} by {entry['by']}: {entry['reason']}"
        yield StoryEvent(dt.datetime.fromisoformat(entry["at"]), "operator", text)


def _reports(row: Notification) -> Iterator[StoryEvent]:
    """Of one second the lowest fact first, in whichever order they came."""
    events = ProviderEvent.objects.filter(notification_id=row.pk)
    for event in sorted(events, key=lambda event: RANK.get(event.event_type, 0)):
        yield StoryEvent(event.occurred_at, "provider", report_text(event))


def _now(row: Notification) -> StoryEvent:
    match row.status:
        case "queued":
            text = f"Waits for {_clock(row.scheduled_at)}" + (f" after: {row.error}" if row.error else "")
            if row.scheduled_at <= timezone.now():
                text = f"{text}. {_what_it_waits_for(row.channel)}"
        case "processing":
            text = "A worker has it right now."
        case "sent":
            at = dt.datetime.fromisoformat(row.metadata["sent_at"])
            text = f"Sent: the provider accepted it at {_clock(at)}{_so_far(row)}."
        case "failed" if row.metadata.get("outcome_unknown"):
            text = f"Nobody knows whether it arrived: {row.error}. A report of the provider settles it, or a person."
        case "failed":
            text = f"Failed for good: {row.error}." + ("" if row.kept else " It waits for a person (replay).")
        case _:
            text = f"Not sent: {row.metadata['withheld']['reason']}"
    if row.kept:
        text = (
            f"{text} In the history since {_clock(row.kept.moved_at)}: its recipient and its text are gone."
        )
    return StoryEvent(timezone.now(), "now", text)


def _so_far(row: Notification) -> str:
    """What the provider knows of it by now."""
    return f", and reports it {row.feedback} at {_clock(row.feedback_at)}" if row.feedback_at else ""


def _what_it_waits_for(channel: str) -> str:
    """It is due, so something keeps the whole channel, or it is a matter of its turn."""
    stops = state_of(channel).stops
    if not stops:
        return "It is due: a worker takes it in its turn."
    until = f"until {_clock(stops[0].until)}" if stops[0].until else "until somebody resumes it"
    return f"It is due, but the channel is stopped by {stops[0].by} {until}: {stops[0].reason}"


def _clock(at: dt.datetime) -> str:
    """As the reader's clock shows it, with the offset that makes it exact."""
    return timezone.localtime(at).isoformat(sep=" ", timespec="seconds")
