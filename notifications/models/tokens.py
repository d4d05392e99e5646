"""Who may call the HTTP API: names, scopes and SHA-256 of the tokens. The tokens themselves are kept nowhere."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class ServiceToken(models.Model):
    """One token of one program. Made and revoked by `api/issuing.py`; a row stays for ever, as the record of who had access."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.TextField(_("name"))
    sha256 = models.TextField(unique=True)
    scopes = ArrayField(models.TextField(), verbose_name=_("scopes"))
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    created_by = models.TextField(_("created by"))
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, help_text=_("To the hour"))
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    revoked_by = models.TextField(_("revoked by"), blank=True, default="")
    revoke_reason = models.TextField(_("reason"), blank=True, default="")

    class Meta:
        db_table = "service_tokens"
        verbose_name = _("service token")
        verbose_name_plural = _("service tokens")
        ordering = ["name", "-created_at"]
        permissions = [("revoke_servicetoken", "Can revoke service tokens")]
        constraints = [
            # A name says in logs and rows who asked, so that two programs never share one at a time.
            models.UniqueConstraint(
                fields=["name"], condition=Q(revoked_at__isnull=True), name="service_tokens_name"
            ),
            models.CheckConstraint(
                condition=Q(sha256__regex=r"^[0-9a-f]{64}$"), name="service_tokens_sha256"
            ),
            models.CheckConstraint(condition=~Q(name="") & ~Q(created_by=""), name="service_tokens_named"),
            models.CheckConstraint(condition=Q(scopes__len__gt=0), name="service_tokens_scoped"),
            models.CheckConstraint(
                condition=Q(expires_at__isnull=True) | Q(expires_at__gt=F("created_at")),
                name="service_tokens_expire_later",
            ),
            models.CheckConstraint(
                condition=Q(revoked_at__isnull=True, revoked_by="", revoke_reason="")
                | (Q(revoked_at__isnull=False) & ~Q(revoked_by="") & ~Q(revoke_reason="")),
                name="service_tokens_revoked_with_reason",
            ),
        ]

    def __str__(self) -> str:
        return self.name
