"""The channels as cards: in, the state of each; out, what a card says about it, and the forms that would change it."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from django import forms
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.timesince import timesince
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from consent.models import Channel
from consent.staff_names import staff_names
from notifications.admin.reason import PauseForm, ResumeForm
from notifications.breaker import State
from notifications.channel_state import Kind, Standing, Stop, states
from notifications.channel_work import LATELY, Work, channel_work, rate_used
from notifications.conf import conf
from notifications.models import ChannelState

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
    """One stop in words, and who is behind it."""

    stop: Stop
    name: str | Promise
    tone: str
    by: str


@dataclass(frozen=True, slots=True)
class Card:
    """One channel. The forms are None where they would do nothing."""

    name: str
    label: str
    stops: tuple[StopLine, ...]
    breaker: str
    rate: str
    work: Work
    drains: str
    pause_form: forms.Form | None
    resume_form: forms.Form | None

    @property
    def facts_id(self) -> str:
        return f"channel-{self.name}-facts"


def cards(posted: Mapping[str, forms.Form] | None = None) -> list[Card]:
    """All four, in five queries. `posted` holds a channel's form that came back with errors."""
    now = timezone.now()
    work = channel_work(now=now)
    rows = ChannelState.objects.in_bulk()
    standings = states()
    names = staff_names(stop.by for standing in standings for stop in standing.stops)
    found = []
    for standing in standings:
        form = (posted or {}).get(standing.channel)
        row = rows.get(standing.channel)
        found.append(
            Card(
                standing.channel,
                str(Channel(standing.channel).label),
                tuple(
                    StopLine(stop, *BADGES[stop.kind], names.get(stop.by, stop.by)) for stop in standing.stops
                ),
                _breaker(standing, row),
                _rate(standing, row, now),
                work[standing.channel],
                _drains(standing, work[standing.channel]),
                _pause_form(standing, form, now),
                _resume_form(standing, form),
            )
        )
    return found


def _breaker(standing: Standing, row: ChannelState | None) -> str:
    """Its state, and the numbers that led there."""
    state = str(BREAKERS[standing.breaker])
    if row is not None and row.openings:
        opened = ngettext("opened %(n)d time in a row", "opened %(n)d times in a row", row.openings)
        told = [state, opened % {"n": row.openings}, gettext("last fault %s") % row.last_fault]
        if row.open_until and standing.breaker is State.OPEN:
            told.append(gettext("it tries again at %s") % f"{timezone.localtime(row.open_until):%H:%M:%S}")
        return " · ".join(told)
    if not standing.faults:
        return state
    faults = ngettext("%(faults)d fault in a row", "%(faults)d faults in a row", standing.faults)
    counted = faults % {"faults": standing.faults}
    opens = gettext("it opens at %d") % conf().breaker.threshold
    return f"{state} · {counted}, {opens}"


def _rate(standing: Standing, row: ChannelState | None, now: dt.datetime) -> str:
    """What is allowed, and how much of what may go at once is taken."""
    limit = conf().rate_limit(standing.channel)
    if limit is None:
        return gettext("no limit")
    used = rate_used(row.rate_tat if row else None, each=limit.each, burst=limit.burst, now=now)
    taken = gettext("%(used)d of %(burst)d at once taken") % {"used": used, "burst": limit.burst}
    return f"{standing.rate} · {taken}"


def _drains(standing: Standing, work: Work) -> str:
    """How long the backlog takes, where that can honestly be said."""
    if not work.due:
        return ""
    if standing.stops:
        return gettext("it waits until the channel is open")
    if work.per_minute is None:
        return gettext("nothing was sent in the last %d minutes, so nobody can say how long it takes") % (
            LATELY // dt.timedelta(minutes=1)
        )
    rate = gettext("%s a minute lately") % f"{work.per_minute:.0f}"
    if work.drained_in is None:
        return rate
    now = timezone.now()
    if work.drained_in < dt.timedelta(minutes=1):
        return f"{rate}, {gettext('drained in less than a minute')}"
    return f"{rate}, {gettext('drained in about %s') % timesince(now - work.drained_in, now, depth=1)}"


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
