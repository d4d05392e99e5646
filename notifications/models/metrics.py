"""What all processes counted together: one row a series of /metrics."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class MetricCounter(models.Model):
    """A sum that only grows. Written by `tally.write` alone, never deleted: not by retention, not by a deploy."""

    id = models.BigAutoField(primary_key=True)
    name = models.TextField()
    # The values of the series' labels, in the order of its family (series.py); a histogram's bucket ends with its bound.
    labels = ArrayField(models.TextField())
    value = models.FloatField()

    class Meta:
        db_table = "metric_counters"
        constraints = [
            models.UniqueConstraint(fields=["name", "labels"], name="metric_counters_once"),
            models.CheckConstraint(condition=models.Q(value__gte=0), name="metric_counters_only_grow"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.value:g}"
