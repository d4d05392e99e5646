"""`manage.py watch_jobs`: in, nothing; out, what is wrong with the jobs and the drain, and the security centre told of it."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from jobs.watch import watch


class Command(BaseCommand):
    help = (
        "Look at the jobs and the drain once, as the schedules do every five minutes: bury runs whose worker died, tell "
        "the security centre what fails, crashed or is overdue (again only after a pause that grows), and what recovered. "
        "For a cron that does not depend on our workers. Exit code 1 if anything is wrong."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON document on standard output")

    def handle(self, *_args: Any, **options: Any) -> None:
        report = watch(now=timezone.now())
        if options["json"]:
            self.stdout.write(json.dumps(asdict(report), indent=2))
        else:
            for trouble in report.troubles:
                times = f", {trouble.failures} failures in a row" if trouble.failures else ""
                self.stdout.write(f"{trouble.job}: {trouble.kind}{times}")
            if not report.troubles:
                self.stdout.write("Every job is on time, and so is the drain.")
        if report.troubles:
            raise SystemExit(1)
