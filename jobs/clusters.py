"""Do the clusters work? In: nothing; out, for each, how late its schedules are and how many tasks nobody has taken."""

from dataclasses import dataclass

from django.db import connection

# A cluster moves its schedules on every 30 seconds, so that one whose moment has passed for longer has no cluster. Tasks that
# are locked into the future are in somebody's hands.
CLUSTERS = """
SELECT own.cluster, GREATEST(EXTRACT(epoch FROM now() - own.due), 0)::float8,
       (SELECT count(*) FROM django_q_ormq WHERE key = own.cluster AND lock <= now())
FROM (SELECT cluster, min(next_run) AS due FROM django_q_schedule
      WHERE starts_with(name, 'postroom:') AND cluster IS NOT NULL GROUP BY cluster) AS own
ORDER BY own.cluster
"""


@dataclass(frozen=True, slots=True)
class Cluster:
    name: str
    late_seconds: float
    waiting: int


def clusters() -> list[Cluster]:
    """One query; both tables are small."""
    with connection.cursor() as cursor:
        cursor.execute(CLUSTERS)
        return [Cluster(*row) for row in cursor.fetchall()]
