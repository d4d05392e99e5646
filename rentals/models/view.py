"""What is known of the materialized views: in, refreshes and requests for them; out, how stale each is, and who asked.

Only `rentals/views.py` writes the state, only triggers the requests.
"""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class ViewState(models.Model):
    """One view. The error is the last one; a refresh that succeeds forgets it."""

    view_name = models.TextField(primary_key=True)
    refreshed_at = models.DateTimeField(null=True, blank=True)
    moment = models.DateTimeField(null=True, blank=True, help_text=_("The «now» it was computed for"))
    duration = models.DurationField(null=True, blank=True)
    error_message = models.TextField(blank=True, default="")
    error_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "materialized_views"
        verbose_name = _("materialized view")
        verbose_name_plural = _("materialized views")
        ordering = ["view_name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(refreshed_at__isnull=True, moment__isnull=True, duration__isnull=True)
                | Q(refreshed_at__isnull=False, moment__isnull=False, duration__isnull=False),
                name="materialized_views_refreshed",
            ),
            models.CheckConstraint(
                condition=Q(error_at__isnull=True, error_message="")
                | Q(error_at__isnull=False) & ~Q(error_message=""),
                name="materialized_views_error",
            ),
        ]

    def __str__(self) -> str:
        return self.view_name


class ViewRefreshRequest(models.Model):
    """A business table changed that a view reads. Inserted by a trigger, never updated, deleted by the refresh."""

    id = models.BigAutoField(primary_key=True)
    view_name = models.TextField()
    requested_at = models.DateTimeField(db_default=Now())
    source_table = models.TextField()

    class Meta:
        db_table = "view_refresh_requests"
        verbose_name = _("request for a refresh")
        verbose_name_plural = _("requests for a refresh")
        ordering = ["-requested_at", "-id"]
        indexes = [
            # The trigger: is one pending that is young? The refresh: which are pending for this view?
            models.Index(fields=["view_name", "-requested_at"], name="view_refresh_requests_pending"),
        ]

    def __str__(self) -> str:
        return f"{self.view_name} {self.source_table}"
