"""How far a long run is, and whether somebody asks it to stop: a row a job, overwritten by its next long run.

Only `jobs/progress.py` writes here.
"""

from django.db import models
from django.db.models import Q


class JobProgress(models.Model):
    """Beside `job_runs`, because a run holds its own row locked while it works."""

    job_name = models.TextField(primary_key=True)
    run_id = models.UUIDField()
    done = models.BigIntegerField()
    total = models.BigIntegerField()
    told_at = models.DateTimeField()
    stop_by = models.TextField(blank=True, default="", db_default="")
    stop_reason = models.TextField(blank=True, default="", db_default="")

    class Meta:
        db_table = "job_progress"
        constraints = [
            models.CheckConstraint(condition=Q(done__gte=0, total__gte=0), name="job_progress_counts"),
            models.CheckConstraint(
                condition=Q(stop_by="") | ~Q(stop_reason=""), name="job_progress_stop_says_why"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.job_name} {self.done}/{self.total}"
