"""The materialized views: in, a view's name and a moment; out, the view refreshed for that moment, and a note of it.

A request (`ViewRefreshRequest`) is met by a refresh that began after the change behind it was committed. The triggers
leave out a request while one of the last 30 seconds is pending, trusting that one to be met later than their own
transaction commits. So a refresh settles only requests older than `GRACE`: a younger one stays, and brings one more
refresh. A transaction that takes longer than `GRACE` less 30 seconds may be missed, and waits for the view's schedule.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Min
from django.db.models.functions import Now
from psycopg import sql

from rentals.models import ViewRefreshRequest, ViewState

VIEWS = (
    "mv_dashboard_kpis",
    "mv_revenue_trends",
    "mv_booking_trends",
    "mv_equipment_utilization",
    "mv_customer_cohorts",
    "mv_support_sla",
    "mv_financial_summary",
    "mv_alert_candidates",
)
GRACE = dt.timedelta(seconds=90)
# Hash joins of a million bookings stay in memory.
WORK_MEM = "64MB"
ERROR_LENGTH = 2000


class UnknownViewError(LookupError):
    """There is no such view. The text lists those there are."""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """One refresh that succeeded: how long it took, and how many requests it settled."""

    view: str
    duration: dt.timedelta
    settled: int


def refresh(view: str, *, now: dt.datetime, timeout: dt.timedelta) -> Refreshed | None:
    """Compute the view for `now`, beside its readers; None if another refresh of it is under way.

    Takes part in the caller's transaction. Past `timeout`, or where the SQL fails, it raises Django's database error and
    leaves everything as it was; `note_failure` keeps the error. One that never was filled is filled, which locks it.
    """
    name = _known(view)
    with transaction.atomic(), _counting_for(now, timeout), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0)), clock_timestamp()", [view])
        free, began_at = cursor.fetchone()
        if not free:
            return None
        # Before the refresh, whose snapshot then sees all that these requests were about.
        settled, _ = ViewRefreshRequest.objects.filter(
            view_name=view, requested_at__lt=began_at - GRACE
        ).delete()
        cursor.execute("SELECT relispopulated FROM pg_class WHERE oid = %s::regclass", [view])
        concurrently = sql.SQL("CONCURRENTLY " if cursor.fetchone()[0] else "")
        cursor.execute(sql.SQL("REFRESH MATERIALIZED VIEW {}{}").format(concurrently, name))
        cursor.execute("SELECT clock_timestamp()")
        ended_at = cursor.fetchone()[0]
        took: dt.timedelta = ended_at - began_at
        ViewState.objects.update_or_create(
            view_name=view,
            defaults={
                "refreshed_at": ended_at,
                "moment": now,
                "duration": took,
                "error_message": "",
                "error_at": None,
            },
        )
    return Refreshed(view, took, settled)


def note_failure(view: str, *, error: str) -> None:
    """Keep why the view could not be refreshed. Its rows are the last refresh's, as `ViewState.refreshed_at` says."""
    _known(view)
    ViewState.objects.update_or_create(
        view_name=view, defaults={"error_message": error[:ERROR_LENGTH] or "unknown", "error_at": Now()}
    )


def pending() -> Mapping[str, dt.datetime]:
    """The views that somebody asked for, and since when. One query."""
    rows = ViewRefreshRequest.objects.order_by().values_list("view_name").annotate(since=Min("requested_at"))
    return {view: since for view, since in rows if view in VIEWS}


def states() -> Mapping[str, ViewState]:
    """What is known of each view; one that was never refreshed by us has an empty state. One query."""
    known = ViewState.objects.in_bulk(VIEWS)
    return {view: known.get(view) or ViewState(view_name=view) for view in VIEWS}


def _known(view: str) -> sql.Identifier:
    if view not in VIEWS:
        raise UnknownViewError(f"There is no view “{view}”. There are {', '.join(VIEWS)}.")
    return sql.Identifier(view)


@contextmanager
def _counting_for(now: dt.datetime, timeout: dt.timedelta) -> Iterator[None]:
    """Within the block the views count for `now`; afterwards the caller's transaction is as it was."""
    ours = {
        "rentals.now": now.isoformat(),
        "rentals.zone": settings.TIME_ZONE,
        "statement_timeout": str(max(1, round(timeout.total_seconds() * 1000))),
        "work_mem": WORK_MEM,
    }
    before = {name: value or "" for name, value in _current(ours).items()}
    _set(ours)
    # Not in a `finally`: where the block fails, the rollback of its savepoint restores them.
    yield
    _set(before)


def _current(names: Mapping[str, str]) -> dict[str, str | None]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, current_setting(name, true) FROM unnest(%s::text[]) AS name", [list(names)]
        )
        return dict(cursor.fetchall())


def _set(values: Mapping[str, str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config(name, value, true) FROM unnest(%s::text[], %s::text[]) AS given (name, value)",
            [list(values), list(values.values())],
        )
