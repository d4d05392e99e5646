"""Since when each job is to run: a row a job. Only `jobs/known.py` writes here."""

from django.db import models


class KnownJob(models.Model):
    """A job has no run to count from before its first, so this is the moment at which its silence begins."""

    job_name = models.TextField(primary_key=True)
    since = models.DateTimeField()

    class Meta:
        db_table = "known_jobs"

    def __str__(self) -> str:
        return f"{self.job_name} since {self.since:%Y-%m-%d %H:%M}"
