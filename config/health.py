"""Is it alive, may it get traffic, how does it do? In: a probe; out, /healthz, /readyz and /metrics.

All of it comes from the database: a worker's own word is worth nothing when the worker hangs.
"""

from collections.abc import Iterator

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from jobs.status import job_statuses
from notifications.api.auth import identify
from notifications.api.envelope import ApiError, refuse
from notifications.breaker import State
from notifications.channel_state import Kind, states
from notifications.stats import queue_stats
from notifications.webhooks.apply import unapplied


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """The process answers. No database: a restart would not mend that."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """The database answers and has every table of this release."""
    try:
        connection.ensure_connection()
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return JsonResponse({"status": "unavailable", "reason": "the database does not answer"}, status=503)
    if missing:
        names = [f"{migration.app_label}.{migration.name}" for migration, _ in missing]
        return JsonResponse(
            {"status": "unavailable", "reason": "migrations are missing", "missing": names}, status=503
        )
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus' text format, for a token with the scope `queue:read`, or staff."""
    try:
        identify(request, scope="queue:read", permission="notifications.view_notification")
    except ApiError as error:
        return refuse(error)
    # A registry a request: nothing is kept between scrapes, so dead processes leave nothing behind.
    registry = CollectorRegistry()
    registry.register(_FromDatabase())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class _FromDatabase(Collector):
    def collect(self) -> Iterator[Metric]:
        yield from _queue()
        yield from _channels()
        yield from _reports()
        yield from _jobs()


def _queue() -> Iterator[Metric]:
    stats = queue_stats(now=timezone.now())
    rows = GaugeMetricFamily(
        "postroom_queue_rows", "Rows by status and channel, up to 10,000", labels=["status", "channel"]
    )
    for depth in stats.depths:
        rows.add_metric([depth.status, depth.channel], depth.count)
    age = GaugeMetricFamily(
        "postroom_queue_oldest_due_seconds", "How long the oldest due row has waited", labels=["channel"]
    )
    for channel, seconds in stats.oldest_due_seconds.items():
        age.add_metric([channel], seconds)
    yield from (rows, age)


def _channels() -> Iterator[Metric]:
    stopped = GaugeMetricFamily(
        "postroom_channel_stopped", "1 while this stands against sending", labels=["channel", "by"]
    )
    breaker = GaugeMetricFamily(
        "postroom_channel_breaker", "1 for the state of the breaker", labels=["channel", "state"]
    )
    for standing in states():
        in_force = {stop.kind for stop in standing.stops}
        for kind in Kind:
            stopped.add_metric([standing.channel, kind], int(kind in in_force))
        for state in State:
            breaker.add_metric([standing.channel, state], int(state is standing.breaker))
    yield from (stopped, breaker)


def _reports() -> Iterator[Metric]:
    left = unapplied()
    rows = GaugeMetricFamily(
        "postroom_reports",
        "Reports of providers that are not applied: waiting, or stuck until a person looks",
        labels=["standing"],
    )
    rows.add_metric(["waiting"], left.waiting)
    rows.add_metric(["stuck"], left.stuck)
    yield rows


def _jobs() -> Iterator[Metric]:
    success = GaugeMetricFamily(
        "postroom_job_last_success_timestamp_seconds", "Start of the last success", labels=["job"]
    )
    failures = GaugeMetricFamily(
        "postroom_job_consecutive_failures", "Failures since the last success", labels=["job"]
    )
    overdue = GaugeMetricFamily("postroom_job_overdue", "1 if slots passed without a success", labels=["job"])
    paused = GaugeMetricFamily("postroom_job_paused", "1 while somebody stopped its schedule", labels=["job"])
    for job in job_statuses(now=timezone.now()):
        if job.last_success_at:
            success.add_metric([job.name], job.last_success_at.timestamp())
        failures.add_metric([job.name], job.consecutive_failures)
        overdue.add_metric([job.name], int(job.overdue))
        paused.add_metric([job.name], int(job.pause is not None))
    yield from (success, failures, overdue, paused)
