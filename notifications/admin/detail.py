"""All that is known about one message, without a word of its text: in, a row; out, what its page shows."""

import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.utils.html import format_html
from django.utils.safestring import SafeString

from consent.staff_names import People
from notifications.admin.acts import ACTS, Act
from notifications.admin.asker import Named, askers
from notifications.admin.attempt_rows import AttemptRow, attempt_rows
from notifications.admin.cells import feedback_badge, status_badge
from notifications.admin.facts import Fact, Version, facts, gone, version_of
from notifications.admin.gate_rows import GateRow, gate_rows
from notifications.admin.relatives import Relatives, relatives
from notifications.admin.story_lines import StoryLine, StoryLines
from notifications.channel_state import state_of
from notifications.channels.meanings import meaning
from notifications.gate_ladder import ladder
from notifications.headline import Headline, headline
from notifications.history import find
from notifications.models import DeliveryAttempt, Notification, ProviderEvent
from notifications.next_step import next_steps
from notifications.story import story
from notifications.why import why

# Of each, the newest are shown at once, and with «show all» as many as a browser bears.
FEW, MANY = 20, 1000
# Acts beside each other; further ones are in a menu.
BESIDE = 2
# How soon a page looks again: while something happens, and while a message only waits for its hour.
SOON, LATER = "5s", "30s"
# How long after it was sent a report is worth waiting for, and how near its hour a message must be to be looked at often.
AWAITED, NEAR = dt.timedelta(minutes=15), dt.timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class MessagePage:
    """The detail page, top to bottom. `beat` is how often it is to be loaded again, empty once nothing moves any more."""

    headline: Headline
    status: SafeString
    askers: Sequence[Named]
    lines: Sequence[StoryLine]
    gates: Sequence[GateRow]
    attempts: Sequence[AttemptRow]
    facts: Sequence[Fact]
    version: Version | None
    relatives: Relatives
    gone: Sequence[str]
    acts: Sequence[Act]
    more_acts: Sequence[Act]
    hidden: int
    every: bool
    beat: str
    may_read: bool
    may_reveal: bool


def load(pk: uuid.UUID) -> Notification | None:
    """The row with what its page needs, from the queue or the history."""
    return find(pk)


def message_page(
    row: Notification, user: AbstractBaseUser | AnonymousUser, *, now: dt.datetime, every: bool = False
) -> MessagePage:
    """`every`: all attempts, reports and children, not only the newest of each."""
    has: Callable[[str], bool] = getattr(user, "has_perm", lambda _perm: False)
    answers = why(row)
    tries, reports = list(row.tries()), _reports(row, MANY if every else FEW + 1)
    limit = MANY if every else FEW
    shown = tries[-limit:]
    events = story(row, answers, attempts=shown, reports=reports[:limit])
    stops = state_of(row.channel).stops if row.status == "queued" and row.scheduled_at <= now else ()
    told = headline(row, answers, stops=stops, means=_means(tries), now=now)
    people = People([*(event.text for event in events), told.text, *_staff(row)])
    steps = next_steps(row, tries)[-limit:]
    lines = StoryLines(
        user=user,
        people=people,
        steps={attempt.started_at: step for attempt, step in zip(shown, steps, strict=True)},
        now=now,
    )
    acts = [act for act in ACTS.values() if act.fits(row) and act.allowed(user)]
    beside = acts if len(acts) <= BESIDE + 1 else acts[:BESIDE]
    return MessagePage(
        headline=replace(told, text=people.named(told.text)),
        status=format_html("{} {}", status_badge(row), feedback_badge(row.feedback)),
        askers=askers(row, user, people),
        lines=[lines.of(event) for event in events],
        gates=gate_rows(ladder(row, answers, tries), lines),
        attempts=attempt_rows(shown, steps),
        facts=facts(row),
        version=version_of(row, user),
        relatives=relatives(row, every=every),
        gone=gone(row),
        acts=beside,
        more_acts=acts[len(beside) :],
        hidden=len(tries) - len(shown) + max(len(reports) - limit, 0),
        every=every,
        beat=_beat(row, now),
        may_read=not row.kept and has("notifications.view_notification_body"),
        may_reveal=not row.kept and has("notifications.reveal_notification"),
    )


def _reports(row: Notification, limit: int) -> list[ProviderEvent]:
    """The newest, by the index of a message's own."""
    return list(ProviderEvent.objects.filter(notification_id=row.pk).order_by("-occurred_at", "-id")[:limit])


def _means(tries: Sequence[DeliveryAttempt]) -> str:
    """What the provider's last code says."""
    return meaning(provider=tries[-1].provider, code=tries[-1].provider_code) if tries else ""


def _staff(row: Notification) -> list[str]:
    """A person among who asked, as their acts are signed."""
    staff = row.metadata.get("origin", {}).get("staff")
    return [f"staff:{staff}"] if staff else []


def _beat(row: Notification, now: dt.datetime) -> str:
    match row.status:
        case "processing":
            return SOON
        case "queued":
            return SOON if row.scheduled_at <= now + NEAR else LATER
        case "sent" if row.channel in ("email", "sms") and row.feedback in (None, "processed", "deferred"):
            sent_at = dt.datetime.fromisoformat(row.metadata["sent_at"])
            return SOON if not row.kept and now - sent_at < AWAITED else ""
    return ""
