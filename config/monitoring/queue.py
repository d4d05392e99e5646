"""The queue's gauges: in, the moment; out, what is ready, scheduled and late, and what waits for a person."""

import datetime as dt
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from notifications.backlog import backlog
from notifications.stats import queue_stats
from notifications.webhooks.apply import unapplied


def queue_metrics(*, now: dt.datetime) -> Iterator[Metric]:
    """Five queries."""
    yield from _rows(now)
    yield from _waiting(now)
    yield _reports()


def _rows(now: dt.datetime) -> Iterator[Metric]:
    stats = queue_stats(now=now)
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


def _waiting(now: dt.datetime) -> Iterator[Metric]:
    found = backlog(now=now)
    for name, text, counts in (
        ("postroom_queue_ready", "Messages that are due, up to 10,000 of a priority", found.ready),
        (
            "postroom_queue_scheduled",
            "Messages that are due later, up to 10,000 of a priority",
            found.scheduled,
        ),
        (
            "postroom_unknown_outcomes",
            "Messages that may have been sent: a report or a person must settle them",
            found.unknown,
        ),
    ):
        family = GaugeMetricFamily(name, text, labels=["channel"])
        for channel, count in sorted(counts.items()):
            family.add_metric([channel], count)
        yield family


def _reports() -> Metric:
    left = unapplied()
    rows = GaugeMetricFamily(
        "postroom_reports",
        "Reports of providers that are not applied: waiting, or stuck until a person looks",
        labels=["standing"],
    )
    rows.add_metric(["waiting"], left.waiting)
    rows.add_metric(["stuck"], left.stuck)
    return rows
