"""What a run did, at a glance: in, its row or its status; out, a badge's tone, its duration, counts in words."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from jobs.admin.count_words import count_word
from notifications.admin.cells import NOTHING, short

RUN_TONE: Mapping[str, str] = {"running": "info", "success": "ok", "failed": "bad", "crashed": "bad"}
# A job's state in words, and the tone of its badge.
JOB_STATES: Mapping[str, tuple[Promise, str]] = {
    "ok": (_("OK"), "ok"),
    "failing": (_("Failing"), "bad"),
    "overdue": (_("Overdue"), "bad"),
    "paused": (_("Paused"), "warn"),
    "never": (_("Never ran"), "muted"),
}


def took(duration: dt.timedelta | None) -> str:
    """In seconds, as the reader's language writes them; never broken before the unit."""
    return (
        f"{number_format(duration.total_seconds(), 2)}\N{NO-BREAK SPACE}s"
        if duration is not None
        else NOTHING
    )


def did(*, status: str, error: str | None, summary: Mapping[str, Any]) -> SafeString:
    """A failure's first words, or the counts that are not zero."""
    if error:
        return short(error)
    if found := counts(summary):
        counted = (_("%(count)s %(what)s") % {"count": count, "what": what} for count, what in found)
        return format_html_join(", ", "{}", ((text,) for text in counted))
    return format_html("{}", _("nothing to do") if status == "success" else NOTHING)


def counts(summary: Mapping[str, Any]) -> list[tuple[int, str]]:
    """The counts of a summary that are not zero: found, messages, changed rows."""
    found = [(count, str(_("%s found")) % word) for count, word in _found(summary)]
    return [entry for entry in (*found, *_messages(summary), *_changed(summary)) if entry[0]]


def groups(summary: Mapping[str, Any]) -> list[tuple[str, list[tuple[object, str]]]]:
    """A run's page: every count under its heading, zeros of messages too, and the times that it measured."""
    times = [(f"{seconds:.2f} s", what) for what, seconds in summary.get("seconds", {}).items()]
    headed: list[tuple[Promise, Iterable[tuple[object, str]]]] = [
        (_("Found"), _found(summary)),
        (_("Messages"), _messages(summary) if "queued" in summary else ()),
        (_("Changed"), _changed(summary)),
        (_("Times"), times),
    ]
    return [(str(title), list(lines)) for title, lines in headed if lines]


def _found(summary: Mapping[str, Any]) -> list[tuple[int, str]]:
    return [(count, count_word(kind)) for kind, count in summary.get("found", {}).items()]


def _messages(summary: Mapping[str, Any]) -> list[tuple[int, str]]:
    words = {"queued": _("queued"), "existing": _("queued before"), "withheld": _("withheld")}
    return [(summary.get(key, 0), str(word)) for key, word in words.items()]


def _changed(summary: Mapping[str, Any]) -> list[tuple[int, str]]:
    return [(count, count_word(what)) for what, count in summary.get("changed", {}).items()]
