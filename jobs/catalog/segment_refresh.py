"""The segments that follow a rule: in, `now`; out, their members as of now, segment by segment.

Each segment commits by itself: one whose filter is broken, or takes too long, keeps its members of yesterday and fails the
run, which names it; the others are up to date all the same.
"""

import datetime as dt
import logging
from collections import Counter
from collections.abc import Mapping
from uuid import UUID

from django.db import DatabaseError

from jobs.spec import JobResult, Progress
from rentals.models import CustomerSegment
from rentals.segments.parse import FilterError
from rentals.segments.refresh import refresh

NAME = "segment_refresh"
# The sentence of a failed run has 500 characters; the log names them all.
NAMED = 3
logger = logging.getLogger(__name__)


class SegmentsFailed(RuntimeError):  # noqa: N818
    """Some segments could not be refreshed. The text names them by id, with the place in their filter."""

    def __init__(self, failures: Mapping[UUID, str], *, total: int) -> None:
        named = "; ".join(f"{segment} ({why})" for segment, why in list(failures.items())[:NAMED])
        more = f"; and {len(failures) - NAMED} more" if len(failures) > NAMED else ""
        super().__init__(f"{len(failures)} of {total} segments were not refreshed: {named}{more}")


def run(*, now: dt.datetime, progress: Progress) -> JobResult:
    """Refresh every segment with `auto_refresh`; raises SegmentsFailed at the end if one of them failed."""
    segments = list(
        CustomerSegment.objects.filter(auto_refresh=True).order_by("pk").values_list("pk", flat=True)
    )
    changed: Counter[str] = Counter()
    failures: dict[UUID, str] = {}
    for done, segment in enumerate(segments, start=1):
        try:
            refreshed = refresh(segment, now=now)
        except FilterError as error:
            failures[segment] = str(error).removesuffix(".")
        except DatabaseError as error:
            # Its text may quote rows.
            failures[segment] = type(error).__name__
        else:
            if refreshed:
                changed += Counter({"members added": refreshed.added, "members removed": refreshed.removed})
        progress(done, len(segments))
    for segment, why in failures.items():
        logger.error("segment.failed segment=%s error=%s", segment, why)
    if failures:
        raise SegmentsFailed(failures, total=len(segments))
    return JobResult(found={"segments": len(segments)}, changed=dict(changed))
