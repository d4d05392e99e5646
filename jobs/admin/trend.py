"""How long a job takes, and what its runs did, side by side: in, its last runs; out, a chart's data and a table of counts."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from jobs.admin.summary import RUN_TONE, counts, took
from jobs.models import JobRun

# Runs in the chart, and in the table beside each other.
CHARTED, COMPARED = 60, 8
# A logarithmic axis has no zero.
LEAST = 0.001


@dataclass(frozen=True, slots=True)
class Comparison:
    """`runs` from the newest; each row a count's name and its figure in each of them, None where it did not occur."""

    runs: Sequence[JobRun]
    rows: Sequence[tuple[str, Sequence[int | None]]]


def trend(runs: Sequence[JobRun], *, limit: dt.timedelta) -> dict[str, Any] | None:
    """The runs that ended, oldest first; None where there are fewer than two, of which nobody sees a trend."""
    ended = [run for run in runs if run.duration is not None]
    if len(ended) < 2:
        return None
    return {
        "labels": [timezone.localtime(run.started_at).strftime("%Y-%m-%d %H:%M") for run in ended],
        "seconds": [max(round(_length(run).total_seconds(), 3), LEAST) for run in ended],
        "statuses": [run.status for run in ended],
        "limit": limit.total_seconds(),
        "words": {
            "success": str(JobRun.Status.SUCCESS.label),
            "failed": str(JobRun.Status.FAILED.label),
            "crashed": str(JobRun.Status.CRASHED.label),
            "limit": _("Time limit (%s s)") % round(limit.total_seconds()),
            "started": _("Started (%s)") % timezone.get_current_timezone_name(),
            "took": _("Took, in seconds (logarithmic)"),
        },
        "rows": [(run, RUN_TONE[run.status], took(run.duration)) for run in reversed(ended)],
    }


def chart_data(found: dict[str, Any] | None) -> dict[str, Any] | None:
    """What the script draws: all but the table's rows."""
    return {name: value for name, value in found.items() if name != "rows"} if found else None


def compare(runs: Sequence[JobRun]) -> Comparison | None:
    """The last runs that ended, by what they counted; None where nothing was."""
    newest = [run for run in reversed(runs) if run.finished_at][:COMPARED]
    figures = [{word: count for count, word in counts(run.summary)} for run in newest]
    words = list(dict.fromkeys(word for figure in figures for word in figure))
    if not words:
        return None
    return Comparison(newest, [(word, [figure.get(word) for figure in figures]) for word in words])


def _length(run: JobRun) -> dt.timedelta:
    return run.duration or dt.timedelta()
