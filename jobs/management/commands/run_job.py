"""`manage.py run_job`: in, a job's name and a moment; out, what the run did, and an exit code a script can read."""

import json
import sys
from argparse import RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from tqdm import tqdm

from jobs.models import JobRun
from jobs.moment import parse_moment
from jobs.report import Outcome, RunReport
from jobs.runner import UnknownJob, find_job, run
from jobs.shapes import JobShape, ReportShape
from jobs.status import job_statuses
from jobs.tables import job_table, report_lines

FAILED, USAGE, SKIPPED = 1, 2, 3


class Bar:
    """A progress bar on standard error, for a person at a terminal."""

    def __init__(self) -> None:
        self.bar: tqdm[Any] = tqdm(
            disable=not sys.stderr.isatty(), leave=False, file=sys.stderr, unit=" rows"
        )

    def __call__(self, done: int, total: int) -> None:
        self.bar.total = total
        self.bar.update(done - self.bar.n)


class Command(BaseCommand):
    help = "Run one job now, or for another moment, and tell what it did."
    epilog = """\
examples:
  run_job --list                                             every job: schedule, next run, last run
  run_job booking_reminders                                  run it now
  run_job booking_reminders --dry-run                        what it would send and change; nothing is kept
  run_job booking_reminders --at 2026-11-15T08:00            as if it were then, in local time
  run_job booking_reminders --at 2026-11-15T12:00:00Z --json

exit codes: 0 success, 1 the job failed, 2 wrong usage, 3 another run of the job is going on (or it cannot run so)"""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, epilog=self.epilog, **kwargs)
        parser.formatter_class = RawDescriptionHelpFormatter
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", help="the job's name; --list shows them")
        parser.add_argument(
            "--at", metavar="ISO", help="the moment the job takes for now; local time without an offset"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="roll everything back, and show what it would do"
        )
        parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
        parser.add_argument("--list", action="store_true", help="show every job instead of running one")

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["list"]:
            return self._list(as_json=options["json"])
        if not options["name"]:
            raise CommandError("Name a job, or use --list to see them.", returncode=USAGE)
        report = self._run(options["name"], at=options["at"], dry_run=options["dry_run"])
        if options["json"]:
            self.stdout.write(ReportShape.from_orm(report).model_dump_json(indent=2))
        else:
            self.stdout.write("\n".join(report_lines(report)))
        if report.status is not Outcome.SUCCESS:
            raise SystemExit(FAILED if report.status is Outcome.FAILED else SKIPPED)
        return None

    def _run(self, name: str, *, at: str | None, dry_run: bool) -> RunReport:
        try:
            find_job(name)
            moment = parse_moment(at) if at else timezone.now()
        except (UnknownJob, ValueError) as error:
            raise CommandError(str(error), returncode=USAGE) from None
        progress = Bar()
        try:
            return run(name, now=moment, trigger=JobRun.Trigger.COMMAND, dry_run=dry_run, progress=progress)
        finally:
            progress.bar.close()

    def _list(self, *, as_json: bool) -> None:
        statuses = job_statuses(now=timezone.now())
        if as_json:
            shapes = [JobShape.from_orm(status).model_dump(mode="json") for status in statuses]
            self.stdout.write(json.dumps(shapes, indent=2))
        else:
            self.stdout.write("\n".join(job_table(statuses)))
