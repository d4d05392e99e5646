"""A dry run on the page: in, its report; out, its messages and rows, the first of each, and how many there are."""

from typing import Any

from jobs.report import Outcome, RunReport

# Rows of a dry run on the page; the rest is counted.
SHOWN = 200


def dry_context(report: RunReport) -> dict[str, Any]:
    return {
        "succeeded": report.status is Outcome.SUCCESS,
        "rows": report.messages[:SHOWN],
        "row_changes": report.rows[:SHOWN],
        "row_count": report.row_count,
    }
