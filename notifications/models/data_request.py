"""What was done about one person's data: the receipt of an erasure, the record of an export."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7


class DataRequest(models.Model):
    """One export or erasure: of whom (by id), when, by whom, why, and how much. Append-only (trigger); no address, no name."""

    class Kind(models.TextChoices):
        EXPORT = "export", _("Export")
        ERASURE = "erasure", _("Erasure")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.TextField(choices=Kind.choices)
    customer_id = models.TextField()
    made_by = models.TextField(help_text=_("staff:ID or command"))
    reason = models.TextField()
    made_at = models.DateTimeField()
    counts = models.JSONField(default=dict)
    sha256 = models.TextField(help_text=_("Of the exported document, or of this receipt"))

    class Meta:
        db_table = "data_requests"
        verbose_name = _("request about personal data")
        verbose_name_plural = _("requests about personal data")
        ordering = ["-made_at", "-id"]
        permissions = [
            ("export_customer", _("Can export all data of a customer")),
            ("erase_customer", _("Can erase all data of a customer")),
        ]
        indexes = [
            models.Index(fields=["customer_id", "-made_at"], name="data_requests_customer"),
            models.Index(fields=["-made_at", "-id"], name="data_requests_newest"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["export", "erasure"]), name="data_requests_kind"),
            models.CheckConstraint(condition=~Q(reason=""), name="data_requests_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of customer {self.customer_id}"
