"""What the public pages call things: in, a channel and a category; out, words in the active language.

The same words are shown and, when somebody decides, kept in the ledger as what they read.
"""

from collections.abc import Mapping

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

_NAMES: Mapping[str, Promise] = {
    "security": _("Messages about the security of your account"),
    "transactional": _("Messages about your bookings and payments"),
    "reminder": _("Rental reminders"),
    "marketing": _("Offers and news"),
}
_PURPOSES: Mapping[str, Promise] = {
    "reminder": _("What is coming up: deposits, deliveries, pick-ups, returns and payments of your rentals."),
    "marketing": _("Promotions, and news about our equipment and services."),
}
_CHANNELS: Mapping[str, Promise] = {
    "email": pgettext_lazy("switch", "E-mail"),
    "sms": pgettext_lazy("switch", "Text message"),
    "push": pgettext_lazy("switch", "Notification in the browser"),
}
# After the name of a category: «Offers and news by e-mail».
_BY: Mapping[str, Promise] = {
    "email": pgettext_lazy("after a kind of message", "by e-mail"),
    "sms": pgettext_lazy("after a kind of message", "by text message"),
    "push": pgettext_lazy("after a kind of message", "by notification in the browser"),
    "inapp": pgettext_lazy("after a kind of message", "in your account"),
}


def company() -> str:
    """Who is asking; empty when NOTIFICATIONS["COMPANY_NAME"] is not set."""
    return str(settings.NOTIFICATIONS.get("COMPANY_NAME", ""))


def category_name(category: str) -> str:
    return str(_NAMES[category])


def category_purpose(category: str) -> str:
    return str(_PURPOSES[category])


def channel_name(channel: str) -> str:
    return str(_CHANNELS[channel])


def kind(*, channel: str, category: str) -> str:
    """What one switch is about: «Offers and news by e-mail»."""
    return f"{_NAMES[category]} {_BY[channel]}"


def preferences_intro() -> str:
    """The sentence above the switches."""
    if company():
        return str(_("Choose what %(company)s may send you. You can change this at any time.")) % {
            "company": company()
        }
    return str(_("Choose what we may send you. You can change this at any time."))


def switch_wording(*, channel: str, category: str) -> str:
    """All that a person reads before moving a switch of the preference page."""
    return "\n".join(
        (preferences_intro(), category_name(category), category_purpose(category), channel_name(channel))
    )


def confirming_question(*, channel: str, category: str) -> str:
    """All that a person reads before pressing the button that confirms."""
    question = _("Do you want to receive these messages?")
    promise = _("You can stop them at any time, by the link in each of them.")
    parts = (str(question), kind(channel=channel, category=category), category_purpose(category), company())
    return "\n".join(filter(None, (*parts, str(promise))))


def leaving_question(*, channel: str, category: str) -> str:
    """All that a person reads before pressing the button of the unsubscribe page."""
    question = _("Stop these messages?")
    return "\n".join(filter(None, (str(question), kind(channel=channel, category=category), company())))
