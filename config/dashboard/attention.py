"""What needs a person first: in, how everything stands; out, what is wrong, the gravest first, each with where it is mended.

Each part is asked for only if its reader may see it, and counts no further than a person reads.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.dashboard.amounts import in_words
from config.dashboard.links import Links
from jobs.status import TOLERATED_FAILURES, JobStatus
from notifications.open_texts import CAP, open_texts
from notifications.state_counts import grouped
from notifications.webhooks.apply import unapplied

LATE = dt.timedelta(minutes=5)


class Gravity(IntEnum):
    BAD = 0
    WARN = 1
    INFO = 2

    @property
    def tone(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Matter:
    """One thing to look at. `act` names what its link does; without a right there is no link."""

    gravity: Gravity
    title: str
    detail: str = ""
    act: str = ""
    url: str = ""


def in_order(matters: Iterator[Matter]) -> list[Matter]:
    """The gravest first; within a gravity as they come, which is how soon people feel them."""
    return sorted(matters, key=lambda matter: matter.gravity)


def of_reports(links: Links) -> Iterator[Matter]:
    """Webhooks that could not be applied. One query, for who may see them."""
    if not links.may("notifications.view_providerevent"):
        return
    stuck = unapplied().stuck
    if stuck:
        yield Matter(
            Gravity.BAD,
            ngettext("%s report of a provider could not be applied", "%s reports of providers could not be applied", stuck)
            % grouped(stuck),
            _("Deliveries, bounces or STOPs may be among them."),
            _("Try again"),
            links.list_of("notifications.providerevent", standing="stuck"),
        )  # fmt: skip


def of_texts(links: Links) -> Iterator[Matter]:
    """Texts that nobody understood, and of which nobody has said what came of them. One query, for who may see them."""
    if not links.may("notifications.view_inboundtext"):
        return
    count = open_texts()
    if count:
        yield Matter(
            Gravity.WARN,
            ngettext("%s text from a customer is unclear", "%s texts from customers are unclear", count)
            % (f"{CAP}+" if count > CAP else count),
            _("They may ask us to stop, and wait for a person."),
            _("Read them"),
            links.list_of("notifications.inboundtext", done="no"),
        )


def of_jobs(statuses: Sequence[JobStatus], links: Links, *, now: dt.datetime) -> Iterator[Matter]:
    """Overdue, crashed, failing and paused jobs. No query."""
    for job in statuses:
        url, act = links.job(job.name), _("Open the job")
        if job.pause:
            reason = job.pause.reason
            yield Matter(Gravity.INFO, _("%s is paused") % job.name, reason, act, url)
        elif job.overdue:
            since = job.last_success_at
            told = _("no success for %s") % in_words(now - since) if since else _("it never succeeded")
            yield Matter(Gravity.BAD, _("%s is overdue") % job.name, told, act, url)
        elif job.consecutive_failures:
            gravity = Gravity.BAD if job.consecutive_failures > TOLERATED_FAILURES else Gravity.WARN
            told = ngettext("%d failure in a row", "%d failures in a row", job.consecutive_failures)
            last = job.last_run.error[:120] if job.last_run else ""
            yield Matter(
                gravity,
                _("%s fails") % job.name,
                " · ".join(filter(None, (told % job.consecutive_failures, last))),
                act,
                url,
            )
