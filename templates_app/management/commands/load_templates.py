"""Publish the texts of `templates_app/seed/`: in, files; out, new versions where something changed, and a line for each."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from templates_app.load import LoadError, load
from templates_app.seed_files import SEED, SeedError, read_seed


class Command(BaseCommand):
    help = "Publishes the templates of templates_app/seed. Unchanged files publish nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="change nothing; exit 1 if something would change"
        )
        parser.add_argument(
            "--overwrite", action="store_true", help="also replace what was published in the admin"
        )
        parser.add_argument("--json", action="store_true", help="print what was done as JSON")
        parser.add_argument("--folder", type=Path, default=SEED, help="another folder of the same layout")

    def handle(self, **options: Any) -> None:
        try:
            changes = load(
                read_seed(options["folder"]), check=options["check"], overwrite=options["overwrite"]
            )
        except (SeedError, LoadError) as error:
            raise CommandError(f"Nothing was published.\n{error}") from error
        pending = [change for change in changes if change.action == "published"]
        if options["json"]:
            self.stdout.write(json.dumps([asdict(change) for change in changes], ensure_ascii=False))
        else:
            for change in changes:
                action = (
                    f"would be {change.action}" if options["check"] and change in pending else change.action
                )
                self.stdout.write(f"{change.name:<32} v{change.version:<4} {action} {change.detail}".rstrip())
            self.stdout.write(f"{len(pending)} published, {len(changes) - len(pending)} left as they are.")
        if options["check"] and pending:
            raise CommandError(
                f"{len(pending)} templates differ from the files: run manage.py load_templates."
            )
