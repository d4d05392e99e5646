"""Why was this sent, or not? In: a notification; out, its story as a list of events, oldest first, in plain words.

The admin's detail page, `explain_notification` and the API all tell the same story: the page in its reader's language, the
other two in English (`in_english`).
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone, translation
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from notifications.channels.meanings import error_text, meaning, row_of
from notifications.feedback import RANK
from notifications.models import DeliveryAttempt, Notification, ProviderEvent
from notifications.outlook import outlook
from notifications.reasons import category_word, is_foreign, reason_text
from notifications.reported import report_text
from notifications.story_words import (
    action_word,
    asked_by,
    channel_word,
    clock,
    outcome_word,
    recipient_word,
    source_word,
)
from notifications.why import GateAnswer, why

_ANSWERED = {
    ("allowed", "enqueue"): _("Allowed when it was queued: %(reason)s (rule %(rule)s)"),
    ("allowed", "delivery"): _("Allowed just before sending: %(reason)s (rule %(rule)s)"),
    ("held", "enqueue"): _("Held when it was queued: %(reason)s (rule %(rule)s)"),
    ("held", "delivery"): _("Held just before sending: %(reason)s (rule %(rule)s)"),
    ("withheld", "enqueue"): _("Withheld when it was queued: %(reason)s (rule %(rule)s)"),
    ("withheld", "delivery"): _("Withheld just before sending: %(reason)s (rule %(rule)s)"),
    ("withheld", "erasure"): _("Withheld when they were forgotten: %(reason)s (rule %(rule)s)"),
}
# The acts of people, of commands and of providers' reports, as `metadata["history"]` names them.
_ACTED = {
    "replayed": _("Replayed by %(by)s"),
    "sent_again": _("Sent again by %(by)s"),
    "cancelled": _("Cancelled by %(by)s"),
    "settled": _("Settled by %(by)s"),
    "settled_as_sent": _("Settled as sent by %(by)s"),
    "settled_as_not_sent": _("Settled as not sent by %(by)s"),
    "rescheduled": _("Rescheduled by %(by)s"),
    "prioritised": _("Prioritised by %(by)s"),
    "undone": _("Undone by %(by)s"),
}


@dataclass(frozen=True, slots=True)
class StoryEvent:
    """One thing that happened. `kind` is stable: asked, allowed, held, withheld, attempt, sent, failed, provider, operator, next.

    `about` is what it tells of, for who wants to link it: a GateAnswer, an attempt, a report, an entry of the history. `ground`
    is the end of the text, which names what a gate's answer rests on."""

    at: dt.datetime
    kind: str
    text: str
    about: Any = field(default=None, repr=False, compare=False)
    ground: str = ""

    @property
    def head(self) -> str:
        return self.text.removesuffix(self.ground)


def story(
    row: Notification,
    answers: Sequence[GateAnswer] | None = None,
    *,
    attempts: Sequence[DeliveryAttempt] | None = None,
    reports: Sequence[ProviderEvent] | None = None,
) -> list[StoryEvent]:
    """Everything on record about one message. Three queries, one more for what is due and not sent, and those of `why`;
    answers, attempts and reports may be handed in."""
    tries = row.tries() if attempts is None else attempts
    events = [
        *_asked(row),
        *_gates(why(row) if answers is None else answers),
        *(_attempt(attempt) for attempt in tries),
        *_history(row),
        *_reports(ProviderEvent.objects.filter(notification_id=row.pk) if reports is None else reports),
    ]
    # The request comes first, whichever clock was ahead; a job's moment may even be simulated.
    first = [event for event in events if event.kind == "asked"]
    rest = sorted((event for event in events if event.kind != "asked"), key=_moment)
    return [*first, *rest, StoryEvent(timezone.now(), "now", outlook(row))]


def in_english(row: Notification, answers: Sequence[GateAnswer] | None = None) -> list[StoryEvent]:
    """For programs and scripts, which read the same words whatever a browser asks for."""
    with translation.override("en"):
        return story(row, answers)


