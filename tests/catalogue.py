"""A catalogue for tests: in, a function; out, the only job there is, for the length of a test."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from jobs import catalog
from jobs.spec import JobFunction, JobResult, JobSpec, Progress

Install = Callable[..., JobSpec]


def nothing(*, now: dt.datetime, progress: Progress) -> JobResult:
    return JobResult()


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    """`install(run, name="probe", **fields)`: the only job there is."""

    def put(run: JobFunction = nothing, *, name: str = "probe", **fields: Any) -> JobSpec:
        spec = JobSpec(
            name=name, description="A job of the tests.", run=run, **{"cron": "0 * * * *", **fields}
        )
        monkeypatch.setattr(catalog, "CATALOG", {name: spec})
        return spec

    return put
