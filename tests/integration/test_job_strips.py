"""The strip of a job's last runs: a bar a run, what each says, and what it costs with a long history."""

import datetime as dt
import re

import pytest
from django.db import connection
from django.utils import timezone

from jobs.admin.strip import HEIGHT, RUNS, strips
from jobs.models import JobRun
from tests.plan_reader import explained

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("swept")]
NOW = dt.datetime(2026, 11, 28, 18, 0, tzinfo=dt.UTC)
HISTORY = """
INSERT INTO job_runs (id, job_name, started_at, finished_at, duration, status, moment, trigger, actor, summary, lease_until)
SELECT gen_random_uuid(), 'job' || n %% 10, at, at, interval '0', 'success', at, 'schedule', '', '{}', at
FROM generate_series(1, %s) AS n, LATERAL (SELECT timestamptz '2026-01-01' + n * interval '1 minute' AS at) AS clock
"""


def ran(
    *, status: str = "success", minutes: int, seconds: float = 1, error: str | None = None, job: str = "probe"
) -> JobRun:
    at = NOW - dt.timedelta(minutes=minutes)
    is_over = status != "running"
    return JobRun.objects.create(
        job_name=job, started_at=at, status=status, moment=at, trigger="schedule", error_message=error,
        finished_at=at + dt.timedelta(seconds=seconds) if is_over else None,
        duration=dt.timedelta(seconds=seconds) if is_over else None,
        lease_until=timezone.now() + dt.timedelta(hours=1), summary={"queued": 3} if status == "success" else {},
    )  # fmt: skip


def heights(strip: str) -> list[int]:
    return [int(high) for high in re.findall(r'class="jr-bar"[^>]* height="(\d+)"', strip)]


def test_a_job_that_never_ran_says_so() -> None:
    assert "no run yet" in strips(["probe"], now=NOW)["probe"]


def test_each_run_is_a_bar_in_order_with_its_end_its_length_and_its_page() -> None:
    failed = ran(status="failed", minutes=30, seconds=2, error="the ledger is closed")
    ran(minutes=20, seconds=4)
    ran(status="running", minutes=0)
    drawn = strips(["probe"], now=NOW)["probe"]
    assert re.findall(r"jr-run--(\w+)", drawn) == ["failed", "success", "running"]
    short, long, begun = heights(drawn)
    assert begun < short < long < HEIGHT
    assert f'href="/admin/jobs/jobrun/{failed.pk}/change/"' in drawn
    assert "2026-11-28 13:30 · Failed · 2.00\xa0s · the ledger is closed" in drawn
    assert "Success · 4.00\xa0s · 3 queued" in drawn
    assert 'aria-label="The last 3 runs of probe: 1 Failed, 1 Success, 1 Running"' in drawn
    assert drawn.count("jr-cross") == 1


def test_a_run_whose_worker_died_is_crossed_out_before_anybody_buried_it() -> None:
    ran(status="running", minutes=90)
    JobRun.objects.update(lease_until=timezone.now() - dt.timedelta(minutes=1))
    drawn = strips(["probe"], now=NOW)["probe"]
    assert "jr-run--crashed" in drawn
    assert "jr-cross" in drawn


def test_the_keyboard_stops_at_what_went_wrong_only() -> None:
    ran(minutes=3)
    ran(status="failed", minutes=2, error="no")
    assert re.findall(r'tabindex="(-?\d)"', strips(["probe"], now=NOW)["probe"]) == ["-1", "0"]


def test_an_error_cannot_write_into_the_page() -> None:
    ran(status="failed", minutes=2, error="</title><script>")
    assert "<script>" not in strips(["probe"], now=NOW)["probe"]


def test_one_query_draws_all_strips_and_reads_no_more_of_a_long_history() -> None:
    with connection.cursor() as cursor:
        cursor.execute(HISTORY, [100_000])
        cursor.execute("ANALYZE job_runs")
    ran(minutes=1, job="job0")
    names = [f"job{n}" for n in range(10)]
    with explained("job_runs") as plans:
        drawn = strips(names, now=NOW)
    [plan] = plans
    assert plan.indexes == {"job_runs_latest"}, plan
    assert not plan.whole_tables, plan
    assert plan.blocks < 10 * (RUNS + 10), plan
    assert len(heights(drawn["job0"])) == RUNS
