"""The channels: in, what waits on each and what went through; out, a line a channel of a table."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from config.dashboard.amounts import in_words
from config.dashboard.links import Links
from consent.models import Channel
from notifications.admin.channel_cards import BADGES
from notifications.admin.figures import Backlog
from notifications.channel_state import Stop
from notifications.models import Traffic
from notifications.state_counts import grouped
from notifications.traffic.read import Figures

What = Traffic.What


@dataclass(frozen=True, slots=True)
class Shown:
    """A stop in words."""

    stop: Stop
    name: str
    tone: str


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """`due` and what follows are figures ready to show, each with the list behind it."""

    label: str
    url: str
    stops: tuple[Shown, ...]
    state_url: str
    due: str
    due_url: str
    waits: str
    later: str
    in_flight: str
    ended: tuple[tuple[str, str], ...]


def channel_rows(backlogs: Sequence[Backlog], found: Figures, links: Links) -> list[ChannelRow]:
    return [_row(backlog, found, links) for backlog in backlogs]


def _row(backlog: Backlog, found: Figures, links: Links) -> ChannelRow:
    name = backlog.channel

    def listed(status: str) -> str:
        return links.queue(channel__exact=name, status__exact=status)

    def ended(what: str, status: str) -> tuple[str, str]:
        url = links.queue(channel__exact=name, status__exact=status, ended_from=found.span.since)
        return grouped(found.total(what, name)), url

    waiting = grouped(backlog.waiting)
    return ChannelRow(
        label=str(Channel(name).label),
        url=links.queue(channel__exact=name),
        stops=tuple(Shown(stop, str(BADGES[stop.kind][0]), BADGES[stop.kind][1]) for stop in backlog.stops),
        state_url=links.list_of("notifications.channelstate"),
        due=_("more than %s") % waiting if backlog.is_capped else waiting,
        due_url=listed("queued"),
        waits=in_words(backlog.oldest_age) if backlog.oldest_age is not None else "–",
        later=grouped(backlog.later),
        in_flight=grouped(backlog.in_flight),
        ended=(
            ended(What.SENT, "sent"),
            ended(What.FAILED, "failed"),
            ended(What.WITHHELD, "cancelled"),
        ),
    )
