"""How does it do? In: a scrape; out, /metrics, in the format that the scraper asks for (Prometheus' text or OpenMetrics).

All of it comes from the database, so that one process's answer is every process's: a worker's own word is worth nothing when
the worker hangs, and counts that lie in memory are gone with the next deploy.
"""

from collections.abc import Iterator

from django.db import DatabaseError, InterfaceError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from config.monitoring.channels import channel_metrics
from config.monitoring.counters import counted_metrics
from config.monitoring.jobs import job_metrics
from config.monitoring.queue import queue_metrics
from config.monitoring.workers import worker_metrics
from notifications import tally
from notifications.api.auth import identify
from notifications.api.envelope import ApiError, refuse

# A scrape that takes longer is given up here before the scraper does (scrape_timeout, 10 s).
PATIENCE = "8s"


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """For a token with the scope `queue:read`, or staff."""
    try:
        identify(request, scope="queue:read", permission="notifications.view_notification")
        tally.write()
        # A registry a request: nothing is kept between scrapes.
        registry = CollectorRegistry()
        registry.register(_FromDatabase())
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [PATIENCE])
            text = encode(registry)
            cursor.execute("SET LOCAL statement_timeout TO DEFAULT")
        return HttpResponse(text, content_type=content_type)
    except ApiError as error:
        return refuse(error)
    except (DatabaseError, InterfaceError):
        return HttpResponse("The database does not answer.\n", content_type="text/plain", status=503)


class _FromDatabase(Collector):
    def describe(self) -> Iterator[Metric]:
        """Nothing, or the registry would collect once just to learn the names."""
        yield from ()

    def collect(self) -> Iterator[Metric]:
        now = timezone.now()
        yield from counted_metrics()
        yield from queue_metrics(now=now)
        yield from channel_metrics(now=now)
        yield from job_metrics(now=now)
        yield from worker_metrics()
