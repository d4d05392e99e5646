"""How often somebody did something in a window of time: the memory that all processes share."""

from django.db import models
from django.db.models import Q


class RequestCount(models.Model):
    """One limit and one caller. Unlogged: a crash forgets it, and nothing waits for the disk. Written by `counting.py` alone."""

    digest = models.TextField(
        primary_key=True, help_text="Keyed hash of limit and caller: no address is kept"
    )
    count = models.IntegerField()
    ends_at = models.DateTimeField()

    class Meta:
        db_table = "request_counts"
        indexes = [models.Index(fields=["ends_at"], name="request_counts_end")]  # the sweep
        constraints = [models.CheckConstraint(condition=Q(count__gte=0), name="request_counts_count")]

    def __str__(self) -> str:
        return f"{self.count} until {self.ends_at}"
