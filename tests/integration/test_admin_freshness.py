"""The admin's page of the views: how old each is, which is late, which fails, and who asked for one."""

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from rentals.models import ViewRefreshRequest, ViewState
from tests.operators import operator, seen

pytestmark = pytest.mark.django_db

PAGE = "/admin/rentals/viewstate/"
MINUTE = dt.timedelta(minutes=1)


def state(view: str, *, age: dt.timedelta, **fields: Any) -> None:
    at = timezone.now() - age
    ViewState.objects.create(view_name=view, refreshed_at=at, moment=at, duration=MINUTE / 60, **fields)


def line(view: str) -> str:
    """What its row says, up to the next view's."""
    _before, _name, after = seen(operator("*").get(PAGE)).partition(view)
    return after.split("mv_")[0].replace("\xa0", " ")


def test_a_view_that_was_just_refreshed_is_on_time() -> None:
    state("mv_alert_candidates", age=2 * MINUTE)
    row = line("mv_alert_candidates")
    assert "every 5 minutes" in row
    assert "2 minutes" in row
    assert "on time" in row
    assert "1.00 s" in row


def test_a_view_that_three_runs_left_out_is_late_and_one_with_an_error_fails() -> None:
    state("mv_alert_candidates", age=31 * MINUTE)
    state("mv_support_sla", age=MINUTE, error_at=timezone.now(), error_message="QueryCanceled: timeout")
    ViewState.objects.create(view_name="mv_dashboard_kpis", error_at=timezone.now(), error_message="x")
    assert " late " in line("mv_alert_candidates")
    assert " failing " in line("mv_support_sla")
    assert "QueryCanceled" in line("mv_support_sla")
    assert " failing " in line("mv_dashboard_kpis")


def test_a_view_that_somebody_asked_for_says_since_when() -> None:
    state("mv_alert_candidates", age=MINUTE)
    for age in (7, 3):
        ViewRefreshRequest.objects.create(
            view_name="mv_alert_candidates",
            source_table="bookings",
            requested_at=timezone.now() - age * MINUTE,
        )
    assert "7 minutes" in line("mv_alert_candidates")
