"""The channels as cards: in, the state of each; out, what a card says about it, and the changes that led there."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from django import forms
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from consent.models import Channel
from notifications.admin.reason import PauseForm, ResumeForm
from notifications.breaker import State
from notifications.channel_state import Kind, Standing, Stop, states
from notifications.conf import conf
from notifications.models import CategoryStop, ChannelEvent, Notification
from notifications.stats import queue_stats

SHOWN = 20
USUAL_PAUSE = dt.timedelta(hours=1)
# Of a stop: its badge, the badge's tone, and how its end is called.
BADGES: Mapping[Kind, tuple[str | Promise, str]] = {
    Kind.PAUSED: (_("Paused"), "bad"),
    Kind.REFUSED: (_("Refused by the provider"), "bad"),
    Kind.LIMITED: (_("Rate limited by the provider"), "warn"),
    Kind.BREAKER: (_("Breaker open"), "bad"),
    Kind.TRIAL: (_("Trying again"), "warn"),
}
BREAKERS: Mapping[State, str | Promise] = {
    State.CLOSED: _("Closed"),
    State.OPEN: _("Open: nothing is sent until its wait is over"),
    State.HALF_OPEN: _("Half-open: the next message is a trial"),
    State.PROBING: _("Half-open: one message is on trial"),
}


@dataclass(frozen=True, slots=True)
class StopLine:
    """One stop in words."""

    stop: Stop
    name: str | Promise
    tone: str


@dataclass(frozen=True, slots=True)
class Change:
    """What was done to a channel, or to marketing on it."""

    at: dt.datetime
    channel: str
    what: str
    by: str
    until: dt.datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class Card:
    """One channel. The forms are None where they would do nothing."""

    name: str
    label: str
    stops: tuple[StopLine, ...]
    breaker: str
    rate: str
    waiting: str
    oldest_at: dt.datetime | None
    pause_form: forms.Form | None
    resume_form: forms.Form | None


def cards(posted: Mapping[str, forms.Form] | None = None) -> list[Card]:
    """All four, in three queries. `posted` holds a channel's form that came back with errors."""
    now = timezone.now()
    stats = queue_stats(now=now)
    queued = {depth.channel: depth for depth in stats.depths if depth.status == Notification.Status.QUEUED}
    found = []
    for standing in states():
        depth, oldest = queued[standing.channel], stats.oldest_due_seconds[standing.channel]
        form = (posted or {}).get(standing.channel)
        found.append(
            Card(
                standing.channel,
                str(Channel(standing.channel).label),
                tuple(StopLine(stop, *BADGES[stop.kind]) for stop in standing.stops),
                _breaker(standing),
                standing.rate,
                f"{depth.count}{'+' if depth.capped else ''}",
                now - dt.timedelta(seconds=oldest) if oldest else None,
                _pause_form(standing, form, now),
                _resume_form(standing, form),
            )
        )
    return found


def history() -> list[Change]:
    """The last changes of all channels, the newest first. In two queries."""
    changes = [
        Change(row.at, row.get_channel_display(), row.get_what_display(), row.by, row.until, row.reason)
        for row in ChannelEvent.objects.all()[:SHOWN]
    ]
    for row in CategoryStop.objects.all()[:SHOWN]:
        name = row.get_channel_display()
        changes.append(
            Change(row.stopped_at, name, gettext("Marketing stopped"), row.stopped_by, None, row.reason)
        )
        if row.lifted_at:
            changes.append(
                Change(
                    row.lifted_at, name, gettext("Marketing resumed"), row.lifted_by, None, row.lift_reason
                )
            )
    return sorted(changes, key=lambda change: change.at, reverse=True)[:SHOWN]


def _breaker(standing: Standing) -> str:
    state = str(BREAKERS[standing.breaker])
    if not standing.faults:
        return state
    faults = ngettext("%(faults)d fault in a row", "%(faults)d faults in a row", standing.faults)
    counted = faults % {"faults": standing.faults}
    opens = gettext("it opens at %d") % conf().breaker.threshold
    return f"{state} · {counted}, {opens}"


def _pause_form(standing: Standing, posted: forms.Form | None, now: dt.datetime) -> forms.Form | None:
    if isinstance(posted, PauseForm):
        return posted
    if any(stop.kind is Kind.PAUSED for stop in standing.stops):
        return None
    later = timezone.localtime(now + USUAL_PAUSE)
    return PauseForm(initial={"until": later}, auto_id=f"{standing.channel}_pause_%s")


def _resume_form(standing: Standing, posted: forms.Form | None) -> forms.Form | None:
    if isinstance(posted, ResumeForm) and not isinstance(posted, PauseForm):
        return posted
    if not standing.stops and standing.breaker is State.CLOSED:
        return None
    return ResumeForm(auto_id=f"{standing.channel}_resume_%s")
