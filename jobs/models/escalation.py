"""What the security centre was told about a job: one row from the first sign of trouble to the next success.

Only `jobs/escalation.py` writes here.
"""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class JobEscalation(models.Model):
    """One trouble of one job, open until it is over; how often it was told decides when it is told again."""

    class Kind(models.TextChoices):
        FAILING = "failing", _("Keeps failing")
        CRASHED = "crashed", _("Crashed")
        OVERDUE = "overdue", _("Overdue")

    id = models.BigAutoField(primary_key=True)
    job_name = models.TextField()
    kind = models.TextField(choices=Kind.choices)
    opened_at = models.DateTimeField(db_default=Now())
    last_told_at = models.DateTimeField(null=True, blank=True)
    told = models.IntegerField(default=0, db_default=0, help_text=_("How often the security centre was told"))
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "job_escalations"
        verbose_name = _("job escalation")
        verbose_name_plural = _("job escalations")
        ordering = ["-opened_at", "-id"]
        indexes = [models.Index(fields=["job_name", "-opened_at"], name="job_escalations_latest")]
        constraints = [
            # Two runners see the same trouble at the same moment: one of them opens it.
            models.UniqueConstraint(
                fields=["job_name", "kind"],
                condition=Q(resolved_at__isnull=True),
                name="job_escalations_one_open",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["failing", "crashed", "overdue"]), name="job_escalations_kind"
            ),
            models.CheckConstraint(
                condition=Q(told=0, last_told_at__isnull=True) | Q(told__gte=1, last_told_at__isnull=False),
                name="job_escalations_told",
            ),
            models.CheckConstraint(
                condition=Q(resolved_at__isnull=True) | Q(resolved_at__gte=F("opened_at")),
                name="job_escalations_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.job_name} {self.kind}"
