"""Why a gate answered so, in the reader's language: in, a rule and the English sentence on record; out, the same by gettext.

What is stored stays English (`decision.py`). A sentence is known by its rule and its form, with holes for what varies. One
that has no form here, an old one or what a person wrote, is shown as it is stored.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from django.utils.translation import get_language, gettext, ngettext
from django.utils.translation import gettext_noop as _

from consent.models import Category, Suppression
from notifications.models.feedback import Feedback

_HOLE = re.compile(r"%\((\w+)\)s")

# By rule, or by its beginning up to a dot, in the order in which they are tried.
FORMS: Mapping[str, tuple[str, ...]] = {
    "expired": (
        _("It was no longer useful after %(at)s."),
        _("Quiet hours came first. %(why)s It expires before that, at %(at)s."),
        _("Its category was stopped. %(why)s It expires before that, at %(at)s."),
        _("It was never confirmed. %(why)s It expires before that, at %(at)s."),
        _("It waited for another one. %(why)s It expires before that, at %(at)s."),
        _("The next try would come after it expires. The last one failed: %(words)s"),
    ),
    "erased": (_("The recipient asked to be forgotten."),),
    "recipient": (
        _("Nobody has this id any more."),
        _("The recipient has no e-mail address."),
        _("The recipient has no phone number."),
        _("The recipient has no browser that takes push messages."),
        _("This is not an e-mail address."),
        _("This is not a phone number."),
        _("This is not a phone number that can be texted."),
    ),
    "suppressed": (_("The address is suppressed (%(cause)s)."),),
    "consent.not_needed": (
        _("In-app messages need no consent."),
        _("%(category)s messages need no consent."),
    ),
    "consent.revoked": (_("The customer switched %(category)s messages off here."),),
    "consent.not_revoked": (_("%(category)s messages were not switched off."),),
    "consent.granted": (_("The customer agreed to %(category)s messages here."),),
    "consent.missing": (_("The customer never agreed to %(category)s messages here."),),
    "relevance.ended": (_("It no longer holds: %(host)s"),),
    "relevance.error": (
        _("Whether it still holds could not be checked (%(words)s); it is asked again at %(at)s."),
    ),
    "category_stopped": (_("%(category)s is stopped on this channel: %(words)s"),),
    "frequency_cap": (
        _(
            "At most %(most)s %(category)s message in %(period)s may go to one recipient, and %(count)s went out or is ahead "
            "of this one."
        ),
        _(
            "At most %(most)s %(category)s message in %(period)s may go to one recipient, and %(count)s went out or are ahead "
            "of this one."
        ),
        _(
            "At most %(most)s %(category)s messages in %(period)s may go to one recipient, and %(count)s went out or are "
            "ahead of this one."
        ),
        _("Another %(category)s message to this recipient is going out right now; then this one is decided."),
    ),
    "settled": (_("The answer was lost, but the provider reports it %(report)s: it was sent."),),
    "quiet_hours": (
        _("It is %(clock)s for the recipient; it may go out from %(start)s (%(zone)s, by the phone number)."),
        _("It is %(clock)s for the recipient; it may go out from %(start)s (%(zone)s)."),
        _(
            "It would be %(clock)s for the recipient; it may go out from %(start)s (%(zone)s, by the phone number)."
        ),
        _("It would be %(clock)s for the recipient; it may go out from %(start)s (%(zone)s)."),
        _(
            "The recipient's time zone is not known; from %(start)s on it may go out in all %(zones)s zones where they may be."
        ),
        _(
            "The recipient's time zone is not known, and the %(zones)s zones where they may be have no hour in common; by our "
            "own clock it may go out from %(start)s."
        ),
    ),
}


def reason_text(rule: str, reason: str) -> str:
    """The sentence as its reader would say it."""
    if not reason or not is_foreign():
        return reason
    for form in FORMS.get(rule) or FORMS.get(rule.partition(".")[0], ()):
        if found := _regex(form).fullmatch(reason):
            return gettext(form) % {name: _word(name, said) for name, said in found.groupdict().items()}
    return reason


def holes(rule: str, reason: str) -> Mapping[str, str]:
    """What the sentence says where its form has holes, as it is stored; empty for one without a form."""
    for form in FORMS.get(rule) or FORMS.get(rule.partition(".")[0], ()):
        if found := _regex(form).fullmatch(reason):
            return found.groupdict()
    return {}


def is_foreign() -> bool:
    """Does the reader want another language than what is stored?"""
    return not (get_language() or "en").startswith("en")


@lru_cache(maxsize=128)
def _regex(form: str) -> re.Pattern[str]:
    plain = _HOLE.split(form)  # text, name, text, name, …
    parts = [f"(?P<{part}>.+?)" if place % 2 else re.escape(part) for place, part in enumerate(plain)]
    return re.compile("".join(parts), re.DOTALL)


def _word(name: str, said: str) -> str:
    return _WORDS[name](said) if name in _WORDS else said


def category_word(said: str) -> str:
    """`reminder`, in any case, as the reader calls it."""
    known = said.lower()
    return str(Category(known).label).lower() if known in Category.values else said


def cause_word(said: str) -> str:
    """`hard bounce` or `hard_bounce`, as the reader calls it."""
    known = said.replace(" ", "_")
    return str(Suppression.Reason(known).label).lower() if known in Suppression.Reason.values else said


def report_word(said: str) -> str:
    """A provider's report."""
    return str(Feedback(said).label).lower() if said in Feedback.values else said


def _period(said: str) -> str:
    number, _space, unit = said.partition(" ")
    if not number.isdecimal():
        return said
    n = int(number)
    match unit.removesuffix("s"):
        case "day":
            return ngettext("%d day", "%d days", n) % n
        case "hour":
            return ngettext("%d hour", "%d hours", n) % n
        case "minute":
            return ngettext("%d minute", "%d minutes", n) % n
    return said


def _any(said: str) -> str:
    """A whole sentence inside another."""
    for rule in FORMS:
        if (told := reason_text(rule, said)) != said:
            return told
    return said


# What stands in a hole is a word of ours, or, where nothing is named, figures, clocks and people's own words.
_WORDS: Mapping[str, Callable[[str], str]] = {
    "category": category_word,
    "cause": cause_word,
    "period": _period,
    "why": _any,
    "host": gettext,  # a host's own sentence, by its own catalogue
    "report": report_word,
}
