"""What was done to the channels: in, nothing; out, the last changes of all of them and of marketing, the newest first."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace

from django.utils.translation import gettext

from consent.staff_names import staff_names
from notifications.models import CategoryStop, ChannelEvent

SHOWN = 30
What = ChannelEvent.What
# The dot of the timeline (`pr-story--…`), by what happened.
TONES: Mapping[str, str] = {
    What.PAUSED: "withheld",
    What.REFUSED: "withheld",
    What.OPENED: "withheld",
    What.LIMITED: "attempt",
    What.RESUMED: "allowed",
    What.CLOSED: "allowed",
}


@dataclass(frozen=True, slots=True)
class Change:
    """What was done to a channel, or to marketing on it."""

    at: dt.datetime
    channel: str
    what: str
    by: str
    until: dt.datetime | None
    reason: str
    tone: str


def history() -> list[Change]:
    """In three queries."""
    changes = [
        Change(
            row.at,
            row.get_channel_display(),
            row.get_what_display(),
            row.by,
            row.until,
            row.reason,
            TONES[row.what],
        )
        for row in ChannelEvent.objects.all()[:SHOWN]
    ]
    for row in CategoryStop.objects.all()[:SHOWN]:
        name = row.get_channel_display()
        stopped, resumed = gettext("Marketing stopped"), gettext("Marketing resumed")
        changes.append(Change(row.stopped_at, name, stopped, row.stopped_by, None, row.reason, "withheld"))
        if row.lifted_at:
            changes.append(
                Change(row.lifted_at, name, resumed, row.lifted_by, None, row.lift_reason, "allowed")
            )
    newest = sorted(changes, key=lambda change: change.at, reverse=True)[:SHOWN]
    names = staff_names(change.by for change in newest)
    return [replace(change, by=names.get(change.by, change.by)) for change in newest]
