"""The links that let a reader leave."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from consent.models.words import Category, Channel


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
        indexes = [models.Index(fields=["expires_at"], name="unsubscribe_tokens_expires_at")]

    def __str__(self) -> str:
        return f"{self.channel} {self.category} until {self.expires_at:%Y-%m-%d}"
