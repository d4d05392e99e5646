"""What the queue's list asks about jobs: in, a run's id; out, when it worked (`NOTIFICATIONS["JOBS"]`)."""

import uuid
from collections.abc import Sequence

from jobs.catalog import in_order
from jobs.models import JobRun
from notifications.asked import Span


class JobBook:
    """Our catalogue and its runs."""

    def names(self) -> Sequence[str]:
        return sorted(in_order())

    def span(self, run: uuid.UUID) -> Span | None:
        found = JobRun.objects.filter(pk=run).values_list("started_at", "finished_at").first()
        return Span(*found) if found else None
