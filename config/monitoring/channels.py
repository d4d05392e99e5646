"""The channels' gauges: in, the moment; out, what stands against sending, the breaker, and how readers take our e-mails."""

import datetime as dt
from collections.abc import Iterator

from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from consent.models import Category
from notifications.breaker import State
from notifications.channel_state import Kind, states
from notifications.conf import conf
from notifications.models import CategoryStop, SendingDay

# Days that a spike of complaints stays in sight: reports come late.
DAYS = 3


def channel_metrics(*, now: dt.datetime) -> Iterator[Metric]:
    """Three queries."""
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
    yield from (stopped, breaker, _marketing_stopped(), _complaints(now))


def _marketing_stopped() -> Metric:
    stopped = GaugeMetricFamily(
        "postroom_category_stopped",
        "1 while a category does not go out on a channel until a person says so",
        labels=["channel", "category"],
    )
    stopped.add_metric(["email", Category.MARKETING.value], 0)
    for channel, category in CategoryStop.objects.filter(lifted_at__isnull=True).values_list(
        "channel", "category"
    ):
        stopped.add_metric([channel, category], 1)
    return stopped


def _complaints(now: dt.datetime) -> Metric:
    """Of days with enough mail to speak of a share."""
    policy, since = conf().complaints, timezone.localtime(now).date() - dt.timedelta(days=DAYS)
    days = [
        day
        for day in SendingDay.objects.filter(day__gte=since)
        if policy.is_enough(delivered=day.delivered, complained=day.complained)
    ]
    return GaugeMetricFamily(
        "postroom_complaint_ratio",
        "The worst day's share of e-mails that readers reported as spam, of the last days",
        value=max((day.rate for day in days), default=0.0),
    )
