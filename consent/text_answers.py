"""What we answer to a keyword by text message: in, a number and what was understood; out, one text that fits one SMS.

A confirmation says what was done and how to undo it, and nothing else: it must not advertise (47 CFR 64.1200(a)(12)).
"""

from collections.abc import Callable, Mapping
from email.utils import parseaddr

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from consent import wording
from consent.by_text import people_at
from consent.understand import Meaning, Understood


def answer_to(number: str, said: Understood) -> str:
    """The confirmation of STOP or START, or the answer to HELP, in the language of whoever has the number. Where nobody
    has it, or people of several languages share it, the keyword's language says more."""
    locales = {person.locale for person in people_at(number)} if number else set()
    with translation.override(_language(*locales) if len(locales) == 1 else _language(said.language)):
        return ANSWERS[said.meaning]() % {"company": wording.company() or _("We"), "contact": contact()}


def contact() -> str:
    """Where a person helps: NOTIFICATIONS["SUPPORT_CONTACT"], or the address that our e-mails come from."""
    return str(settings.NOTIFICATIONS.get("SUPPORT_CONTACT", "")) or parseaddr(settings.EMAIL_FROM)[1]


def _language(locale: str) -> str:
    try:
        return translation.get_supported_language_variant(locale.replace("_", "-").lower())
    except LookupError:
        return str(settings.LANGUAGE_CODE)


def _stopped() -> str:
    return _("%(company)s: you will get no more reminders and no offers by text. Reply START to undo this.")


def _started() -> str:
    return _("%(company)s: you will get our texts again, as before. Reply STOP to end them.")


def _help() -> str:
    return _(
        "%(company)s: texts about your rentals. Questions: %(contact)s. Reply STOP to end reminders and offers."
    )


ANSWERS: Mapping[Meaning, Callable[[], str]] = {
    Meaning.STOP: _stopped,
    Meaning.START: _started,
    Meaning.HELP: _help,
}
