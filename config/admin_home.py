"""The admin's first page: in, a request; out, how the queue, the channels and the jobs stand, as far as its user may see.

A thin beginning: charts, history and what needs attention first come with the back office.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from consent.models import Channel
from jobs.admin.summary import JOB_STATES
from jobs.status import job_statuses
from notifications.admin.figures import COUNT_LIMIT, QueueFigures, queue_figures
from notifications.models import Notification

LATE = dt.timedelta(minutes=5)
Status = Notification.Status
# What the rules withheld and what a person stopped: one state of the queue.
STATUS_NAMES: Mapping[str, Promise] = {Status.CANCELLED: gettext_lazy("Withheld")}


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure. `tone` is empty, warn or bad; `url` the list behind it."""

    name: str | Promise
    figure: str
    note: str
    url: str
    tone: str = ""


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """unfold's DASHBOARD_CALLBACK. Each part is asked for only if its reader may see it."""
    now = timezone.now()
    context["title"] = _("Home")
    if request.user.has_perm("notifications.view_notification"):
        figures = queue_figures(now=now)
        context["tiles"] = tiles(figures)
        context["by_channel"] = by_channel(figures)
        context["statuses"] = [STATUS_NAMES.get(status, label) for status, label in Status.choices]
    if request.user.has_perm("jobs.view_jobrun"):
        context["jobs"] = [(job, *JOB_STATES[job.state]) for job in job_statuses(now=now)]
        context["jobs_url"] = _url("jobs_jobrun")
    return context


def tiles(figures: QueueFigures) -> list[Tile]:
    age = figures.oldest_age
    waiting = sum(backlog.waiting for backlog in figures.backlogs)
    day = _("last 24 hours")
    queue = _url("notifications_notification")
    failed = figures.total(Status.FAILED)
    return [
        Tile(
            _("Due now"),
            f"{waiting}" if waiting < COUNT_LIMIT else _("more than %d") % COUNT_LIMIT,
            _("oldest waits %s") % in_words(age) if age is not None else _("nothing waits"),
            f"{queue}?status__exact=queued",
            "warn" if age is not None and age > LATE else "",
        ),
        Tile(_("Sent"), str(figures.total(Status.SENT)), day, f"{queue}?status__exact=sent"),
        Tile(_("Failed"), str(failed), day, f"{queue}?status__exact=failed", "bad" if failed else ""),
        Tile(
            STATUS_NAMES[Status.CANCELLED],
            str(figures.total(Status.CANCELLED)),
            day,
            f"{queue}?status__exact=cancelled",
        ),
    ]


def by_channel(figures: QueueFigures) -> list[dict[str, Any]]:
    """A row a channel: the day's counts by status, what waits, open or paused."""
    queue = _url("notifications_notification")
    return [
        {
            "label": Channel(backlog.channel).label,
            "url": f"{queue}?channel__exact={backlog.channel}",
            "counts": [figures.counts.get((backlog.channel, status), 0) for status in Status.values],
            "backlog": backlog,
            "waits": in_words(backlog.oldest_age) if backlog.oldest_age is not None else "",
        }
        for backlog in figures.backlogs
    ]


def in_words(age: dt.timedelta) -> str:
    """One unit is enough to act on."""
    seconds = max(0, int(age.total_seconds()))
    if seconds < 120:
        return ngettext("%d second", "%d seconds", seconds) % seconds
    if seconds < 7200:
        return ngettext("%d minute", "%d minutes", seconds // 60) % (seconds // 60)
    if seconds < 172_800:
        return ngettext("%d hour", "%d hours", seconds // 3600) % (seconds // 3600)
    return ngettext("%d day", "%d days", seconds // 86_400) % (seconds // 86_400)


def _url(name: str) -> str:
    try:
        return reverse(f"admin:{name}_changelist")
    except NoReverseMatch:
        return ""
