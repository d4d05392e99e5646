"""Tell Sentry when a scheduled run begins and ends, so that it tells you of one that is missing: in, a run; out, check-ins.

Off unless SENTRY_CRONS says so (docs/howto/monitor.md). Sentry learns each job's schedule from the first one.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.conf import settings
from sentry_sdk.crons import capture_checkin

from jobs.ledger import Order
from jobs.spec import JobSpec

if TYPE_CHECKING:
    from sentry_sdk.types import MonitorConfig

# Minutes that a run may come late: the scheduler ticks every 30 seconds, and other jobs are before it.
MARGIN = 5


def check_in(spec: JobSpec, order: Order) -> Callable[[bool], None]:
    """Say that the slot's run begins; what it answers says how it ended. Nothing of runs that a person asked for."""
    if (
        not getattr(settings, "SENTRY_CRONS", False) or order.slot is None
    ):  # a host's settings need not know it
        return lambda _: None
    monitor: MonitorConfig = {
        "schedule": {"type": "crontab", "value": spec.cron},
        "timezone": settings.TIME_ZONE,
        "checkin_margin": MARGIN,
        "max_runtime": max(1, round(spec.timeout.total_seconds() / 60)),
    }
    slug = spec.name.replace("_", "-")
    id_ = capture_checkin(monitor_slug=slug, status="in_progress", monitor_config=monitor)

    def end(well: bool) -> None:
        capture_checkin(
            monitor_slug=slug, check_in_id=id_, status="ok" if well else "error", monitor_config=monitor
        )

    return end
