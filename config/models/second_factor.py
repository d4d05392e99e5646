"""What a member of staff has beside a password."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class SecondFactor(models.Model):
    """One authenticator app, its secret sealed, and what is left of the recovery codes, hashed. Written by `second_factor.py`."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    sealed = models.TextField(help_text="The shared secret (RFC 6238), encrypted under FIELD_KEYS")
    confirmed_at = models.DateTimeField(null=True, blank=True)
    last_step = models.BigIntegerField(
        default=0, help_text="The half minute of the last code: none counts twice"
    )
    recovery = ArrayField(models.TextField(), default=list, help_text="SHA-256 of the codes that are left")

    class Meta:
        db_table = "second_factors"
        verbose_name = _("second factor")
        verbose_name_plural = _("second factors")
        constraints = [
            models.CheckConstraint(
                condition=Q(confirmed_at__isnull=False) | Q(recovery__len=0),
                name="second_factors_confirmed_first",
            )
        ]

    def __str__(self) -> str:
        return f"staff:{self.pk}"
