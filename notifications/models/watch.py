"""Who watches the queue: until when some drain is alive, and until when one sleeps and wants to be woken."""

from django.db import models
from django.db.models import Q


class DrainWatch(models.Model):
    """One row, in an unlogged table: it is written every second, and after a crash nobody watches anyway."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    alive_until = models.DateTimeField()
    listening_until = models.DateTimeField()

    class Meta:
        db_table = "drain_watch"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="drain_watch_single")]

    def __str__(self) -> str:
        return f"alive until {self.alive_until}"
