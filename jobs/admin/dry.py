"""A dry run on the page: in, its report; out, what it would send in groups, the first of its messages and rows, and counts."""

from typing import Any

from consent.models import Channel
from jobs.admin.count_words import count_word
from jobs.report import DryGroup, Outcome, RunReport

# Rows of a dry run on the page; the rest is counted.
SHOWN = 200


def dry_context(report: RunReport) -> dict[str, Any]:
    groups = [_line(group) for group in report.groups]
    found = report.result.found.items() if report.result else ()
    return {
        "succeeded": report.status is Outcome.SUCCESS,
        "found": [(count, count_word(kind)) for kind, count in found],
        "going": [line for line in groups if not line["group"].withheld],
        "held_back": [line for line in groups if line["group"].withheld],
        "rows": report.messages[:SHOWN],
        "row_changes": report.rows[:SHOWN],
        "row_count": report.row_count,
        "row_counts": [
            (table, action, count) for table, by in report.row_counts.items() for action, count in by.items()
        ],
    }


def _line(group: DryGroup) -> dict[str, Any]:
    return {
        "group": group,
        "channel": Channel(group.channel).label,
        "more": group.count - len(group.recipients),
    }
