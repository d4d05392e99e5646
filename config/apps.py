"""Registers the project's own commands, templates and checks with Django."""

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class PostroomConfig(AppConfig):
    name = "config"
    verbose_name = "Postroom"

    def ready(self) -> None:
        from config import checks, role_groups  # noqa: F401 (registers them)

        # Each app sends the signal, one after the other: roles need the permissions of all.
        post_migrate.connect(role_groups.after, sender=list(apps.get_app_configs())[-1])
