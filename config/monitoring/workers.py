"""Who works, and which release: in, nothing; out, whether a drain lives, whether clusters move their schedules, and the build."""

import platform
import tomllib
from collections.abc import Iterator
from functools import cache

import django
from django.conf import settings
from django.db import connection
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric

from jobs.clusters import clusters

ALIVE = "SELECT alive_until > clock_timestamp(), EXTRACT(epoch FROM alive_until)::float8 FROM drain_watch"


def worker_metrics() -> Iterator[Metric]:
    """Two queries."""
    yield from _drain()
    yield from _clusters()
    yield InfoMetricFamily(
        "postroom_build",
        "What runs here",
        value={
            "version": _version(),
            "release": settings.RELEASE,
            "python": platform.python_version(),
            "django": django.get_version(),
        },
    )


def _drain() -> Iterator[Metric]:
    with connection.cursor() as cursor:
        cursor.execute(ALIVE)
        is_alive, until = cursor.fetchone() or (False, 0.0)
    yield GaugeMetricFamily("postroom_drain_alive", "1 while a drain says that it lives", value=int(is_alive))
    yield GaugeMetricFamily(
        "postroom_drain_alive_until_timestamp_seconds",
        "Until when the last drain that spoke counts as alive; 0: none ever did",
        value=until,
    )


def _clusters() -> Iterator[Metric]:
    late = GaugeMetricFamily(
        "postroom_cluster_late_seconds", "How long the oldest schedule has been due", labels=["cluster"]
    )
    waiting = GaugeMetricFamily(
        "postroom_cluster_tasks_waiting", "Tasks that no worker has taken yet", labels=["cluster"]
    )
    for cluster in clusters():
        late.add_metric([cluster.name], cluster.late_seconds)
        waiting.add_metric([cluster.name], cluster.waiting)
    yield from (late, waiting)


@cache
def _version() -> str:
    with (settings.BASE_DIR / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])
