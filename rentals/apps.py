"""Registers the app with Django, and its system checks."""

from django.apps import AppConfig
from django.core.checks import register
from django.utils.translation import gettext_lazy as _


class RentalsConfig(AppConfig):
    name = "rentals"
    verbose_name = _("Rental business")

    def ready(self) -> None:
        from consent.column_names import translate_columns
        from rentals.checks import check_anomalies
        from rentals.column_names import NAMES

        translate_columns(self.get_models(), NAMES)
        register(check_anomalies)
