"""A job's words: what a result sums up, and which jobs can be rolled back."""

import datetime as dt

from jobs.spec import JobResult, JobSpec, Progress, silent


def rule(*, now: dt.datetime, progress: Progress) -> JobResult:
    progress(1, 2)
    return JobResult(found={"due": 1})


def spec(**fields: bool) -> JobSpec:
    return JobSpec(name="probe", description="", run=rule, cron="0 * * * *", **fields)  # type: ignore[arg-type]


def test_a_summary_holds_counts_and_seconds_alone() -> None:
    result = JobResult(
        found={"due": 3},
        queued=1,
        existing=2,
        changed={"alerts opened": 2},
        measured={"a view took": dt.timedelta(milliseconds=1234, microseconds=567)},
    )
    assert result.summary() == {
        "found": {"due": 3},
        "queued": 1,
        "existing": 2,
        "withheld": 0,
        "changed": {"alerts opened": 2},
        "seconds": {"a view took": 1.235},
    }


def test_only_what_can_be_rolled_back_has_a_dry_run() -> None:
    assert spec().dry_runs
    assert not spec(atomic=False).dry_runs
    assert spec(atomic=False, rehearsable=True).dry_runs


def test_nobody_needs_to_watch() -> None:
    assert spec().run(now=dt.datetime(2026, 1, 1, tzinfo=dt.UTC), progress=silent).found == {"due": 1}
