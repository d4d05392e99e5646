"""What languages, channels and parts are called: in, a code; out, its name in the reader's language."""

from collections.abc import Iterable

from django.conf import settings
from django.utils.translation import gettext_lazy as _

CHANNEL_NAMES = {"email": _("E-mail"), "sms": _("SMS"), "push": _("Push"), "inapp": _("In-app")}
PART_NAMES = {
    "subject": _("Subject"), "preheader": _("Preheader"), "text": _("Text"), "html": _("HTML"), "title": _("Title"),
    "body": _("Body"), "url": _("Link"), "message": _("Message"), "action_url": _("Link of the button"),
    "cta_label": _("Words of the button"),
}  # fmt: skip


def site_locales(source: Iterable[str]) -> list[str]:
    """The site's languages, then those that only the texts have."""
    return list(dict.fromkeys([*(code for code, _name in settings.LANGUAGES), *source]))


def language_name(locale: str) -> str:
    return str(dict(settings.LANGUAGES).get(locale, locale))
