"""Addresses that must not be written to, by keyed hash."""

import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from consent.models.words import Channel, Scope


class Suppression(models.Model):
    """An address that must not be written to, by blind index: it outlives the customer's record."""

    class Reason(models.TextChoices):
        HARD_BOUNCE = "hard_bounce", _("Hard bounce")
        COMPLAINT = "complaint", _("Complaint")
        INVALID = "invalid", _("Invalid address")
        LANDLINE = "landline", _("Landline")
        OPTED_OUT = "opted_out", _("Opted out")
        MANUAL = "manual", _("By an operator")
        ERASURE = "erasure", _("Erasure request")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    address_hmac = models.TextField(help_text=_("Keyed hash of channel and address"))
    address_hint = models.TextField(help_text=_("Masked, for display"))
    channel = models.TextField(choices=Channel.choices)
    scope = models.TextField(choices=Scope.choices, default=Scope.ALL)
    reason = models.TextField(choices=Reason.choices)
    note = models.TextField(blank=True)
    # Which report of a provider's asked for it; the report may be gone by now.
    source_event = models.BigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.TextField(blank=True)
    lift_reason = models.TextField(blank=True)

    class Meta:
        db_table = "suppressions"
        verbose_name = _("suppression")
        verbose_name_plural = _("suppressions")
        ordering = ["-created_at"]
        indexes = [
            # «Has somebody lifted it since?» (suppress.py), and the admin's search by address.
            models.Index(fields=["address_hmac"], name="suppressions_address"),
            # The list of the admin.
            models.Index(fields=["-created_at", "-id"], name="suppressions_newest"),
            # The same by reason: complaints are looked for among many bounces.
            models.Index(fields=["reason", "-created_at", "-id"], name="suppressions_reason"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["address_hmac", "channel", "reason"],
                condition=Q(lifted_at__isnull=True),
                name="suppressions_one_in_force",
            ),
            models.CheckConstraint(condition=Q(channel__in=Channel.values), name="suppressions_channel"),
            models.CheckConstraint(condition=Q(scope__in=Scope.values), name="suppressions_scope"),
            models.CheckConstraint(
                condition=Q(lifted_at__isnull=True) | ~Q(lift_reason=""),
                name="suppressions_lifted_with_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.address_hint} {self.reason}"
