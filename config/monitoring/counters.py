"""What all processes counted together: in, the table that they add to (notifications/tally.py); out, counters and histograms."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

from consent.models import Channel
from jobs import catalog
from jobs.models import JobRun
from jobs.report import Outcome as JobOutcome
from notifications import series
from notifications.channels.registry import CHANNELS
from notifications.errors import Misconfigured, Permanent, Sent, Transient, Unknown
from notifications.models import MetricCounter

Sums = Mapping[str, Mapping[tuple[str, ...], float]]
OUTCOMES = tuple(kind.kind for kind in (Sent, Transient, Permanent, Misconfigured, Unknown))
RESULTS = (*(outcome.value for outcome in JobOutcome), JobRun.Status.CRASHED.value)


def counted_metrics() -> Iterator[Metric]:
    """One query. Series of which we know that they will be begin with 0, so that their first increase is one."""
    sums = _sums()
    for counter in series.COUNTERS:
        family = CounterMetricFamily(counter.name, counter.help, labels=counter.labels)
        found = dict.fromkeys(_foreseen(counter), 0.0) | dict(sums.get(counter.name, {}))
        for labels, value in sorted(found.items()):
            family.add_metric(labels, value)
        yield family
    for histogram in series.HISTOGRAMS:
        yield _histogram(histogram, sums)


def _sums() -> Sums:
    sums: defaultdict[str, dict[tuple[str, ...], float]] = defaultdict(dict)
    for name, labels, value in MetricCounter.objects.values_list("name", "labels", "value"):
        sums[name][tuple(labels)] = value
    return sums


def _foreseen(counter: series.Counter) -> list[tuple[str, ...]]:
    match counter.name:
        case series.OUTCOMES.name:
            pairs = [(name, kind) for name in CHANNELS for kind in OUTCOMES]
            return [(name, CHANNELS[name].provider, kind) for name, kind in pairs]
        case series.ENDED.name:
            return list(product(Channel.values, ("sent", "failed", "cancelled")))
        case series.RETRIES.name:
            return [(name,) for name in Channel.values]
        case series.JOB_RUNS.name:
            return list(product(sorted(catalog.CATALOG), RESULTS))
        case _:
            return []


def _histogram(histogram: series.Histogram, sums: Sums) -> Metric:
    family = HistogramMetricFamily(histogram.name, histogram.help, labels=histogram.labels)
    buckets = sums.get(f"{histogram.name}_bucket", {})
    for labels, total in sorted(sums.get(f"{histogram.name}_sum", {}).items()):
        family.add_metric(labels, _cumulated(histogram.ends, labels, buckets), sum_value=total)
    return family


def _cumulated(
    ends: Sequence[str], labels: tuple[str, ...], buckets: Mapping[tuple[str, ...], float]
) -> list[tuple[str, float]]:
    """A bucket of the format holds all that is below its end."""
    below, found = 0.0, []
    for end in ends:
        below += buckets.get((*labels, end), 0.0)
        found.append((end, below))
    return found
