"""`manage.py sync_schedules`: in, the catalogue; out, django-q2's schedule rows as the code says, and what had to change."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from jobs.schedules import SyncReport, sync_schedules


class Command(BaseCommand):
    help = (
        "Write one schedule a job, and the drain's, as the catalogue says. Run it after every deploy. "
        "With --check nothing is written and the exit code is 1 if anything differs."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="only tell what differs; exit code 1 if anything does"
        )
        parser.add_argument("--json", action="store_true", help="one JSON document on standard output")

    def handle(self, *_args: Any, **options: Any) -> None:
        check: bool = options["check"]
        try:
            report = sync_schedules(now=timezone.now(), check=check)
        except ValueError as error:
            raise CommandError(str(error)) from None
        if options["json"]:
            self.stdout.write(json.dumps(asdict(report), indent=2))
        elif options["verbosity"]:
            self._tell(report, check=check)
        if check and report.drift:
            raise SystemExit(1)

    def _tell(self, report: SyncReport, *, check: bool) -> None:
        for drift in report.drift:
            self.stdout.write(f"{'would ' if check else ''}{drift.action} {drift.name}: {drift.detail}")
        for name in report.foreign:
            self.stdout.write(f"not ours, left alone: {name}")
        if not report.drift:
            self.stdout.write("Every schedule is as the code says.")
        elif check:
            self.stdout.write("Run `manage.py sync_schedules` to set them right.")
