"""Plain-text tables for a terminal: in, reports and statuses; out, lines."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence

from django.utils import timezone

from jobs.report import Outcome, RowChange, RunReport
from jobs.status import JobStatus

# More lines than this say «and N more»: the JSON form has them.
LINES = 40


def job_table(statuses: Iterable[JobStatus]) -> Iterator[str]:
    """One line a job: name, schedule, next run, last run, status, duration, failures in a row."""
    head = ("JOB", "SCHEDULE", "NEXT RUN", "LAST RUN", "STATUS", "TOOK", "FAILURES")
    return _table([head, *(_job_row(status) for status in statuses)])


def report_lines(report: RunReport) -> Iterator[str]:
    """What became of a run, and for a dry run each message and change."""
    yield f"{report.job} for {_moment(report.moment)}: {_verdict(report)}"
    if report.result:
        summary = report.result.summary()
        found = ", ".join(f"{count} {kind}" for kind, count in summary["found"].items()) or "nothing"
        yield f"  found {found}"
        yield f"  messages: {summary['queued']} queued, {summary['existing']} existing, {summary['withheld']} withheld"
        for what, count in summary["changed"].items():
            yield f"  {count} {what}"
        for what, time in report.result.measured.items():
            yield f"  {what}: {_duration(time)}"
    if report.dry_run and report.result:
        yield from _shown("MESSAGES", _messages(report), report.message_count)
        yield from _shown("ROWS", _rows(report), report.row_count)


def _verdict(report: RunReport) -> str:
    if report.status is Outcome.SUCCESS:
        word = "would succeed (dry run, rolled back)" if report.dry_run else "success"
        return f"{word}, in {_duration(report.duration)}"
    return f"{report.status}: {report.error}"


def _messages(report: RunReport) -> list[tuple[str, ...]]:
    head = ("RECIPIENT", "CHANNEL", "TEMPLATE", "DUE", "STATUS", "WHY")
    shown = report.messages[:LINES]
    return [
        head,
        *((m.recipient, m.channel, m.template, _moment(m.scheduled_at), m.status, m.reason) for m in shown),
    ]


def _rows(report: RunReport) -> list[tuple[str, ...]]:
    head = ("TABLE", "ACTION", "ID", "COLUMNS")
    return [head, *((r.table, r.action, r.id, column_words(r)) for r in report.rows[:LINES])]


def column_words(row: RowChange) -> str:
    """«status: pending → active, price: 10 → 12»; of a new or deleted row its values."""
    if row.action == "update":
        return ", ".join(
            f"{name}: {before or '–'} → {after or '–'}" for name, (before, after) in row.columns.items()
        )
    return ", ".join(f"{name}: {before or after}" for name, (before, after) in row.columns.items())


def _shown(title: str, rows: Sequence[tuple[str, ...]], count: int) -> Iterator[str]:
    yield ""
    yield f"{title}: {count}"
    if count:
        yield from (f"  {line}" for line in _table(rows))
    if count > len(rows) - 1:
        yield f"  … and {count - len(rows) + 1} more (--json shows the first 1,000)"


def _job_row(job: JobStatus) -> tuple[str, ...]:
    last = job.last_run
    return (
        job.name,
        job.schedule,
        _moment(job.next_run_at) if job.next_run_at else "not scheduled",
        _moment(last.started_at) if last else "never",
        _state(job),
        _duration(last.duration) if last and last.duration else "–",
        str(job.consecutive_failures),
    )


def _state(job: JobStatus) -> str:
    """What stands out: paused, overdue, how far a long run is; else how the last run ended."""
    last = job.last_run
    if job.state in ("paused", "overdue"):
        return job.state
    if last is None:
        return "–"
    return f"{last.status} {last.done}/{last.total}" if last.total else last.status


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _moment(moment: dt.datetime) -> str:
    return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M %Z")


def _duration(duration: dt.timedelta) -> str:
    seconds = duration.total_seconds()
    return f"{seconds:.2f} s" if seconds < 60 else f"{seconds / 60:.1f} min"
