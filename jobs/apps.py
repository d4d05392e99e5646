"""Registers the app and its system checks with Django."""

from django.apps import AppConfig
from django.core.checks import Tags, register
from django.utils.translation import gettext_lazy as _


class JobsConfig(AppConfig):
    name = "jobs"
    verbose_name = _("Jobs")

    def ready(self) -> None:
        from jobs.checks import (
            check_alert_groups,
            check_catalogue,
            check_clusters,
            check_security_centre,
            check_stripe,
        )

        register(check_catalogue)
        register(check_clusters)
        register(check_stripe)
        register(check_security_centre, Tags.database)
        register(check_alert_groups, Tags.database)
