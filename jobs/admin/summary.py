"""What a run did, at a glance: in, its row or its status; out, a badge's tone, its duration, counts in words."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
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
    return f"{duration.total_seconds():.2f} s" if duration is not None else NOTHING


def did(*, status: str, error: str | None, summary: Mapping[str, Any]) -> SafeString:
    """A failure's first words, or the counts that are not zero."""
    if error:
        return short(error)
    if found := counts(summary):
        counted = (_("%(count)s %(what)s") % {"count": count, "what": what} for count, what in found)
        return format_html_join(", ", "{}", ((text,) for text in counted))
    return format_html("{}", _("nothing to do") if status == "success" else NOTHING)


def times(summary: Mapping[str, Any]) -> SafeString:
    """The times that a run measured, which are no counts, a line each: «mv_support_sla took: 0.21 s»."""
    measured = summary.get("seconds", {}).items()
    lines = ((what, f"{seconds:.2f}") for what, seconds in measured)
    return format_html_join(mark_safe("<br>"), "{}: {} s", lines) or format_html("{}", NOTHING)


def counts(summary: Mapping[str, Any]) -> list[tuple[int, str]]:
    """The counts of a summary that are not zero: found, messages, changed rows."""
    found = [
        (count, str(_("%s found")) % count_word(kind)) for kind, count in summary.get("found", {}).items()
    ]
    words = {"queued": _("queued"), "existing": _("queued before"), "withheld": _("withheld")}
    messages = [(summary.get(key, 0), str(word)) for key, word in words.items()]
    changed = [(count, count_word(what)) for what, count in summary.get("changed", {}).items()]
    return [entry for entry in (*found, *messages, *changed) if entry[0]]
