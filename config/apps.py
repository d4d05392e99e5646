"""Registers the project's own commands and templates with Django."""

from django.apps import AppConfig


class PostroomConfig(AppConfig):
    name = "config"
    verbose_name = "Postroom"
