"""Registers the app with Django, its system checks, and what it does around a `migrate`."""

from django.apps import AppConfig
from django.core.checks import Tags, register
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.translation import gettext_lazy as _


class NotificationsConfig(AppConfig):
    name = "notifications"
    verbose_name = _("Messages")

    def ready(self) -> None:
        from consent.column_names import translate_columns
        from notifications import checks  # noqa: F401 (registers them)
        from notifications.column_names import NAMES
        from notifications.row_security import migrating
        from notifications.row_security.check import check_row_security

        translate_columns(self.get_models(), NAMES)
        register(check_row_security, Tags.database, Tags.security)
        # Once a `migrate`: each app of the project sends the signal, and by then all have their tables.
        pre_migrate.connect(migrating.before, sender=self)
        post_migrate.connect(migrating.after, sender=self)
