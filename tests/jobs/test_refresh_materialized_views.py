"""refresh_materialized_views: which views it refreshes when, what it tells of it, and that one failing view stops no other."""

import datetime as dt
import io
import re
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from jobs.catalog import CATALOG, refresh_materialized_views
from jobs.catalog.refresh_materialized_views import NAME, ViewsNotRefreshedError
from jobs.models import JobRun
from jobs.runner import run
from jobs.spec import JobResult, silent
from rentals.models import Booking, ViewRefreshRequest, ViewState
from rentals.rhythm import RHYTHMS
from rentals.views import GRACE, VIEWS, refresh, states
from tests.business_factories import MOMENT
from tests.factories import BookingFactory

MINUTE = dt.timedelta(minutes=1)
ALERTS, SLA, KPIS, COHORTS = (
    "mv_alert_candidates",
    "mv_support_sla",
    "mv_dashboard_kpis",
    "mv_customer_cohorts",
)


def work(now: dt.datetime = MOMENT) -> JobResult:
    return CATALOG[NAME].run(now=now, progress=silent)


def computed_for(now: dt.datetime) -> set[str]:
    return {view for view, state in states().items() if state.moment == now}


def break_view(view: str) -> None:
    """Its refresh meets an error, whatever the rows: its index, without which nothing is refreshed beside readers, is gone."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX {view}_key")


def test_every_view_has_a_rhythm_and_the_catalogue_leaves_time_for_all() -> None:
    assert set(RHYTHMS) == set(VIEWS)
    limits = [
        refresh_materialized_views.TIMEOUTS.get(view, refresh_materialized_views.TIMEOUT) for view in VIEWS
    ]
    assert sum(limits, dt.timedelta()) < CATALOG[NAME].timeout


# ── Which, when ─────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.django_db
def test_the_first_run_refreshes_every_view_and_the_next_in_its_slot_none() -> None:
    first = work()
    assert (first.found, first.changed["views refreshed"]) == ({"due": 8, "asked for": 0}, 8)
    assert computed_for(MOMENT) == set(VIEWS)
    assert work() == work(MOMENT + MINUTE) == JobResult(found={"due": 0, "asked for": 0})


@pytest.mark.django_db
def test_an_hour_of_runs_refreshes_each_view_as_often_as_its_rhythm_says() -> None:
    work()
    counts = dict.fromkeys(VIEWS, 0)
    for slot in range(1, 13):
        now = MOMENT + slot * 5 * MINUTE
        work(now)
        for view in computed_for(now):
            counts[view] += 1
    assert counts == {**dict.fromkeys(VIEWS, 1), ALERTS: 12, SLA: 12, KPIS: 4, COHORTS: 0}


@pytest.mark.django_db
def test_cohorts_are_refreshed_at_two_at_night_on_the_days_the_clocks_change() -> None:
    for two_oclock in ("2026-03-08T06:00", "2026-11-01T06:00"):
        now = dt.datetime.fromisoformat(two_oclock).replace(tzinfo=dt.UTC)
        work(now - 5 * MINUTE)
        assert COHORTS in computed_for(now - 5 * MINUTE)
        work(now)
        assert COHORTS in computed_for(now)
        work(now + 5 * MINUTE)
        assert COHORTS not in computed_for(now + 5 * MINUTE)


@pytest.mark.django_db
def test_what_was_asked_for_is_refreshed_out_of_turn_and_its_requests_are_settled() -> None:
    work()
    Booking.objects.filter(pk=BookingFactory.create().pk).update(status="cancelled")
    ViewRefreshRequest.objects.update(requested_at=dt.datetime.now(dt.UTC) - GRACE - MINUTE)
    later = MOMENT + MINUTE
    result = work(later)
    asked = {"mv_equipment_utilization", "mv_booking_trends", KPIS, "mv_financial_summary"}
    assert computed_for(later) == asked
    assert (result.found["due"], result.found["asked for"]) == (0, 4)
    assert (result.changed["views refreshed"], result.changed["requests settled"]) == (4, 4)
    assert work(later + MINUTE).found["asked for"] == 0


@pytest.mark.django_db
def test_a_request_too_young_to_be_settled_brings_one_more_refresh() -> None:
    work()
    BookingFactory.create()
    assert "requests settled" not in work(MOMENT + MINUTE).changed
    assert work(MOMENT + 2 * MINUTE).found["asked for"] == 4


@pytest.mark.django_db
def test_a_view_computed_for_a_moment_yet_to_come_is_brought_back_to_the_present() -> None:
    work(MOMENT + dt.timedelta(days=400))
    work()
    assert computed_for(MOMENT) == set(VIEWS)


@pytest.mark.django_db(transaction=True)
def test_a_view_that_is_being_refreshed_is_left_to_that_and_is_no_failure(other_connection: Any) -> None:
    with other_connection.transaction():
        other_connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [KPIS])
        result = work()
    assert (result.changed["views refreshed"], result.changed["left to another refresh"]) == (7, 1)
    assert computed_for(MOMENT) == set(VIEWS) - {KPIS}


# ── Told ────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.django_db
def test_the_command_tells_how_old_each_view_was_and_how_long_it_took() -> None:
    for view in VIEWS:
        refresh(view, now=MOMENT, timeout=MINUTE)
    out = io.StringIO()
    call_command("run_job", NAME, at=(MOMENT + 5 * MINUTE).isoformat(), stdout=out)
    assert "found 2 due, 0 asked for\n" in out.getvalue()
    assert f"  {ALERTS} was old: 5.0 min\n" in out.getvalue()
    assert re.search(rf"^  {ALERTS} took: \d+\.\d\d s$", out.getvalue(), re.MULTILINE)
    assert KPIS not in out.getvalue()
    summary = JobRun.objects.get().summary
    assert summary["changed"] == {"views refreshed": 2}
    assert summary["seconds"][f"{SLA} was old"] == 300
    assert set(summary["seconds"]) == {
        f"{view} {what}" for view in (ALERTS, SLA) for what in ("took", "was old")
    }


@pytest.mark.django_db
def test_progress_reaches_the_end() -> None:
    seen: list[tuple[int, int]] = []
    refresh_materialized_views.run(now=MOMENT, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(done, 8) for done in range(1, 9)]


# ── Failures ────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.django_db
def test_one_failing_view_stops_no_other_and_fails_the_run_by_name() -> None:
    work()
    break_view(ALERTS)
    later = MOMENT + 5 * MINUTE
    with pytest.raises(ViewsNotRefreshedError, match=rf"1 of 2 views .*: {ALERTS}\."):
        work(later)
    assert computed_for(later) == {SLA}
    state = states()[ALERTS]
    assert state.moment == MOMENT
    assert ALERTS in state.error_message
    assert "\n" not in state.error_message


@pytest.mark.django_db
def test_a_view_that_failed_is_due_at_the_next_run_again() -> None:
    work()
    ViewState.objects.filter(view_name=COHORTS).update(
        error_message="x", error_at=MOMENT, moment=MOMENT - dt.timedelta(days=1)
    )
    work(MOMENT + MINUTE)
    assert (states()[COHORTS].moment, states()[COHORTS].error_message) == (MOMENT + MINUTE, "")


@pytest.mark.django_db(transaction=True)
def test_what_was_refreshed_before_and_after_a_view_past_its_time_is_kept(
    monkeypatch: pytest.MonkeyPatch, other_connection: Any
) -> None:
    work()
    monkeypatch.setitem(refresh_materialized_views.TIMEOUTS, ALERTS, dt.timedelta(milliseconds=200))
    later = MOMENT + 5 * MINUTE
    with other_connection.transaction():
        # Somebody's refresh by hand, without our lock: ours waits for it, and past its time gives up.
        other_connection.execute(f"REFRESH MATERIALIZED VIEW CONCURRENTLY {ALERTS}")
        report = run(NAME, now=later, trigger="command")
    assert report.status == "failed"
    assert report.error.startswith(f"ViewsNotRefreshedError: 1 of 2 views could not be refreshed: {ALERTS}.")
    assert (
        "statement timeout"
        in other_connection.execute(
            "SELECT error_message FROM materialized_views WHERE view_name = %s", [ALERTS]
        ).fetchone()[0]
    )
    assert computed_for(later) == {SLA}
    assert run(NAME, now=later + MINUTE, trigger="command").status == "success"
    assert states()[ALERTS].moment == later + MINUTE


# ── A dry run ───────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.django_db(transaction=True)
def test_a_dry_run_refreshes_nothing_and_shows_the_rows_that_it_would_write() -> None:
    report = run(NAME, now=MOMENT, trigger="command", dry_run=True)
    assert report.status == "success", report.error
    assert report.row_counts == {"materialized_views": {"insert": 8}}
    assert not ViewState.objects.exists()


@pytest.mark.django_db
def test_a_run_that_finds_nothing_costs_two_statements(django_assert_num_queries: Any) -> None:
    work()
    with django_assert_num_queries(2):
        work(MOMENT + MINUTE)
