"""`manage.py smoke`: does every message that should be sent arrive exactly once? Two tables, and the exit code says it."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.smoke import MOMENT, Did, Line, smoke

DID = ("job", "status", "queued", "withheld", "seconds", "found", "changed")
HEADINGS = ("job", "channel", "queued", "withheld", "sent", "received", "duplicates")


class Command(BaseCommand):
    help = (
        "Load the sample business, run the jobs for a fixed moment, send everything to the sandbox providers, and "
        "compare. Prints what each job did and what arrived. Uses a database of its own. Exit code 0 only if every message was received exactly once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the table as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        # The log of every message would bury what this command has to say; the workers keep theirs in files.
        logging.disable(logging.INFO)
        if not settings.SANDBOX:
            raise CommandError("The smoke test runs in sandbox mode only: unset POSTROOM_MODE.")
        runs, lines, problems = smoke()
        if options["json"]:
            answer = {
                "moment": MOMENT.isoformat(),
                "runs": [asdict(run) for run in runs],
                "lines": [asdict(line) for line in lines],
                "problems": problems,
            }
            self.stdout.write(json.dumps(answer, indent=2))
        else:
            self.stdout.write(f"The jobs ran for {MOMENT.isoformat()}.\n\n{_did(runs)}\n\n{_table(lines)}\n")
        if problems:
            raise CommandError("\n".join(problems))
        if not options["json"]:
            self.stdout.write("Every message was received exactly once.")


def _did(runs: list[Did]) -> str:
    rows = [
        (
            run.job,
            run.status,
            f"{run.queued:,}",
            f"{run.withheld:,}",
            f"{run.seconds:.2f}",
            _counts(run.found),
            _counts(run.changed),
        )
        for run in runs
    ]
    return _aligned([DID, *rows], numbers=range(2, 5))


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {what}" for what, count in counts.items()) or "–"


def _table(lines: list[Line]) -> str:
    rows = [HEADINGS, *(tuple(str(value) for value in asdict(line).values()) for line in lines)]
    total = [sum(int(row[i]) for row in rows[1:]) for i in range(2, len(HEADINGS))]
    rows.append(("total", "", *map(str, total)))
    return _aligned(rows, numbers=range(2, len(HEADINGS)))


def _aligned(rows: Sequence[Sequence[str]], *, numbers: range) -> str:
    """Columns of one width each; those of numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i in numbers else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
