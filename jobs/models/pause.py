"""Who stopped a job's schedule, why, and until when: one row a pause, kept as the history.

Only `jobs/pause.py` writes here.
"""

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class JobPause(models.Model):
    """In force until somebody resumes the job, or until its moment has come."""

    id = models.BigAutoField(primary_key=True)
    job_name = models.TextField()
    paused_at = models.DateTimeField()
    paused_by = models.TextField(help_text=_("staff:<id>, token:<name> or command"))
    reason = models.TextField()
    until = models.DateTimeField(null=True, blank=True, help_text=_("Empty: until somebody resumes it"))
    resumed_at = models.DateTimeField(null=True, blank=True)
    resumed_by = models.TextField(blank=True, db_default="", default="")
    resume_reason = models.TextField(blank=True, db_default="", default="")

    class Meta:
        db_table = "job_pauses"
        verbose_name = _("pause of a job")
        verbose_name_plural = _("pauses of jobs")
        ordering = ["-paused_at", "-id"]
        permissions = [("pause_job", _("Can pause and resume the schedules of jobs"))]
        indexes = [models.Index(fields=["job_name", "-paused_at"], name="job_pauses_latest")]
        constraints = [
            models.UniqueConstraint(
                fields=["job_name"], condition=Q(resumed_at__isnull=True), name="job_pauses_one_open"
            ),
            models.CheckConstraint(
                condition=~Q(reason="") & ~Q(paused_by=""), name="job_pauses_say_who_and_why"
            ),
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__gt=F("paused_at")), name="job_pauses_until"
            ),
            models.CheckConstraint(
                condition=Q(resumed_at__isnull=True, resumed_by="")
                | (Q(resumed_at__gte=F("paused_at")) & ~Q(resumed_by="")),
                name="job_pauses_end",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.job_name} {timezone.localtime(self.paused_at):%Y-%m-%d %H:%M}"
