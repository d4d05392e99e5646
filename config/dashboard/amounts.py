"""Figures in words: in, durations and counts; out, short texts with one unit each."""

import datetime as dt

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from notifications.traffic.buckets import Percentile


def in_words(age: dt.timedelta) -> str:
    """One unit is enough to act on."""
    seconds = max(0, int(age.total_seconds()))
    if seconds < 120:
        return ngettext("%d second", "%d seconds", seconds) % seconds
    if seconds < 7200:
        return ngettext("%d minute", "%d minutes", seconds // 60) % (seconds // 60)
    if seconds < 172_800:
        return ngettext("%d hour", "%d hours", seconds // 3600) % (seconds // 3600)
    return ngettext("%d day", "%d days", seconds // 86_400) % (seconds // 86_400)


def took(found: Percentile | None) -> str:
    """«120 ms», «1.4 s», «3 min», «> 6 h»; a dash for nothing."""
    if found is None:
        return "–"
    return f"> {_length(found.milliseconds)}" if found.is_beyond else _length(found.milliseconds)


def share(part: int, of: int) -> str:
    """«4.2 %», «< 0.1 %»."""
    if not part or not of:
        return "–"
    percent = 100 * part / of
    if percent < 0.1:
        return _("< %s %%") % number_format(0.1, 1, use_l10n=True)
    return f"{number_format(round(percent, 1), 1, use_l10n=True)}\N{NO-BREAK SPACE}%"


def _length(milliseconds: float) -> str:
    """Within a bucket the last figures would be made up, so there are two or three."""
    if milliseconds < 995:
        return f"{milliseconds if milliseconds < 100 else round(milliseconds, -1):.0f}\N{NO-BREAK SPACE}ms"
    for limit, size, unit in (
        (59_500, 1000, "s"),
        (3_570_000, 60_000, "min"),
        (float("inf"), 3_600_000, "h"),
    ):
        if milliseconds < limit:
            amount = milliseconds / size
            places = 1 if amount < 9.95 else 0
            return f"{number_format(round(amount, places), places, use_l10n=True)}\N{NO-BREAK SPACE}{unit}"
    raise AssertionError("no length is infinite")
