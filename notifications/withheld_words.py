"""Why a message was withheld, in one sentence: in, its row and the answer that decided; out, who said no, and when."""

import datetime as dt
from collections.abc import Callable, Mapping

from django.utils.translation import gettext as _

from consent.models import Category, Channel
from notifications.models import Notification
from notifications.reasons import cause_word, reason_text
from notifications.story_words import day, minute, source_word
from notifications.why import GateAnswer


def withheld_words(row: Notification, answer: GateAnswer | None) -> str:
    """One sentence, with the day on which the customer said no or the address died, where the row names that."""
    kept = row.metadata["withheld"]
    rule, reason = kept["rule"], reason_text(kept["rule"], kept["reason"])
    if rule == "cancelled":
        values = {"by": kept.get("by", "?"), "at": minute(dt.datetime.fromisoformat(kept["at"]))}
        text = _("Cancelled by %(by)s at %(at)s.") % values
        if reason:
            text = _("Cancelled by %(by)s at %(at)s: %(reason)s") % {**values, "reason": reason}
        return text
    found = _GROUNDS.get(rule.partition(".")[0])
    text = found(row, answer) if found and answer else ""
    return text or _("Withheld: %(reason)s") % {"reason": reason}


def _by_consent(row: Notification, answer: GateAnswer) -> str:
    values = {
        "category": str(Category(row.category).label).lower(),
        "channel": Channel(row.channel).label,
    }
    if answer.rule == "consent.missing":
        return _("Withheld: the customer never agreed to %(category)s messages by %(channel)s.") % values
    if answer.rule != "consent.revoked" or answer.consent is None:
        return ""
    said = answer.consent
    values |= {"on": day(said.occurred_at), "source": source_word(said.source).replace("_", " ")}
    text = _("Withheld: the customer revoked %(category)s messages by %(channel)s on %(on)s (%(source)s).")
    return text % values


def _by_suppression(_row: Notification, answer: GateAnswer) -> str:
    if answer.suppression is None:
        return ""
    dead = answer.suppression
    values = {"on": day(dead.created_at), "cause": cause_word(dead.reason).replace("_", " ")}
    text = _("Withheld: the address is suppressed since %(on)s (%(cause)s).") % values
    if dead.lifted_at is None:
        return text
    return f"{text} {_('Lifted since, on %(on)s.') % {'on': day(dead.lifted_at)}}"


_GROUNDS: Mapping[str, Callable[[Notification, GateAnswer], str]] = {
    "consent": _by_consent,
    "suppressed": _by_suppression,
}
