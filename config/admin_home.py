"""The admin's first page: in, a request; out, how everything stands, as far as its reader may see, and the same as a fragment."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_safe

from config.dashboard.amounts import in_words
from config.dashboard.attention import LATE, in_order, of_jobs, of_reports, of_texts
from config.dashboard.attention_queue import of_the_queue
from config.dashboard.channel_rows import channel_rows
from config.dashboard.links import Links
from config.dashboard.own_acts import own_acts
from config.dashboard.traffic_card import PERIODS, is_period, traffic_card
from consent.models import Channel
from jobs.admin.strip import strips
from jobs.admin.summary import JOB_STATES
from jobs.status import job_statuses
from notifications.admin.figures import Backlog, backlogs, oldest_of
from notifications.models import Notification
from notifications.state_counts import DUE, Counted, grouped, state_counts
from notifications.traffic.period import Period, span
from notifications.traffic.read import figures

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
    """unfold's DASHBOARD_CALLBACK."""
    context["title"] = _("Home")
    return {**context, **home(request, now=timezone.now()), "own_acts": own_acts(request.user)}


@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """The inside of the page, for live.js."""
    return TemplateResponse(request, "config/home/live.html", home(request, now=timezone.now()))


def home(request: HttpRequest, *, now: dt.datetime) -> dict[str, Any]:
    """Each part is asked for only if its reader may see it."""
    links = Links(request.user)
    asked = request.GET.get("period", "")
    period = Period(asked) if is_period(asked) else Period.DAY
    context: dict[str, Any] = {
        "period": period.value,
        "periods": [(one.value, label, one is period) for one, label in PERIODS.items()],
        "now": now,
    }
    matters = chain(of_reports(links), of_texts(links))
    if links.may("notifications.view_notification"):
        found = figures(span(period, now=now, zone=timezone.get_current_timezone()), now=now)
        channels, counts = backlogs(now=now), state_counts(now=now)
        matters = chain(of_the_queue(channels, counts[Status.FAILED], found, links, now=now), matters)
        context["tiles"] = _tiles(counts, channels, links)
        context["channels"] = channel_rows(channels, found, links)
        context["traffic"] = traffic_card(found, links)
    if links.may("jobs.view_jobrun"):
        statuses = job_statuses(now=now)
        pictures = strips([job.name for job in statuses], now=now)
        matters = chain(matters, of_jobs(statuses, links, now=now))
        context["jobs"] = [
            (job, *JOB_STATES[job.state], links.job(job.name), pictures[job.name]) for job in statuses
        ]
        context["jobs_url"] = links.list_of("jobs.jobrun")
    if context.keys() & {"tiles", "jobs"} or links.may("notifications.view_inboundtext"):
        context["matters"] = in_order(matters)
    return context


def _tiles(counts: Mapping[str, Counted], channels: Sequence[Backlog], links: Links) -> list[Tile]:
    """The queue by state. What is kept of what ended is a matter of retention, so these are no rates."""
    age = oldest_of(channels)
    queued, due = counts[Status.QUEUED], counts[DUE]
    later = grouped(queued.count - due.count) if queued.is_exact and due.is_exact else _short(queued)
    kept = _("in the queue")
    return [
        Tile(
            _("Due now"),
            _short(due),
            _waiting(due, age, channels),
            links.queue(status__exact="queued"),
            "warn" if age is not None and age > LATE else "",
        ),
        Tile(_("For later"), later, _("queued, not due yet"), links.queue(status__exact="queued")),
        Tile(
            _("In flight"),
            _short(counts[Status.PROCESSING]),
            _("with a worker"),
            links.queue(status__exact="processing"),
        ),
        Tile(_("Sent"), _short(counts[Status.SENT]), kept, links.queue(status__exact="sent")),
        Tile(
            _("Failed"),
            _short(counts[Status.FAILED]),
            _("for a person to look at"),
            links.queue(status__exact="failed"),
            "bad" if counts[Status.FAILED] else "",
        ),
        Tile(
            STATUS_NAMES[Status.CANCELLED],
            _short(counts[Status.CANCELLED]),
            kept,
            links.queue(status__exact="cancelled"),
        ),
    ]


def _waiting(due: Counted, age: dt.timedelta | None, channels: Sequence[Backlog]) -> str:
    """How long what is due has waited, or why it does."""
    if age is None and not due:
        return _("nothing waits")
    paused = [str(Channel(one.channel).label) for one in channels if one.waiting and one.is_paused]
    if age is None and paused:
        told = ngettext("waits: %s is paused", "wait: %s are paused", len(paused))
        return told % ", ".join(paused)
    return _("oldest waits %s") % in_words(age or dt.timedelta())


def _short(count: Counted) -> str:
    """«10,000+» for «more than 10,000»: a tile is narrow."""
    return str(count) if count.is_exact or count.is_estimate else f"{grouped(count.count)}+"
