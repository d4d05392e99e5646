"""The switches of the preference page: in, what a customer said so far; out, what to show, and what a form changes.

A switch counts as moved against what the page *showed*, not against what stands now: a page left open since
yesterday must not undo today's unsubscribe.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.dateparse import parse_datetime

from consent import wording
from consent.ledger import CHANNELS, State
from consent.policy import OPTIONAL, Category, permits

States = Mapping[tuple[str, str], State]


@dataclass(frozen=True, slots=True)
class Switch:
    """One channel of one category."""

    channel: str
    category: Category
    is_on: bool

    @property
    def name(self) -> str:
        return f"{self.category}.{self.channel}"

    @property
    def label(self) -> str:
        return wording.channel_name(self.channel)

    @property
    def kind(self) -> str:
        return wording.kind(channel=self.channel, category=self.category)


@dataclass(frozen=True, slots=True)
class Panel:
    """The switches of one category."""

    category: Category
    switches: tuple[Switch, ...]

    @property
    def title(self) -> str:
        return wording.category_name(self.category)

    @property
    def purpose(self) -> str:
        return wording.category_purpose(self.category)


@dataclass(frozen=True, slots=True)
class Moves:
    """What a form asks for: switches with their new position, and those that somebody else moved since."""

    moved: tuple[Switch, ...]
    overtaken: tuple[Switch, ...]


def panels(states: States) -> list[Panel]:
    """Every switch in its position, by category."""
    return [
        Panel(category, tuple(_switch(states, channel, category) for channel in CHANNELS))
        for category in Category
        if category in OPTIONAL
    ]


def moves(form: Mapping[str, str], states: States) -> Moves:
    """What the form moved. Switching off always counts; switching on not where a decision came after the page."""
    seen_at = _moment(form.get("seen_at", ""))
    moved: list[Switch] = []
    overtaken: list[Switch] = []
    for panel in panels(states):
        for switch in panel.switches:
            wanted = Switch(switch.channel, switch.category, switch.name in form)
            if form.get(f"was.{switch.name}") not in ("on", "off"):
                continue
            if wanted.is_on == (form[f"was.{switch.name}"] == "on") or wanted == switch:
                continue
            decided_at = states.get((switch.channel, switch.category), State()).decided_at
            stale = seen_at is None or (decided_at is not None and decided_at > seen_at)
            (overtaken if wanted.is_on and stale else moved).append(wanted)
    return Moves(tuple(moved), tuple(overtaken))


def _switch(states: States, channel: str, category: Category) -> Switch:
    state = states.get((channel, category))
    return Switch(channel, category, permits(category=category, enabled=state.enabled if state else None))


def _moment(text: str) -> dt.datetime | None:
    try:
        moment = parse_datetime(text)
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None
