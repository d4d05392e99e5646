"""A provider's report in words: in, an event as it was stored; out, what it says, what was said, and what followed."""

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from notifications.channels.taxonomy import Row
from notifications.models import ProviderEvent
from notifications.reasons import cause_word, is_foreign
from notifications.story_words import feedback_word
from notifications.webhooks.apply import TRIES
from notifications.webhooks.codes import row_of

FOLLOWED = {
    "settled": _("So it was sent."),
    "withdrawn": _("So the customer's consent to what can be left is withdrawn."),
    "lifted_since": _("A person lifted the suppression after that, so the address is not suppressed again."),
    "unknown_message": _("It is no message of ours."),
}
# Where the report itself says all.
QUIET = frozenset({"noted", "noted_late", "nothing_new"})


def report_text(event: ProviderEvent) -> str:
    """Plain sentences, without addresses."""
    row: Row | None = row_of(event) if event.event_type != ProviderEvent.Type.INBOUND else None
    said = " ".join(filter(None, (str(event.detail.get("status", "")), str(event.detail.get("reason", "")))))
    reported = {"provider": event.provider, "what": feedback_word(event.event_type)}
    parts = [gettext("%(provider)s reported: %(what)s.") % reported]
    if event.provider == "twilio" and event.code:
        said = event.code
    if row is not None:
        parts += [gettext(row.meaning), *([f"({said})"] if said else [])]
    parts += [*_followed(event)]
    return " ".join(parts)


def is_stuck(event: ProviderEvent) -> bool:
    """Has it failed too often, and waits for a person?"""
    return event.applied_at is None and event.attempts >= TRIES


def _followed(event: ProviderEvent) -> list[str]:
    if event.applied_at is None:
        if is_stuck(event):
            text = gettext("It could not be applied (%(error)s): a person may have it tried again.")
            return [text % {"error": event.error}]
        return [gettext("It is about to be applied.")]
    found = []
    for word in event.outcome.split():
        if word.startswith("suppressed:"):
            reason = word.partition(":")[2].replace("_", " ")
            cause = cause_word(reason) if is_foreign() else reason
            found.append(gettext("So the address is suppressed (%(cause)s).") % {"cause": cause})
        elif word not in QUIET:
            found.append(gettext(FOLLOWED[word]) if word in FOLLOWED else word)
    return found
