"""How a member of staff wants to read the admin."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Language(models.TextChoices):
    """What the admin is written in; each in its own words."""

    ENGLISH = "en", "English"
    FRENCH = "fr", "Français"


class StaffPreference(models.Model):
    """One person's time zone and language. Empty: the business's zone, the browser's language. Written by `preferences.py`."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    time_zone = models.TextField(blank=True, default="", help_text="A name of the IANA time zone database")
    language = models.TextField(blank=True, default="", choices=Language.choices)

    class Meta:
        db_table = "staff_preferences"
        verbose_name = _("preference")
        verbose_name_plural = _("preferences")
        constraints = [
            models.CheckConstraint(
                condition=Q(language__in=["", *Language.values]), name="staff_preferences_language"
            )
        ]

    def __str__(self) -> str:
        return f"staff:{self.pk}"
