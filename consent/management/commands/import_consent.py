"""`manage.py import_consent FILE`: decisions from elsewhere into the ledger, all of them or none."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from tqdm import tqdm

from consent.csv_rows import NEEDED, OPTIONAL_COLUMNS
from consent.import_csv import ImportRefusedError, import_csv


class Command(BaseCommand):
    help = (
        f"Import decisions from a CSV (UTF-8; columns {', '.join(NEEDED)}, and optionally {', '.join(OPTIONAL_COLUMNS)}). "
        "Every row is checked first, and told with its line and column where it is wrong; then all are written, or none. An old "
        "grant never undoes a newer withdrawal, and the same file again adds nothing. What export_consent wrote can be read."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the CSV file")
        parser.add_argument("--dry-run", action="store_true", help="check and count, and keep nothing")
        parser.add_argument(
            "--in-steps",
            action="store_true",
            help="commit every 2,000 rows: for big files while people click, whose decisions else wait for the whole file",
        )
        parser.add_argument("--any-customer", action="store_true", help="take ids that nobody has (yet), too")
        parser.add_argument("--json", action="store_true", help="print the result, or the problems, as JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            size = path.stat().st_size
            is_silent = options["verbosity"] == 0 or not sys.stderr.isatty()
            with tqdm(total=2 * size, unit="B", unit_scale=True, disable=is_silent, file=sys.stderr) as bar:
                done = import_csv(
                    path,
                    now=timezone.now(),
                    dry_run=options["dry_run"],
                    in_steps=options["in_steps"],
                    any_customer=options["any_customer"],
                    advance=bar.update,
                )
        except OSError as error:
            raise CommandError(f"{path} can't be read: {error.strerror}.") from None
        except ImportRefusedError as refused:
            if options["json"]:
                problems = [asdict(problem) for problem in refused.problems]
                self.stdout.write(json.dumps({"problems": problems, "count": refused.count}, indent=2))
            else:
                for problem in refused.problems:
                    self.stdout.write(f"  {problem}")
            more = refused.count - len(refused.problems)
            rest = f" ({more:,} more are not shown)" if more > 0 else ""
            problems_ = "One problem" if refused.count == 1 else f"{refused.count:,} problems"
            kept = "The steps before it were written" if refused.began else "Nothing was written"
            raise CommandError(f"{problems_}{rest}. {kept}: mend the file and import it again.") from None
        if options["json"]:
            self.stdout.write(json.dumps({**asdict(done), "dry_run": options["dry_run"]}, indent=2))
            return
        verb = "would be written" if options["dry_run"] else "were written"
        self.stdout.write(
            f"{done.rows:,} rows: {done.news:,} decisions {verb}, {done.known:,} were known already."
        )
        if done.requests:
            self.stdout.write(
                f"{done.requests:,} requests for confirmation were passed over: they decide nothing."
            )
