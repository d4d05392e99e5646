"""The materialized views, kept fresh: in, `now`; out, each view that is due or was asked for, refreshed and committed by itself.

Due is decided by `rentals/rhythm.py` from the moment a view was last computed for. One that fails keeps its old rows and
is due again at the next run; the others go on, and the run fails at its end with the names of those that did.
"""

import datetime as dt
import logging
from collections import Counter
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import DatabaseError, transaction

from jobs.failure import sentence_of
from jobs.spec import JobResult, Progress
from rentals.rhythm import RHYTHMS, is_due
from rentals.views import Refreshed, note_failure, pending, refresh, states

NAME = "refresh_materialized_views"
logger = logging.getLogger(__name__)

# A view that is wanted every five minutes must not take longer; the others read years of business.
TIMEOUTS = {"mv_alert_candidates": dt.timedelta(minutes=2), "mv_support_sla": dt.timedelta(minutes=2)}
TIMEOUT = dt.timedelta(minutes=3)


class ViewsNotRefreshedError(Exception):
    """Some views failed. The text names them; why stands beside each in the admin, and in the log."""


def run(*, now: dt.datetime, progress: Progress) -> JobResult:
    """Refresh what is due at `now` or asked for, one view a transaction."""
    known, asked, zone = states(), pending(), ZoneInfo(settings.TIME_ZONE)
    due = {view for view in RHYTHMS if is_due(view, computed_for=known[view].moment, now=now, zone=zone)}
    wanted = [view for view in RHYTHMS if view in due or view in asked]
    changed: Counter[str] = Counter()
    measured: dict[str, dt.timedelta] = {}
    failed: list[str] = []
    for done, view in enumerate(wanted, 1):
        try:
            refreshed = refresh(view, now=now, timeout=TIMEOUTS.get(view, TIMEOUT))
        except DatabaseError as error:
            _keep(view, error)
            failed.append(view)
        else:
            changed += _counts(view, refreshed)
            measured |= _times(view, refreshed, age=_age(known[view].moment, now))
        progress(done, len(wanted))
    if failed:
        raise ViewsNotRefreshedError(
            f"{len(failed)} of {len(wanted)} views could not be refreshed: {', '.join(failed)}."
        )
    return JobResult(
        found={"due": len(due), "asked for": len(asked)}, changed=dict(changed), measured=measured
    )


def _counts(view: str, done: Refreshed | None) -> Counter[str]:
    """What a refresh did, in the words of `JobResult.changed`."""
    if done is None:
        logger.info("view.busy view=%s", view)
        return Counter({"left to another refresh": 1})
    logger.info(
        "view.refreshed view=%s seconds=%.3f settled=%d", view, done.duration.total_seconds(), done.settled
    )
    return Counter({"views refreshed": 1, "requests settled": done.settled})


def _times(view: str, done: Refreshed | None, *, age: dt.timedelta | None) -> dict[str, dt.timedelta]:
    """How long the refresh took, and how old the view was before it."""
    if done is None:
        return {}
    took = {f"{view} took": done.duration}
    return took if age is None else {**took, f"{view} was old": age}


def _age(moment: dt.datetime | None, now: dt.datetime) -> dt.timedelta | None:
    """None for a view that was never computed, or for a moment yet to come."""
    return now - moment if moment and moment <= now else None


def _keep(view: str, error: DatabaseError) -> None:
    """Write down why, so that the rest can go on; raises where the database itself is away."""
    sentence = sentence_of(error)
    logger.error("view.failed view=%s error=%s", view, sentence)
    with transaction.atomic():
        note_failure(view, error=sentence)
