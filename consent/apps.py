"""Registers the app with Django, and its system checks."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ConsentConfig(AppConfig):
    name = "consent"
    verbose_name = _("Consent")

    def ready(self) -> None:
        from consent import checks  # noqa: F401 (importing registers them)
        from consent.column_names import NAMES, translate_columns

        translate_columns(self.get_models(), NAMES)
