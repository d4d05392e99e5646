"""Registers the project's own commands, templates and checks with Django."""

from django.apps import AppConfig


class PostroomConfig(AppConfig):
    name = "config"
    verbose_name = "Postroom"

    def ready(self) -> None:
        from config import checks  # noqa: F401 (registers them)
