"""What callers of the HTTP API asked for under an Idempotency-Key, and the answer they got."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class ApiRequest(models.Model):
    """One key of one caller: in progress (a lock that runs out), or answered. Written by `api/idempotency.py` alone."""

    digest = models.TextField(
        primary_key=True, help_text=_("SHA-256 of caller, method, path, query and key: a key may hold a name")
    )
    caller = models.TextField()
    operation = models.TextField(help_text=_("Method and path"))
    body_digest = models.TextField(help_text=_("Keyed hash of what was asked"))
    lock_token = models.UUIDField(null=True, blank=True)
    locked_until = models.DateTimeField(null=True, blank=True)
    status = models.SmallIntegerField(null=True, blank=True)
    answer = models.TextField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()

    class Meta:
        db_table = "api_requests"
        verbose_name = _("API request")
        verbose_name_plural = _("API requests")
        indexes = [models.Index(fields=["expires_at"], name="api_requests_expiry")]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    status__isnull=True,
                    answer__isnull=True,
                    lock_token__isnull=False,
                    locked_until__isnull=False,
                )
                | Q(
                    status__isnull=False,
                    answer__isnull=False,
                    lock_token__isnull=True,
                    locked_until__isnull=True,
                ),
                name="api_requests_locked_or_answered",
            ),
            models.CheckConstraint(
                condition=Q(status__isnull=True) | Q(status__range=(200, 499)),
                name="api_requests_keeps_no_fault",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.caller} {self.operation}"