def _moment(event: StoryEvent) -> dt.datetime:
    """A provider's clock has no fractions: its 12:00:07 may be any moment of that second, and comes after ours."""
    is_whole = event.kind == "provider" and not event.at.microsecond
    return event.at + dt.timedelta(seconds=1) if is_whole else event.at


def _asked(row: Notification) -> Iterator[StoryEvent]:
    what = (
        gettext("template %(name)s") % {"name": row.template.name}
        if row.template
        else gettext("an inline text")
    )
    text = gettext("Asked for by %(who)s: %(what)s, %(channel)s to %(recipient)s, category %(category)s.") % {
        "who": asked_by(row),
        "what": what,
        "channel": channel_word(row.channel),
        "recipient": recipient_word(row.to),
        "category": category_word(row.category) if is_foreign() else row.category,
    }
    yield StoryEvent(row.created_at, "asked", text, row)
    if row.parent_id:
        again = gettext("It sends %(parent)s again.") % {"parent": row.parent_id}
        yield StoryEvent(row.created_at, "asked", again, row)


def _gates(answers: Sequence[GateAnswer]) -> Iterator[StoryEvent]:
    for answer in answers:
        form = _ANSWERED.get((answer.answer, answer.stage))
        if form is None:  # an operator's, which the history tells
            continue
        reason = reason_text(answer.rule, answer.reason)
        ground = _ground(answer)
        text = f"{gettext(form) % {'reason': reason, 'rule': answer.rule}}{ground}"
        yield StoryEvent(answer.at, answer.answer, text, answer, ground)


def _ground(answer: GateAnswer) -> str:
    """What it rests on, for who wants to look it up."""
    if said := answer.consent:
        text = gettext("By consent event %(id)s: %(action)s on %(at)s by %(source)s.") % {
            "id": said.event_id,
            "action": action_word(said.action),
            "at": clock(said.occurred_at),
            "source": source_word(said.source),
        }
        shown = gettext("Wording %(hash)s was shown.") % {"hash": said.wording_sha256[:12]}
        return f" {text} {shown}" if said.wording_sha256 else f" {text}"
    if dead := answer.suppression:
        values = {"id": dead.suppression_id, "at": clock(dead.created_at), "report": dead.source_event}
        if dead.source_event:
            return " " + gettext("By suppression %(id)s of %(at)s, asked for by report %(report)s.") % values
        return " " + gettext("By suppression %(id)s of %(at)s.") % values
    return ""


def _attempt(attempt: DeliveryAttempt) -> StoryEvent:
    ms = (attempt.finished_at - attempt.started_at).total_seconds() * 1000
    known = {"provider": attempt.provider, "code": attempt.provider_code}
    said = error_text(**known, error=attempt.error).removesuffix(".")
    answer = ": ".join(filter(None, [attempt.provider_code, said]))
    text = gettext("Attempt %(number)s through %(provider)s, %(ms)s ms: %(outcome)s (%(answer)s).") % {
        "number": attempt.number,
        "provider": attempt.provider,
        "ms": f"{ms:.0f}",
        "outcome": outcome_word(attempt.outcome),
        "answer": answer or attempt.provider_reference or gettext("accepted"),
    }
    row = row_of(**known)
    is_told = row is None or row.meaning in attempt.error
    return StoryEvent(
        attempt.started_at, "attempt", text if is_told else f"{text} {meaning(**known)}", attempt
    )


def _history(row: Notification) -> Iterator[StoryEvent]:
    for entry in row.metadata.get("history", []):
        form = _ACTED.get(entry["what"], f"{entry['what'].replace('_', ' ').capitalize()} by %(by)s")
        text = f"{gettext(form) % {'by': entry['by']}}: {reason_text(entry['what'], entry['reason'])}"
        yield StoryEvent(dt.datetime.fromisoformat(entry["at"]), "operator", text, entry)


def _reports(events: Iterable[ProviderEvent]) -> Iterator[StoryEvent]:
    """Of one second the lowest fact first, in whichever order they came."""
    for event in sorted(events, key=lambda event: RANK.get(event.event_type, 0)):
        yield StoryEvent(event.occurred_at, "provider", report_text(event), event)
