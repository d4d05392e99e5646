"""`manage.py job pause|resume|show`: in, a job and a reason; out, its schedule stopped or started, or its pauses shown."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from jobs.models import JobPause
from jobs.moment import parse_moment
from jobs.pause import pause, pauses_of, resume
from jobs.runner import UnknownJob, find_job
from notifications.management.acting import checked_reason

BY = "command"


class Command(BaseCommand):
    help = (
        "Stop and start the schedule of a job, or show who did. A paused job's slots are skipped and it is not overdue; "
        "by hand (run_job, the API, the admin) it still runs."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True, metavar="pause|resume|show")
        pausing = acts.add_parser("pause", help="skip its slots until a moment, or until somebody resumes it")
        resuming = acts.add_parser("resume", help="run it by schedule again, from the next slot on")
        showing = acts.add_parser("show", help="its pauses, the newest first")
        for act in (pausing, resuming):
            act.add_argument("name", help="the job's name; run_job --list shows them")
            act.add_argument("--reason", required=True, help="why; kept in the job's history")
        pausing.add_argument(
            "--until",
            metavar="ISO",
            help="such as 2026-11-22T18:00-04:00; without an offset in TIME_ZONE (default: until somebody resumes it)",
        )
        showing.add_argument("name", help="the job's name")
        for act in (pausing, resuming, showing):
            act.add_argument("--json", action="store_true", help="print the pauses as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            job = find_job(options["name"]).name
        except UnknownJob as error:
            raise CommandError(str(error)) from None
        if options["act"] == "pause":
            self._pause(job, reason=options["reason"], until=options["until"])
        elif options["act"] == "resume":
            reason = checked_reason(options["reason"])
            if not resume(job, now=timezone.now(), by=BY, reason=reason):
                self.stderr.write(f"{job} was not paused.")
        found = pauses_of(job)
        if options["json"]:
            self.stdout.write(json.dumps([_as_dict(row) for row in found], indent=2))
        else:
            self.stdout.write("\n".join(map(_line, found)) or f"{job} was never paused.")

    def _pause(self, job: str, *, reason: str, until: str | None) -> None:
        now = timezone.now()
        try:
            moment = parse_moment(until) if until else None
        except ValueError as error:
            raise CommandError(f"--until: {error}") from None
        if moment and moment <= now:
            raise CommandError(f"--until “{until}” is in the past.")
        if not pause(job, now=now, by=BY, reason=checked_reason(reason), until=moment):
            self.stderr.write(f"{job} is paused already: resume it first.")


def _line(row: JobPause) -> str:
    paused = timezone.localtime(row.paused_at).isoformat(timespec="minutes")
    head = f"paused {paused} by {row.paused_by}: {row.reason}"
    if row.resumed_at:
        resumed = timezone.localtime(row.resumed_at).isoformat(timespec="minutes")
        why = f": {row.resume_reason}" if row.resume_reason else ""
        return f"{head}\n  resumed {resumed} by {row.resumed_by}{why}"
    end = timezone.localtime(row.until).isoformat(timespec="minutes") if row.until else "somebody resumes it"
    return f"{head}\n  until {end}"


def _as_dict(row: JobPause) -> dict[str, Any]:
    return {
        "paused_at": row.paused_at.isoformat(),
        "paused_by": row.paused_by,
        "reason": row.reason,
        "until": row.until.isoformat() if row.until else None,
        "resumed_at": row.resumed_at.isoformat() if row.resumed_at else None,
        "resumed_by": row.resumed_by,
        "resume_reason": row.resume_reason,
    }
