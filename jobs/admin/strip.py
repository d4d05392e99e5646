"""The last runs of a job as a small picture: in, jobs; out, an inline SVG each, a bar a run, the newest on the right.

A bar's height is how long the run took, against the longest of the strip; its colour and its mark are how it ended. Each bar
leads to its run. Pages that show one load `jobs/strip.css`.
"""

import datetime as dt
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jobs.admin.summary import did, took
from jobs.last_runs import last_runs
from jobs.models import JobRun

RUNS = 20
# In pixels: a run's place and its bar, the strip's height, what stays free above the bars for a mark.
STEP, BAR, HEIGHT, HEAD = 9, 7, 34, 9
LOWEST = 3
# Beside the colour, so that nobody needs it: a cross where it failed, a hollow bar below one where the worker died, dashes
# where it still runs.
_CROSS = "M{left} {top}l5 5m0 -5l-5 5"
_WRONG = frozenset({JobRun.Status.FAILED, JobRun.Status.CRASHED})


def strips(names: Collection[str], *, now: dt.datetime, count: int = RUNS) -> Mapping[str, SafeString]:
    """By job. One query."""
    return {
        name: strip(name, runs, now=now, count=count) for name, runs in last_runs(names, count=count).items()
    }


def strip(name: str, runs: Sequence[JobRun], *, now: dt.datetime, count: int = RUNS) -> SafeString:
    """The picture of these runs, oldest first. Its places are always `count`, so that strips below each other line up."""
    if not runs:
        return format_html('<span class="jr-none">{}</span>', _("no run yet"))
    lasted = [_seconds(run, now) for run in runs]
    longest = max(*lasted, 0.001)
    free = count - len(runs)
    bars = (
        _bar(run, free + place, seconds / longest)
        for place, (run, seconds) in enumerate(zip(runs, lasted, strict=True))
    )
    width = count * STEP
    return format_html(
        '<svg class="jr-strip" role="group" aria-label="{}" viewBox="0 0 {} {}" width="{}" height="{}">'
        '<path class="jr-floor" d="M0 {}.5h{}"/>{}</svg>',
        _told(name, runs), width, HEIGHT, width, HEIGHT, HEIGHT - 1, width, format_html_join("", "{}", ((bar,) for bar in bars)),
    )  # fmt: skip


def told(run: JobRun) -> str:
    """«2026-11-28 14:05 · Failed · 0.42 s · the ledger is closed»."""
    what = str(did(status=run.status, error=None, summary=run.summary)) if not run.error_message else ""
    at = timezone.localtime(run.started_at).strftime("%Y-%m-%d %H:%M")
    words = [
        at,
        str(JobRun.Status(run.status).label),
        took(run.duration),
        what or (run.error_message or "")[:120],
    ]
    return " · ".join(word for word in words if word)


def _told(name: str, runs: Sequence[JobRun]) -> str:
    """What the picture says at a glance, for who does not see it."""
    counted = Counter(run.status for run in runs)
    ends = ", ".join(f"{count} {JobRun.Status(status).label}" for status, count in counted.most_common())
    title = ngettext("The last %(count)d run of %(job)s", "The last %(count)d runs of %(job)s", len(runs))
    return f"{title % {'count': len(runs), 'job': name}}: {ends}"


def _bar(run: JobRun, place: int, share: float) -> SafeString:
    left = place * STEP + 1
    high = LOWEST + round((HEIGHT - 1 - HEAD - LOWEST) * share)
    top = HEIGHT - 1 - high
    cross = _CROSS.format(left=left + 1, top=top - 7) if run.status in _WRONG else ""
    # Of twenty bars the keyboard stops at those that went wrong or go on; the job's page lists every run.
    stop = 0 if run.status != JobRun.Status.SUCCESS else -1
    return format_html(
        '<a href="{}" tabindex="{}" class="jr-run jr-run--{}"><title>{}</title>'
        '<rect class="jr-place" x="{}" width="{}" height="{}"/>'
        '<rect class="jr-bar" x="{}" y="{}" width="{}" height="{}" rx="1"/>{}</a>',
        reverse("admin:jobs_jobrun_change", args=[run.pk]), stop, run.status, told(run),
        left - 1, STEP, HEIGHT, left, top, BAR, high,
        format_html('<path class="jr-cross" d="{}"/>', cross) if cross else "",
    )  # fmt: skip


def _seconds(run: JobRun, now: dt.datetime) -> float:
    end = run.finished_at or (now if run.status == JobRun.Status.RUNNING else run.lease_until)
    return max((run.duration or end - run.started_at).total_seconds(), 0.0)
