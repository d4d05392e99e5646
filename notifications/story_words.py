"""The words of a story, in the reader's language: in, what a row keeps as a code or as English; out, how it is called.

For who reads English they are what is stored, so that the API and `explain_notification` tell the same words for ever.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from consent.models import Channel, ConsentEvent, Source
from notifications.channels.meanings import error_of_any, is_network, meaning
from notifications.masking import masked_recipient
from notifications.models import DeliveryAttempt, Notification
from notifications.reasons import is_foreign, report_word

# What a message's origin says (`origin.py`).
_ORIGIN = {
    "job": _("job %(value)s"),
    "run": _("run %(value)s"),
    "trigger": _("trigger %(value)s"),
    "watch": _("watch %(value)s"),
    "api": _("api %(value)s"),
    "staff": _("staff %(value)s"),
    "reason": _("reason %(value)s"),
    "consent_event": _("consent_event %(value)s"),
}
# By whom a job was started (its runs' triggers).
_TRIGGERS = frozenset({_("schedule"), _("command"), _("api"), _("admin")})
# Who says nothing about the recipient (`masking.py`, which knows no language).
_NOBODY = frozenset({_("somebody no longer on record"), _("somebody who was erased"), _("unknown recipient")})
_KIND = {"customer": _("customer %(id)s"), "staff": _("staff %(id)s")}
# Below so many seconds, in units of so many.
_UNITS = ((120, 1, _("s")), (7200, 60, _("min")), (172_800, 3600, _("h")), (float("inf"), 86_400, _("d")))
_POISON = _("%(n)s workers died holding it")


def clock(at: dt.datetime) -> str:
    """As the reader's clock shows it, with the offset that makes it exact."""
    return timezone.localtime(at).isoformat(sep=" ", timespec="seconds")


def minute(at: dt.datetime) -> str:
    """As a list shows it."""
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M}"


def day(at: dt.datetime) -> str:
    return f"{timezone.localtime(at):%Y-%m-%d}"


def span(length: dt.timedelta) -> str:
    """How long, in one unit: seconds below two minutes, then minutes, hours, days."""
    seconds = max(round(length.total_seconds()), 0)
    size, unit = next((size, unit) for limit, size, unit in _UNITS if seconds < limit)
    return f"{seconds // size} {gettext(unit)}"


def asked_by(row: Notification) -> str:
    """Every id of its origin, in one line."""
    known: Mapping[str, Any] = row.metadata.get("origin", {})
    parts = [
        _filled(_ORIGIN.get(name, f"{name} %(value)s"), value=origin_word(name, str(value)))
        for name, value in known.items()
    ]
    return ", ".join(parts) or gettext("a call of notify()")


def origin_word(name: str, value: str) -> str:
    """A value of an origin: an id or a name as it is, a word of ours as the reader calls it."""
    return gettext(value) if name == "trigger" and value in _TRIGGERS else value


def recipient_word(to: Mapping[str, Any]) -> str:
    """The masked recipient."""
    masked = masked_recipient(to)
    return masked if "address" in to else masked_word(masked)


def masked_word(masked: str) -> str:
    """A known person, or why nobody is known."""
    kind, _space, known = masked.partition(" ")
    if kind in _KIND:
        return _filled(_KIND[kind], id=known)
    return gettext(masked) if masked in _NOBODY else masked


def channel_word(channel: str) -> str:
    return str(Channel(channel).label).lower() if is_foreign() else channel


def outcome_word(outcome: str) -> str:
    return str(DeliveryAttempt.Outcome(outcome).label).lower() if is_foreign() else outcome


def feedback_word(feedback: str) -> str:
    """A provider's report."""
    return report_word(feedback) if is_foreign() else feedback


def action_word(action: str) -> str:
    """What the customer said."""
    return str(ConsentEvent.Action(action).label).lower() if is_foreign() else action


def source_word(source: str) -> str:
    """Where they said it."""
    return str(Source(source).label).lower() if is_foreign() and source in Source.values else source


def error_words(error: str) -> str:
    """What stands in a row's error column: a code, and a sentence of ours or the provider's words."""
    code, colon, text = error.partition(": ")
    if not colon or not is_foreign():
        return error
    if code == "outcome_unknown":
        return f"{code}: {error_words(text)}"
    if code == "poison" and (n := text.partition(" ")[0]).isdecimal():
        return f"{code}: {_filled(_POISON, n=n)}"
    return f"{code}: {error_of_any(code=code, error=text)}" if text else error


def error_in_a_sentence(error: str) -> str:
    """The same once, where it follows what became of the message: a code of ours gives way to its words. A provider's stays."""
    code, colon, text = error.partition(": ")
    if code == "outcome_unknown" and colon:
        return error_in_a_sentence(text)
    if not is_network(code):
        return error_words(error)
    return error_words(error).removeprefix(f"{code}: ") if text else meaning(provider="", code=code)


def _filled(form: str, **values: object) -> str:
    return gettext(form) % values
