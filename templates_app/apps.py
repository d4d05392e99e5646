"""Registers the app with Django, and its columns with gettext."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TemplatesAppConfig(AppConfig):
    name = "templates_app"
    verbose_name = _("Templates")

    def ready(self) -> None:
        import templates_app.checks  # noqa: F401 (registers itself)
        from consent.column_names import translate_columns
        from templates_app.column_names import NAMES

        translate_columns(self.get_models(), NAMES)
