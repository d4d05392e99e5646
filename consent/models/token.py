"""The links in messages: that let a reader leave, and that let them confirm that they want to stay."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from consent.models.words import Category, Channel


class ConfirmRequest(models.Model):
    """A question to an address, whether its owner agrees. Only the token's SHA-256 is kept; `event` is the one `requested`."""

    token_sha256 = models.TextField(primary_key=True)
    event = models.OneToOneField("ConsentEvent", on_delete=models.PROTECT, related_name="question")
    customer_id = models.TextField()
    channel = models.TextField(choices=Channel.choices)
    category = models.TextField(choices=Category.choices)
    locale = models.TextField(default="en")
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "consent_requests"
        verbose_name = _("request for confirmation")
        verbose_name_plural = _("requests for confirmation")
        indexes = [
            # What was asked of this customer lately.
            models.Index(fields=["customer_id", "-asked_at"], name="consent_requests_customer"),
            # What is too old to be answered (retention).
            models.Index(fields=["expires_at"], name="consent_requests_expires_at"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(channel__in=Channel.values), name="consent_requests_channel"),
            models.CheckConstraint(
                condition=Q(category__in=Category.values), name="consent_requests_category"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.category} until {self.expires_at:%Y-%m-%d}"


class UnsubscribeToken(models.Model):
    """A link in one message that lets its reader leave. Only the token's SHA-256 is kept."""

    token_sha256 = models.TextField(primary_key=True)
    customer_id = models.TextField()
    channel = models.TextField(choices=Channel.choices)
    category = models.TextField(choices=Category.choices)
    notification_id = models.UUIDField(null=True)
    locale = models.TextField(default="en")
    address_hmac = models.TextField(
        blank=True, default="", db_default="", help_text=_("The address it went to; empty when not known")
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "unsubscribe_tokens"
        verbose_name = _("unsubscribe link")
        verbose_name_plural = _("unsubscribe links")
        indexes = [
            models.Index(fields=["expires_at"], name="unsubscribe_tokens_expires_at"),
            # What is kept of one customer (export, erasure).
            models.Index(fields=["customer_id"], name="unsubscribe_tokens_customer"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.category} until {self.expires_at:%Y-%m-%d}"
