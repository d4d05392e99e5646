"""The words of consent, as the database spells them."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from consent import policy


class Channel(models.TextChoices):
    EMAIL = "email", _("E-mail")
    SMS = "sms", _("SMS")
    PUSH = "push", _("Push")
    INAPP = "inapp", _("In-app")


class Category(models.TextChoices):
    SECURITY = policy.Category.SECURITY.value, _("Security")
    TRANSACTIONAL = policy.Category.TRANSACTIONAL.value, _("Transactional")
    REMINDER = policy.Category.REMINDER.value, _("Reminder")
    MARKETING = policy.Category.MARKETING.value, _("Marketing")


class Source(models.TextChoices):
    """Where a change of consent came from."""

    WEB_FORM = "web_form", _("Web form")
    PREFERENCE_PAGE = "preference_page", _("Preference page")
    ONE_CLICK = "one_click", _("One-click unsubscribe")
    SMS_KEYWORD = "sms_keyword", _("SMS keyword")
    PROVIDER_EVENT = "provider_event", _("Provider event")
    ADMIN = "admin", _("Admin")
    IMPORT = "import", _("Import")
    API = "api", _("API")


class Scope(models.TextChoices):
    ALL = policy.Scope.ALL.value, _("Every message")
    OPTIONAL = policy.Scope.OPTIONAL.value, _("What a person can leave: reminders and marketing")
    MARKETING = policy.Scope.MARKETING.value, _("Marketing only")
